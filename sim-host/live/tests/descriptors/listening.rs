//! A listener whose connections take all descriptors.

use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use picoevent::{Conn, ConnEvent, ConnMut, EventBase, EventMut, Pool, Settings, Storage};
use picoevent_mio::Live;

use crate::{LIMIT, Warnings, leave_descriptors, run_alone};

const PLAIN: &Settings = &Settings::new();

const CLIENTS: usize = 6;

/// The number of connections for which there are descriptors.
const DESCRIPTORS: usize = 2;

#[derive(Default)]
struct App {
    held: Vec<Conn>,
    most: usize,
    served: usize,
}

impl App {
    fn happened(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        if event == ConnEvent::Opened {
            self.held.push(conn.id());
            self.most = self.most.max(self.held.len());
        }
    }

    /// Answers all clients as soon as all descriptors are in use and the listener has logged a warning.
    fn answer(&mut self, event: &mut EventMut<Self>) {
        if self.held.len() < DESCRIPTORS || Warnings::count() == 0 {
            return;
        }
        for conn in self.held.drain(..) {
            let mut conn = event.conn(conn).unwrap();
            conn.write(b"at last").unwrap();
            conn.close();
            self.served += 1;
        }
        if self.served == CLIENTS {
            event.exit();
        }
    }
}

#[test]
fn out_of_descriptors_the_listener_pauses_and_resumes() {
    run_alone("listening::out_of_descriptors");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn out_of_descriptors() {
    Warnings::start_counting();
    let mut storage = Storage::<App, 2, 16, 16384>::new();
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::rest()).unwrap();
    let mut live = Live::new().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = base.listen_with(address, pool, PLAIN, App::happened).unwrap();
    base.every(Duration::from_millis(50), App::answer).unwrap();
    base.after(LIMIT, |_, _| panic!("not all clients were served")).unwrap();
    live.settle(&mut base).unwrap();
    let server = live.local_addr(listener).unwrap();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = TcpStream::connect(server).unwrap();
            thread::spawn(move || {
                let mut answer = Vec::new();
                client.read_to_end(&mut answer).unwrap();
                // The socket stays open. If it were closed, its descriptor would become free for the server.
                client.shutdown(Shutdown::Write).unwrap();
                (answer, client)
            })
        })
        .collect();
    let _taken = leave_descriptors(DESCRIPTORS);

    let (mut app, began) = (App::default(), Instant::now());
    live.run(&mut base, &mut app).unwrap();
    let seconds = began.elapsed().as_secs() as usize;

    for client in clients {
        assert_eq!(client.join().unwrap().0, b"at last");
    }
    assert_eq!(app.most, DESCRIPTORS);
    // The listener tries once for each descriptor that becomes free, and once per second. A listener that tries again
    // without waiting tries thousands of times.
    let pauses = Warnings::count();
    assert!(pauses <= 4 * CLIENTS + seconds, "it paused {pauses} times in {seconds} s");
}
