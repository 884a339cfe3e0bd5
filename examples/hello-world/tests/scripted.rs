//! Tests the application with a script instead of a back end: no socket, no clock, no thread.
//!
//! The script uses the same interface as the back ends of hosts and boards: the base returns actions, and
//! receives what has happened.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use hello_world::{Hello, PORT};
use picoevent::{
    Action, Backend, Conn, ConnError, End, EventBase, FullError, Instant, Listener, Pool,
    SetupError, Signal, Wait,
};

const INTERRUPTED: &str = "Caught an interrupt signal; exiting cleanly in two seconds.";

type Storage = picoevent::Storage<Hello, 1, 2, 48>;

/// A pool of all connections of the storage, with short rings.
const CLIENTS: Pool = Pool::rest().rings(8, 16);

thread_local! {
    /// The log lines of the test that runs on this thread.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

/// A back end whose clock is set by the test. The back end only collects the base's actions; the test feeds the results
/// of the actions to the base.
#[derive(Default)]
struct Device {
    now: Instant,
    actions: Vec<Action>,
}

impl Backend<Hello> for Device {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, _: &mut EventBase<Hello>) -> Result<(), Infallible> {
        self.actions.push(action);
        Ok(())
    }

    fn wait(&mut self, _: Instant, _: &mut EventBase<Hello>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

/// The application on a [`Device`].
struct Script<'s> {
    base: EventBase<'s, Hello>,
    app: Hello,
    listener: Listener,
    device: Device,
}

impl<'s> Script<'s> {
    fn new(storage: &'s mut Storage) -> Self {
        Self::on(EventBase::new(storage), CLIENTS)
    }

    fn on(mut base: EventBase<'s, Hello>, clients: Pool) -> Self {
        // Every test sets the same logger. Only the first call succeeds.
        let _ = log::set_logger(&Lines);
        log::set_max_level(log::LevelFilter::Info);
        let listener = Hello::start(&mut base, address(), clients).unwrap();
        Self { base, app: Hello::default(), listener, device: Device::default() }
    }

    /// Returns the actions that the base has requested since the last call.
    fn actions(&mut self) -> Vec<Action> {
        self.base.settle(&mut self.device).unwrap();
        std::mem::take(&mut self.device.actions)
    }

    fn accept(&mut self) -> Conn {
        self.base.accepted(self.listener, "192.0.2.1:5000".parse().unwrap()).unwrap()
    }

    /// Runs one iteration at the time `micros`. Returns the actions that the base requests before the callbacks of the
    /// iteration and after them.
    fn iterate(&mut self, micros: u64) -> Vec<Action> {
        self.device.now = Instant::from_micros(micros);
        assert_eq!(self.base.iterate(&mut self.app, &mut self.device), Poll::Ready(Ok(None)));
        self.actions()
    }

    fn send_all(&mut self, conn: Conn) -> Vec<u8> {
        let (first, second) = self.base.output(conn);
        let bytes = [first, second].concat();
        self.base.sent(conn, bytes.len());
        bytes
    }
}

fn address() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], PORT))
}

fn lines() -> Vec<String> {
    LINES.take()
}

#[test]
fn it_requests_a_listener_and_the_interrupt_signal() {
    let mut storage = Storage::new();
    let mut script = Script::new(&mut storage);
    let expected = [Action::Catch(Signal::INT), Action::Listen(script.listener)];
    assert_eq!(script.actions(), expected);
    assert_eq!(script.base.wait(), Wait::Forever);
}

#[test]
fn a_client_gets_the_greeting_and_its_slot_becomes_free() {
    let mut storage = Storage::new();
    let mut script = Script::new(&mut storage);
    for _ in 0..10 {
        let conn = script.accept();
        script.iterate(0);
        assert_eq!(script.base.wait(), Wait::Until(Instant::from_micros(60_000_000)));
        assert_eq!(script.send_all(conn), b"Hello, World!\n");
        assert_eq!(script.iterate(0), [Action::Receive(conn), Action::End(conn)]);
        script.base.delivered(conn);
        script.base.peer_finished(conn);
        assert_eq!(script.actions(), [Action::Close(conn)]);
        assert_eq!(lines(), ["flushed answer"]);
    }
}

#[test]
fn a_client_that_accepts_no_bytes_for_a_minute_is_dropped() {
    let mut storage = Storage::new();
    let mut script = Script::new(&mut storage);
    let conn = script.accept();
    script.iterate(0);
    script.iterate(59_999_999);
    assert_eq!(lines(), Vec::<String>::new());
    script.iterate(60_000_000);
    assert!(script.base.conn(conn).is_err());
    script.iterate(60_000_000);
    assert_eq!(lines(), ["Got an error on the connection: connection timed out"]);
}

#[test]
fn the_answer_is_flushed_after_its_last_byte() {
    let mut storage = Storage::new();
    let mut script = Script::new(&mut storage);
    let conn = script.accept();
    script.iterate(0);
    script.base.sent(conn, 13);
    script.iterate(0);
    assert_eq!(lines(), Vec::<String>::new());
    script.base.sent(conn, 1);
    script.iterate(0);
    assert_eq!(lines(), ["flushed answer"]);
}

#[test]
fn a_client_that_closes_first_still_gets_the_answer() {
    let mut storage = Storage::new();
    let mut script = Script::new(&mut storage);
    let conn = script.accept();
    script.iterate(0);
    script.base.peer_finished(conn);
    script.iterate(0);
    assert_eq!(lines(), ["Connection closed."]);
    assert_eq!(script.send_all(conn), b"Hello, World!\n");
}

#[test]
fn input_is_read_and_ignored() {
    let mut storage = Storage::new();
    let mut script = Script::new(&mut storage);
    let conn = script.accept();
    script.iterate(0);
    for _ in 0..100 {
        let (first, _) = script.base.input(conn).expect("there is always room");
        let amount = first.len();
        script.base.received(conn, amount);
        script.iterate(0);
    }
}

#[test]
fn a_connection_error_is_logged() {
    let mut storage = Storage::new();
    let mut script = Script::new(&mut storage);
    let conn = script.accept();
    script.iterate(0);
    script.base.failed(conn, ConnError::Reset);
    script.iterate(0);
    assert_eq!(lines(), ["Got an error on the connection: connection reset by peer"]);
    assert_eq!(script.base.counts().conns, 0);
}

#[test]
fn after_an_interrupt_it_serves_clients_for_two_seconds_and_ends() {
    let mut storage = Storage::new();
    let mut script = Script::new(&mut storage);
    script.iterate(1_000_000);
    script.base.raised(Signal::INT, 1);
    script.iterate(1_000_000);
    assert_eq!(script.base.wait(), Wait::Until(Instant::from_micros(3_000_000)));
    assert_eq!(lines(), [INTERRUPTED]);

    script.base.raised(Signal::INT, 3);
    script.iterate(2_000_000);
    assert_eq!(script.base.wait(), Wait::Until(Instant::from_micros(3_000_000)));
    assert_eq!(lines(), Vec::<String>::new(), "a second interrupt changes nothing");

    let conn = script.accept();
    script.iterate(2_999_999);
    assert_eq!(script.send_all(conn), b"Hello, World!\n", "it serves to the end");
    script.iterate(2_999_999);
    script.iterate(3_000_000);
    assert_eq!(script.base.wait(), Wait::Ended(End::Exit));
    assert_eq!(script.base.now().since(Instant::from_micros(1_000_000)), Duration::from_secs(2));
}

#[test]
fn a_storage_that_is_too_small_is_an_error() {
    let start = |mut base: EventBase<'_, Hello>| Hello::start(&mut base, address(), CLIENTS);
    let mut storage = picoevent::Storage::<Hello, 0, 1, 24>::new();
    assert_eq!(start(EventBase::new(&mut storage)), Err(FullError::Events.into()));
    let mut storage = picoevent::Storage::<Hello, 1, 1, 24, 0>::new();
    assert_eq!(start(EventBase::new(&mut storage)), Err(FullError::Listeners.into()));
    let mut storage = picoevent::Storage::<Hello, 1, 1, 24, 1, 0>::new();
    assert_eq!(start(EventBase::new(&mut storage)), Err(SetupError::Pools));
}

#[test]
fn an_output_ring_that_is_too_small_is_logged_and_the_client_is_reset() {
    let mut storage = Box::new(picoevent::Storage::<Hello, 1, 1, 21>::new());
    let clients = Pool::rest().rings(8, 13);
    let mut script = Script::on(EventBase::new(&mut storage), clients);
    let conn = script.accept();
    assert_eq!(script.iterate(0).last(), Some(&Action::Reset(conn)));
    assert_eq!(lines(), ["The output ring is too small for the answer."]);
}
