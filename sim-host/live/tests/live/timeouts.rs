//! The timeouts of connections: from which time they count, and whether input comes before them.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use picoevent::{ConnEnd, ConnError, ConnMut, Instant, Protocol};

use crate::support::{ANY_PORT, client, pool, run};

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
