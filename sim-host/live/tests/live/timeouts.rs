//! The timeouts of connections: from which time they count, and whether input comes before them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use picoevent::{Conn, ConnEnd, ConnError, ConnMut, Instant, Protocol, Signal, Trigger};

use crate::support::{ANY_PORT, RING, client, pool, run};

/// The idle timeout of the connections.
const TIMEOUT: Duration = Duration::from_millis(300);

/// How long the client waits before it sends something.
const SILENCE: Duration = Duration::from_millis(200);

#[derive(Default)]
struct App {
    received: Option<Instant>,
    timed_out: Option<Instant>,
}

/// Discards input, and ends the loop when a silent client has timed out.
struct Discard;

impl Protocol<App> for Discard {
    const IDLE: Option<Duration> = Some(TIMEOUT);

    fn readable(app: &mut App, conn: &mut ConnMut<App>) {
        conn.consume(usize::MAX);
        app.received = Some(conn.cx().now());
    }

    fn ended(app: &mut App, conn: &mut ConnMut<App>, end: ConnEnd) {
        assert_eq!(end, ConnEnd::Failed(ConnError::TimedOut));
        app.timed_out = Some(conn.cx().now());
        conn.cx().exit();
    }
}

/// The loop sleeps until the byte arrives. The timeout must count from the arrival of the byte, and not from the time
/// at which the loop went to sleep.
#[test]
fn a_read_timeout_counts_from_the_last_byte() {
    let mut app = App::default();
    let mut client_thread = None;
    run::<1, _>(&mut app, |live, base, _| {
        let pool = pool(base);
        let listener = base.listen::<Discard>(ANY_PORT, pool).unwrap();
        live.settle(base).unwrap();
        let server = live.local_addr(listener).unwrap();
        client_thread = Some(thread::spawn(move || {
            let mut client = client(server);
            thread::sleep(SILENCE);
            // On a slow host, the timeout may pass before this write. In this case, the write may fail.
            let _ = client.write_all(b"x");
            client
        }));
    });
    drop(client_thread.unwrap().join().unwrap());
    // On a slow host, the timeout may have ended the connection before the byte arrived. In this case, there is nothing
    // to check.
    if let Some(received) = app.received {
        assert!(app.timed_out.unwrap() >= received.after(TIMEOUT));
    }
}

/// Discards input, and counts idle timeouts. The client is in the same thread.
#[derive(Default)]
struct LongCallback {
    client: Option<TcpStream>,
    reads: u32,
    timeouts: u32,
}

struct Count;

impl Protocol<LongCallback> for Count {
    fn opened(app: &mut LongCallback, conn: &mut ConnMut<LongCallback>) {
        // The client sends a byte before the timeout. The timeout passes during this callback, which also writes. When
        // the system has taken the output, `writable` is due.
        conn.set_timeouts(Some(Duration::from_millis(1)), None);
        app.client.as_mut().unwrap().write_all(b"x").unwrap();
        thread::sleep(Duration::from_millis(2));
        conn.write(b"answer").unwrap();
    }

    fn readable(app: &mut LongCallback, conn: &mut ConnMut<LongCallback>) {
        conn.consume(usize::MAX);
        conn.set_timeouts(None, None);
        app.reads += 1;
        conn.cx().exit();
    }

    fn idle(app: &mut LongCallback, conn: &mut ConnMut<LongCallback>) {
        app.timeouts += 1;
        conn.cx().exit();
    }
}

#[test]
fn input_that_arrived_during_a_long_callback_comes_before_the_timeout() {
    let mut app = LongCallback::default();
    run::<1, _>(&mut app, |live, base, app| {
        let pool = pool(base);
        let listener = base.listen::<Count>(ANY_PORT, pool).unwrap();
        live.settle(base).unwrap();
        app.client = Some(client(live.local_addr(listener).unwrap()));
    });
    assert_eq!((app.reads, app.timeouts), (1, 0));
}

/// An application whose client reads a part of the output, and then nothing. The part is too small for a report of the
/// selector, but the system has room for more output.
#[derive(Default)]
struct PartlyRead {
    conn: Option<Conn>,
    written: usize,
    before: usize,
    let_client_read: Option<Sender<()>>,
    written_when_read: Option<usize>,
    stalled: bool,
}

struct Fill;

impl Fill {
    fn write(app: &mut PartlyRead, conn: &mut ConnMut<PartlyRead>) {
        app.written += conn.write_some(&[b'x'; RING]);
    }
}

impl Protocol<PartlyRead> for Fill {
    fn opened(app: &mut PartlyRead, conn: &mut ConnMut<PartlyRead>) {
        app.conn = Some(conn.id());
        Self::write(app, conn);
    }

    fn readable(_: &mut PartlyRead, _: &mut ConnMut<PartlyRead>) {}

    fn writable(app: &mut PartlyRead, conn: &mut ConnMut<PartlyRead>) {
        Self::write(app, conn);
    }

    fn stalled(app: &mut PartlyRead, conn: &mut ConnMut<PartlyRead>) {
        app.stalled = true;
        conn.cx().exit();
    }
}

#[test]
fn output_that_the_system_takes_before_the_timeout_restarts_the_timeout() {
    static HAS_READ: Trigger = Trigger::new(Signal::USR1);
    let (let_client_read, may_read) = mpsc::channel();
    let mut app = PartlyRead { let_client_read: Some(let_client_read), ..PartlyRead::default() };
    let mut reading = None;
    run::<1, _>(&mut app, |live, base, _| {
        let pool = pool(base);
        let listener = base.listen::<Fill>(ANY_PORT, pool).unwrap();
        live.settle(base).unwrap();
        let server = live.local_addr(listener).unwrap();
        reading = Some(thread::spawn(move || {
            let mut client = client(server);
            let _ = may_read.recv();
            client.read_exact(&mut vec![0; 128 << 10]).unwrap();
            HAS_READ.raise();
            client
        }));
        // The client reads when the socket is full.
        base.every(Duration::from_millis(20), |app: &mut PartlyRead, _| {
            if app.written > 0 && app.written == app.before {
                app.let_client_read.take();
            }
            app.before = app.written;
        })
        .unwrap();
        live.add_trigger(&HAS_READ);
        base.on_signal(Signal::USR1, |app: &mut PartlyRead, event| {
            let mut conn = event.conn(app.conn.unwrap()).unwrap();
            conn.set_timeouts(None, Some(Duration::from_millis(1)));
            app.written_when_read = Some(app.written);
        })
        .unwrap();
    });
    drop(reading.unwrap().join().unwrap());
    assert!(app.stalled && app.written > app.written_when_read.unwrap());
}
