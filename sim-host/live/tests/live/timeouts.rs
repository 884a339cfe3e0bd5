//! Connections' timeouts: from when they count.

use std::io::Write;
use std::thread;
use std::time::Duration;

use picoevent::{Conn, ConnEvent, Cx, Direction, Instant};

use crate::support::{client, listen, run};

/// The timeout of the connections here.
const TIMEOUT: Duration = Duration::from_millis(300);

/// How long the client is silent before it says something.
const SILENCE: Duration = Duration::from_millis(200);

#[derive(Default)]
struct App {
    received: Option<Instant>,
    timed_out: Option<Instant>,
}

impl App {
    fn accepted(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        let mut conn = cx.conn(conn).unwrap();
        conn.on_read(Self::received).on_event(Self::happened).enable(Direction::Read);
        conn.set_timeouts(Some(TIMEOUT), None);
    }

    fn received(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        cx.conn(conn).unwrap().consume(usize::MAX);
        self.received = Some(cx.now());
    }

    fn happened(&mut self, cx: &mut Cx<Self>, conn: Conn, event: ConnEvent) {
        assert_eq!(event, ConnEvent::Timeout(Direction::Read));
        cx.conn(conn).unwrap().close();
        self.timed_out = Some(cx.now());
        cx.exit();
    }
}

/// The loop sleeps until the byte comes, and the timeout is to count from the byte, not from when
/// the loop went to sleep.
#[test]
fn a_read_timeout_counts_from_the_last_byte() {
    let mut app = App::default();
    let mut talking = None;
    run::<1, _>(&mut app, |live, base, _| {
        let (_, server) = listen(live, base, App::accepted);
        talking = Some(thread::spawn(move || {
            let mut client = client(server);
            thread::sleep(SILENCE);
            client.write_all(b"x").unwrap();
            client
        }));
    });
    drop(talking.unwrap().join().unwrap());
    // Should this machine be too slow for the byte to come in time, there was only the timeout.
    if let Some(received) = app.received {
        assert!(app.timed_out.unwrap() >= received.after(TIMEOUT));
    }
}
