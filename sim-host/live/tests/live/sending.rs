//! More output than the system accepts at once.

use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use picoevent::{ConnEnd, ConnMut, Protocol};

use crate::support::{ANY_PORT, RING, client, pool, read_all, run};

/// More bytes than the buffers of both sides hold.
const TOTAL: usize = 64 << 20;

/// An application that counts the bytes that it has written.
#[derive(Default)]
struct App {
    written: usize,
    before: usize,
    let_client_read: Option<Sender<()>>,
    ended: Option<ConnEnd>,
}

struct Flood;

impl Flood {
    fn write(app: &mut App, conn: &mut ConnMut<App>) {
        let room = conn.room().min(TOTAL - app.written);
        app.written += conn.write_some(&[b'x'; RING][..room]);
        if app.written == TOTAL {
            conn.close();
        }
    }
}

impl Protocol<App> for Flood {
    fn opened(app: &mut App, conn: &mut ConnMut<App>) {
        Self::write(app, conn);
    }

    fn readable(_: &mut App, _: &mut ConnMut<App>) {}

    fn writable(app: &mut App, conn: &mut ConnMut<App>) {
        Self::write(app, conn);
    }

    fn ended(app: &mut App, conn: &mut ConnMut<App>, end: ConnEnd) {
        app.ended = Some(end);
        conn.cx().exit();
    }
}

/// The client reads only after the system has accepted as many bytes as it can. Then there is room again, and the
/// selector must report this.
#[test]
fn a_full_socket_gets_the_rest_when_it_has_room_again() {
    let (let_client_read, may_read) = mpsc::channel();
    let mut app = App { let_client_read: Some(let_client_read), ..App::default() };
    let mut reading = None;
    run::<1, _>(&mut app, |live, base, _| {
        let pool = pool(base);
        let listener = base.listen::<Flood>(ANY_PORT, pool).unwrap();
        live.settle(base).unwrap();
        let server = live.local_addr(listener).unwrap();
        reading = Some(thread::spawn(move || {
            let mut client = client(server);
            let _ = may_read.recv();
            read_all(&mut client).len()
        }));
        base.every(Duration::from_millis(20), |app: &mut App, _| {
            if app.written > 0 && app.written == app.before {
                app.let_client_read.take();
            }
            app.before = app.written;
        })
        .unwrap();
    });
    assert_eq!(reading.unwrap().join().unwrap(), TOTAL);
    assert_eq!((app.written, app.ended), (TOTAL, Some(ConnEnd::Closed)));
}
