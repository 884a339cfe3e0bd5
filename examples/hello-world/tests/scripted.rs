//! The application against a script instead of a back end: no socket, no clock, no thread.
//!
//! What the host and the boards run is exactly this seam: actions come out, news goes in.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use hello_world::{Hello, PORT};
use picoevent::{Action, Conn, ConnError, End, EventBase, Full, Instant, Listener, Signal, Wait};

const INTERRUPTED: &str = "Caught an interrupt signal; exiting cleanly in two seconds.";

type Storage = picoevent::Storage<Hello, 1, 2, 8, 16>;

thread_local! {
    /// The lines of the test that runs on this thread.
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

/// A back end that does what the test says.
struct Script {
    base: EventBase<'static, Hello>,
    app: Hello,
    listener: Listener,
}

impl Script {
    fn new() -> Self {
        // Every test sets the same logger, and the first one wins.
        let _ = log::set_logger(&Lines);
        log::set_max_level(log::LevelFilter::Info);
        let mut base = EventBase::new(Box::leak(Box::new(Storage::new())));
        let listener = Hello::start(&mut base, address()).unwrap();
        Self { base, app: Hello::new(), listener }
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.base.next_action()).collect()
    }

    fn accept(&mut self) -> Conn {
        self.base.accepted(self.listener, "192.0.2.1:5000".parse().unwrap()).unwrap()
    }

    /// One turn at `micros`.
    fn turn(&mut self, micros: u64) {
        self.base.advance(Instant::from_micros(micros));
        self.base.dispatch(&mut self.app);
        self.actions();
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
fn it_asks_for_a_listener_and_the_interrupt() {
    let mut script = Script::new();
    let expected = [Action::Catch(Signal::INT), Action::Listen(script.listener)];
    assert_eq!(script.actions(), expected);
    assert_eq!(script.base.wait(), Wait::Forever);
}

#[test]
fn a_client_gets_the_greeting_and_the_slot_comes_back() {
    let mut script = Script::new();
    for _ in 0..10 {
        let conn = script.accept();
        script.turn(0);
        assert_eq!(script.base.wait(), Wait::Until(Instant::from_micros(60_000_000)));
        assert_eq!(script.send_all(conn), b"Hello, World!\n");
        script.base.dispatch(&mut script.app);
        assert_eq!(script.actions(), [Action::Close(conn)]);
        script.base.released(conn);
        assert_eq!(lines(), ["flushed answer"]);
    }
}

#[test]
fn a_client_that_takes_nothing_for_a_minute_is_let_go() {
    let mut script = Script::new();
    let conn = script.accept();
    script.turn(0);
    script.turn(59_999_999);
    assert_eq!(lines(), Vec::<String>::new());
    script.base.advance(Instant::from_micros(60_000_000));
    script.base.dispatch(&mut script.app);
    assert!(script.actions().contains(&Action::Close(conn)));
    assert_eq!(lines(), ["Let a client go that does not listen."]);
}

#[test]
fn the_answer_is_not_flushed_before_its_last_byte() {
    let mut script = Script::new();
    let conn = script.accept();
    script.turn(0);
    script.base.sent(conn, 13);
    script.turn(0);
    assert_eq!(lines(), Vec::<String>::new());
    script.base.sent(conn, 1);
    script.turn(0);
    assert_eq!(lines(), ["flushed answer"]);
}

#[test]
fn a_client_that_closes_first_still_gets_the_answer() {
    let mut script = Script::new();
    let conn = script.accept();
    script.turn(0);
    script.base.finished(conn);
    script.turn(0);
    assert_eq!(lines(), ["Connection closed."]);
    assert_eq!(script.send_all(conn), b"Hello, World!\n");
}

#[test]
fn what_a_client_sends_is_taken_and_ignored() {
    let mut script = Script::new();
    let conn = script.accept();
    script.turn(0);
    for _ in 0..100 {
        let (first, _) = script.base.input(conn).expect("there is always room");
        let amount = first.len();
        script.base.received(conn, amount);
        script.turn(0);
    }
}

#[test]
fn an_error_is_reported_in_words() {
    let mut script = Script::new();
    let conn = script.accept();
    script.turn(0);
    script.base.failed(conn, ConnError::Reset);
    script.base.dispatch(&mut script.app);
    assert_eq!(lines(), ["Got an error on the connection: connection reset by peer"]);
    assert_eq!(script.actions(), [Action::Receive(conn), Action::Abort(conn)][1..]);
}

#[test]
fn an_interrupt_ends_it_after_two_seconds_of_service() {
    let mut script = Script::new();
    script.turn(1_000_000);
    script.base.raised(Signal::INT, 1);
    script.turn(1_000_000);
    assert_eq!(script.base.wait(), Wait::Until(Instant::from_micros(3_000_000)));
    assert_eq!(lines(), [INTERRUPTED]);

    script.base.raised(Signal::INT, 3);
    script.turn(2_000_000);
    assert_eq!(script.base.wait(), Wait::Until(Instant::from_micros(3_000_000)));
    assert_eq!(lines(), Vec::<String>::new(), "a second interrupt changes nothing");

    let conn = script.accept();
    script.turn(2_999_999);
    assert_eq!(script.send_all(conn), b"Hello, World!\n", "it serves to the end");
    script.turn(2_999_999);
    script.turn(3_000_000);
    assert_eq!(script.base.wait(), Wait::Ended(End::Exit));
    assert_eq!(script.base.now().since(Instant::from_micros(1_000_000)), Duration::from_secs(2));
}

#[test]
fn a_storage_that_is_too_small_is_an_error_value() {
    let mut storage = picoevent::Storage::<Hello, 0, 1, 8, 16>::new();
    assert_eq!(Hello::start(&mut EventBase::new(&mut storage), address()), Err(Full::Events));
    let mut storage = picoevent::Storage::<Hello, 1, 1, 8, 16, 0>::new();
    assert_eq!(Hello::start(&mut EventBase::new(&mut storage), address()), Err(Full::Listeners));
}

#[test]
fn an_output_ring_that_is_too_small_is_said_and_the_client_let_go() {
    let mut storage = Box::new(picoevent::Storage::<Hello, 1, 1, 8, 13>::new());
    let _ = log::set_logger(&Lines);
    log::set_max_level(log::LevelFilter::Info);
    let (mut base, mut app) = (EventBase::new(&mut storage), Hello::new());
    let listener = Hello::start(&mut base, address()).unwrap();
    let conn = base.accepted(listener, address()).unwrap();
    base.dispatch(&mut app);
    assert_eq!(lines(), ["The output ring is too small for the answer."]);
    assert_eq!(std::iter::from_fn(|| base.next_action()).last(), Some(Action::Abort(conn)));
}
