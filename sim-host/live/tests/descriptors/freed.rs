//! A listener that pauses because no descriptor is left, and objects other than connections whose descriptors become
//! free.

use std::io;
use std::net::TcpStream;
use std::time::Instant;

use picoevent::{ConnEvent, ConnMut, EventBase, Pool, Settings, Signal, UdpRings};
use picoevent_mio::{Capacities, HeapStorage, Live};

use crate::{LIMIT, Warnings, leave_descriptors, run_alone};

const PLAIN: &Settings = &Settings::new();
const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);
const CLIENTS: usize = 4;

/// Counts the accepted connections.
#[derive(Default)]
struct App(usize);

impl App {
    fn count(&mut self, _: &mut ConnMut<Self>, event: ConnEvent) {
        self.0 += usize::from(event == ConnEvent::Opened);
    }
}

#[test]
fn a_freed_descriptor_of_any_object_ends_the_pause() {
    run_alone("freed::udp_socket_source_and_signal");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn udp_socket_source_and_signal() {
    Warnings::start_counting();
    let pool = Pool::new(CLIENTS as u16);
    let capacities = Capacities { events: 1, sources: 1, udp: 1, ..Capacities::of(&[pool]) };
    let capacities = Capacities { bytes: capacities.bytes + 200, ..capacities };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let pool = base.add_pool(pool).unwrap();
    let (mut app, mut live) = (App::default(), Live::new().unwrap());

    let listener = base.listen_with(ANY_PORT.into(), pool, PLAIN, App::count).unwrap();
    let socket = base.bind(ANY_PORT.into(), UdpRings::new(100, 100), |_, _, _| {}).unwrap();
    let (descriptor, _other) = io::pipe().unwrap();
    let source = live.add_source(&mut base, &descriptor).unwrap();
    let signal = base.on_signal(Signal::USR2, |_, _| {}).unwrap();
    live.settle(&mut base).unwrap();
    let server = live.local_addr(listener).unwrap();
    let _clients = [(); CLIENTS].map(|()| TcpStream::connect(server).unwrap());
    let _taken = leave_descriptors(0);

    for served in 0..3 {
        let began = Instant::now();
        while Warnings::count() <= served {
            live.iterate_once(&mut base, &mut app).unwrap();
            assert!(began.elapsed() < LIMIT, "the listener does not pause");
        }
        assert_eq!(app.0, served);
        match served {
            0 => base.udp(socket).unwrap().close(),
            1 => base.forget_source(source).unwrap(),
            _ => base.event(signal).unwrap().del(),
        }
        // The first iteration frees the descriptor, and accepts a client. The second iteration calls the callback.
        for _ in 0..2 {
            live.iterate_once(&mut base, &mut app).unwrap();
        }
        assert!(app.0 > served, "{served} are accepted");
    }
}
