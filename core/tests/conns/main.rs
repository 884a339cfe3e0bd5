//! Connections: bytes in and out, the callbacks' conditions, and every way to an end.

use std::sync::OnceLock;
use std::time::Duration;

use picoevent::{
    AcceptError, Action, Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Cx, Direction, End,
    EventBase, FIN_WAIT, Instant, LINGER, ListenError, Listener, Pool, PoolId, Settings,
    SetupError, StaleError, Storage, Wait, WriteError,
};

mod closing;
mod due;
mod listening;
mod timeouts;

#[derive(Default)]
struct App {
    calls: Vec<ConnEvent>,
    conn: Option<Conn>,
    react: Option<fn(&mut App, &mut ConnMut<App>, ConnEvent)>,
    /// Another connection, for a callback that does something to it.
    other: Option<Conn>,
    deed: Option<fn(&mut Cx<App>, Conn)>,
    /// The listener that accepted the last connection.
    listener: Option<Listener>,
    /// What a connection does to its listener when it opens, once.
    at_listener: Option<fn(&mut Cx<App>, Listener)>,
}

impl App {
    /// The callback of nearly every connection: none begins to read by itself.
    fn heard(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        if event == ConnEvent::Opened {
            conn.disable(Direction::Read);
            (self.conn, self.listener) = (Some(conn.id()), conn.listener());
            if let (Some(deed), Some(listener)) = (self.at_listener.take(), self.listener) {
                deed(conn.cx(), listener);
            }
        }
        self.note(conn, event);
    }

    fn note(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        self.calls.push(event);
        if let Some(react) = self.react {
            react(self, conn, event);
        }
    }

    fn calls(&mut self) -> Vec<ConnEvent> {
        std::mem::take(&mut self.calls)
    }
}

type Base<'s> = EventBase<'s, App>;

fn storage() -> Box<Storage<App, 2, 2, 24>> {
    Box::new(Storage::new())
}

/// What the application hears last of a connection that it has closed, or aborted.
const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);
const ABORTED: ConnEvent = ConnEvent::Ended(ConnEnd::Aborted);

static SETTINGS: Settings = Settings::new();

/// The pool of all connections that the storage has, added when it is first asked for. The first pools of
/// all bases have the same name.
fn pool(base: &mut Base) -> PoolId {
    static POOL: OnceLock<PoolId> = OnceLock::new();
    let added = base.add_pool(Pool::rest().rings(4, 8));
    *POOL.get_or_init(|| added.unwrap())
}

fn try_connect(base: &mut Base) -> Result<Conn, SetupError> {
    let pool = pool(base);
    base.connect_with(peer(), pool, &SETTINGS, App::heard)
}

fn connect(base: &mut Base) -> Conn {
    try_connect(base).unwrap()
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn peer() -> std::net::SocketAddr {
    "192.0.2.7:4242".parse().unwrap()
}

fn listener(base: &mut Base) -> Listener {
    let pool = pool(base);
    let address = "0.0.0.0:9995".parse().unwrap();
    let listener = base.listen_with(address, pool, &SETTINGS, App::heard).unwrap();
    actions(base);
    listener
}

/// A connection that has been accepted, and that the application knows.
fn open(base: &mut Base, app: &mut App) -> Conn {
    let listener = listener(base);
    let conn = base.accepted(listener, peer()).unwrap();
    base.dispatch(app);
    assert_eq!(app.calls(), [ConnEvent::Opened]);
    assert_eq!(app.conn, Some(conn));
    conn
}

fn actions(base: &mut Base) -> Vec<Action> {
    std::iter::from_fn(|| base.next_action()).collect()
}

/// Puts as much of `data` into the input ring as is wanted, as a back end does; how much that was.
fn feed(base: &mut Base, conn: Conn, data: &[u8]) -> usize {
    let Some((first, second)) = base.input(conn) else { return 0 };
    let room = first.iter_mut().chain(second);
    let amount = room.zip(data).map(|(room, byte)| *room = *byte).count();
    base.received(conn, amount);
    amount
}

/// Takes up to `most` bytes of output, as a back end does.
fn drain(base: &mut Base, conn: Conn, most: usize) -> Vec<u8> {
    let (first, second) = base.output(conn);
    let bytes: Vec<u8> = first.iter().chain(second).copied().take(most).collect();
    base.sent(conn, bytes.len());
    bytes
}

#[test]
fn nothing_is_read_while_reading_is_disabled() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    assert_eq!(feed(&mut base, conn, b"ab"), 0);
    base.conn(conn).unwrap().enable(Direction::Read);
    assert_eq!(actions(&mut base), [Action::Receive(conn)]);
    assert_eq!(feed(&mut base, conn, b"ab"), 2);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable]);
    base.conn(conn).unwrap().disable(Direction::Read);
    assert_eq!(feed(&mut base, conn, b"c"), 0);
    assert_eq!(base.conn(conn).unwrap().peek().0, b"ab", "what is held stays");
}

#[test]
fn a_full_input_ring_makes_the_peer_wait_and_asks_again_when_read() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().enable(Direction::Read);
    actions(&mut base);
    assert_eq!(feed(&mut base, conn, b"abcdef"), 4);
    assert_eq!(feed(&mut base, conn, b"ef"), 0);
    base.dispatch(&mut app);
    assert_eq!((app.calls(), actions(&mut base)), ([ConnEvent::Readable].into(), [].into()));
    let mut two = [0; 2];
    assert_eq!(base.conn(conn).unwrap().read(&mut two), 2);
    assert_eq!((&two, actions(&mut base)), (b"ab", [Action::Receive(conn)].into()));
    assert_eq!(feed(&mut base, conn, b"ef"), 2);
    let view = base.conn(conn).unwrap();
    assert_eq!((view.peek(), view.find(b"de")), ((&b"cd"[..], &b"ef"[..]), Some(1)));
    assert_eq!(base.conn(conn).unwrap().consume(usize::MAX), 4);
}

#[test]
fn settings_can_be_asked_for() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.timeouts(), (None, None));
    assert!(!view.is_enabled(Direction::Read) && view.is_enabled(Direction::Write));
    view.set_timeouts(Some(ms(2)), Some(Duration::ZERO));
    view.enable(Direction::Read).disable(Direction::Write);
    assert_eq!(view.timeouts(), (Some(ms(2)), None), "zero is no timeout");
    assert!(view.is_enabled(Direction::Read) && !view.is_enabled(Direction::Write));
    base.finished(conn);
    base.dispatch(&mut app);
    assert!(!base.conn(conn).unwrap().is_enabled(Direction::Read), "nothing more will come");
}

#[test]
fn a_listener_is_enabled_until_it_is_disabled_or_fails() {
    let mut storage = storage();
    let mut base = EventBase::new(&mut storage);
    let listener = listener(&mut base);
    assert!(base.listener(listener).unwrap().is_enabled());
    assert!(!base.listener(listener).unwrap().disable().is_enabled());
    assert!(base.listener(listener).unwrap().enable().is_enabled());
    base.listen_failed(listener, ListenError::InUse);
    assert!(!base.listener(listener).unwrap().is_enabled());
}

#[test]
fn a_back_end_that_counts_too_much_is_held_to_the_ring() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().enable(Direction::Read).write(b"abc").unwrap();
    base.received(conn, 1_000);
    base.sent(conn, 1_000);
    let view = base.conn(conn).unwrap();
    assert_eq!((view.input_len(), view.output_len(), view.room()), (4, 0, 8));
}

#[test]
fn writing_takes_all_or_nothing_or_what_fits() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    let mut view = base.conn(conn).unwrap();
    view.write(b"hello").unwrap();
    assert_eq!(view.write(b"world"), Err(WriteError::Full { room: 3 }));
    assert_eq!((view.write_some(b"world"), view.write_some(b"!")), (3, 0));
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 99), b"hellowor");
    assert_eq!(WriteError::Full { room: 3 }.to_string(), "the ring has room for 3 bytes only");
}

#[cfg(feature = "record")]
#[test]
fn the_longest_write_is_known_though_it_was_refused() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    assert_eq!(base.longest_write(), 0);
    assert!(base.conn(conn).unwrap().write(b"123456789").is_err());
    base.conn(conn).unwrap().write(b"1").unwrap();
    assert_eq!(base.longest_write(), 9);
}

#[test]
fn writable_is_reported_when_the_last_byte_is_sent_and_not_before() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().enable(Direction::Write);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "enabling with nothing to send is no news");
    base.conn(conn).unwrap().write(b"abc").unwrap();
    drain(&mut base, conn, 2);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), []);
    drain(&mut base, conn, 2);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Writable]);
}

#[test]
fn disabled_writing_holds_the_output_back() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().disable(Direction::Write).write(b"abc").unwrap();
    assert_eq!((actions(&mut base), drain(&mut base, conn, 9)), ([].into(), [].into()));
    base.conn(conn).unwrap().enable(Direction::Write);
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"abc");
}

#[test]
fn callbacks_of_one_connection_come_in_order_data_before_the_end() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().enable(Direction::Read).write(b"abc").unwrap();
    base.finished(conn);
    drain(&mut base, conn, 9);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Writable, ConnEvent::Eof]);
    base.finished(conn);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "the end comes once");
}

#[test]
fn after_the_end_of_stream_input_can_be_read_and_output_is_sent() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().enable(Direction::Read);
    feed(&mut base, conn, b"ab");
    base.finished(conn);
    base.dispatch(&mut app);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable, ConnEvent::Eof]);
    assert_eq!(base.conn(conn).unwrap().enable(Direction::Read).peek().0, b"ab");
    assert_eq!(feed(&mut base, conn, b"c"), 0, "nothing comes after the end");
    base.conn(conn).unwrap().write(b"bye").unwrap();
    assert_eq!(drain(&mut base, conn, 9), b"bye");
}

#[test]
fn an_outgoing_connection_sends_what_was_queued_before() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = connect(&mut base);
    base.conn(conn).unwrap().write(b"hi").unwrap();
    assert_eq!(actions(&mut base), [Action::Connect(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"");
    base.connected(conn);
    assert_eq!(actions(&mut base), [Action::Receive(conn), Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"hi");
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Opened, ConnEvent::Writable]);
    assert_eq!(base.conn(conn).unwrap().peer(), Some(peer()));
}

#[test]
fn a_failure_is_told_once_and_leaves_only_the_input() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().enable(Direction::Read).write(b"lost").unwrap();
    feed(&mut base, conn, b"ab");
    base.failed(conn, ConnError::Reset);
    base.failed(conn, ConnError::TimedOut);
    app.react = Some(|_, conn, event| {
        assert_eq!((conn.peek().0, conn.output_len()), (&b"ab"[..], 0), "{event:?}");
        assert_eq!((conn.write(b"x"), conn.write_some(b"x")), (Err(WriteError::Finished), 0));
    });
    base.dispatch(&mut app);
    let failed = ConnEvent::Ended(ConnEnd::Failed(ConnError::Reset));
    assert_eq!(app.calls(), [ConnEvent::Readable, failed]);
    assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError));
    assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), []);
}

#[test]
fn close_sends_what_is_queued_and_gives_the_slot_back_after() {
    let mut storage = Box::new(Storage::<App, 1, 1, 12>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let conn = open(&mut base, &mut app);
    let listener = base.conn(conn).unwrap().listener().unwrap();
    base.conn(conn).unwrap().write(b"bye").unwrap();
    base.conn(conn).unwrap().close();
    assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError), "for the application it is gone");
    assert_eq!(actions(&mut base), [Action::Receive(conn), Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"bye");
    assert_eq!(actions(&mut base), [Action::End(conn)]);
    assert!(!base.has_room(listener), "its slot is not");
    base.delivered(conn);
    base.finished(conn);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [CLOSED], "and it has no other callback");
    assert_eq!(actions(&mut base), [Action::Close(conn)]);
    assert!(base.has_room(listener));
    base.delivered(conn);
    assert_eq!(base.output(conn), (&[][..], &[][..]));
}

#[test]
fn a_closed_connection_keeps_the_loop_until_its_peer_has_ended() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let listener = listener(&mut base);
    let conn = base.accepted(listener, peer()).unwrap();
    base.dispatch(&mut app);
    base.listener(listener).unwrap().free();
    base.conn(conn).unwrap().close();
    assert_eq!(base.wait(), Wait::Not, "the application has not heard of the end");
    base.dispatch(&mut app);
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Until(Instant::ZERO.after(LINGER)));
    base.delivered(conn);
    assert_eq!(base.wait(), Wait::Until(Instant::ZERO.after(FIN_WAIT)));
    base.finished(conn);
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Ended(End::Empty));
}

#[test]
fn an_abort_discards_and_the_connection_is_gone_at_once() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    let mut view = base.conn(conn).unwrap();
    view.enable(Direction::Read).write(b"never").unwrap();
    view.abort();
    assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError));
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
    assert_eq!(base.counts().conns, 1, "until the application has heard of the end");
    base.received(conn, 3);
    base.sent(conn, 3);
    base.finished(conn);
    base.connected(conn);
    base.failed(conn, ConnError::Reset);
    base.delivered(conn);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ABORTED], "news of a connection that is gone is ignored");
    assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
}

#[test]
fn what_an_aborted_connection_held_is_not_asked_for_when_its_peer_answers_late() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = connect(&mut base);
    base.conn(conn).unwrap().write(b"late").unwrap();
    assert!(matches!(actions(&mut base)[..], [Action::Connect(..)]));
    base.conn(conn).unwrap().abort();
    base.connected(conn);
    assert_eq!(base.output(conn), (&[][..], &[][..]));
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ABORTED]);
}

#[test]
fn a_connection_aborted_in_its_callback_hears_of_its_end_only() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().enable(Direction::Read);
    app.react = Some(|_, conn, _| conn.abort());
    feed(&mut base, conn, b"ab");
    base.finished(conn);
    for _ in 0..3 {
        base.dispatch(&mut app);
    }
    assert_eq!(app.calls(), [ConnEvent::Readable, ABORTED]);
}

#[test]
fn a_closing_connection_that_fails_gives_its_slot_back() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().write(b"bye").unwrap();
    base.conn(conn).unwrap().close();
    base.failed(conn, ConnError::Reset);
    assert_eq!(actions(&mut base), [], "what was requested of it is forgotten");
    assert_eq!(base.counts().conns, 1, "until the application has heard of the end");
    base.dispatch(&mut app);
    assert_eq!((app.calls(), actions(&mut base)), (vec![CLOSED], vec![]));
    assert_eq!(base.counts().conns, 0);
    let next = connect(&mut base);
    assert_eq!(actions(&mut base), [Action::Connect(next)]);
}

#[test]
fn finishing_our_side_keeps_the_other_open() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app);
    let mut view = base.conn(conn).unwrap();
    view.enable(Direction::Read).write(b"last").unwrap();
    view.finish();
    assert_eq!(view.write(b"x"), Err(WriteError::Finished));
    assert_eq!(actions(&mut base), [Action::Receive(conn), Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"last");
    assert_eq!(actions(&mut base), [Action::End(conn)]);
    assert_eq!(feed(&mut base, conn, b"ok"), 2);
}

#[test]
fn a_full_table_refuses_the_accept() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let listener = listener(&mut base);
    let first = base.accepted(listener, peer()).unwrap();
    base.accepted(listener, peer()).unwrap();
    assert!(!base.has_room(listener));
    assert_eq!(base.accepted(listener, peer()), Err(AcceptError::Full));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Opened, ConnEvent::Opened]);
    base.conn(first).unwrap().abort();
    base.dispatch(&mut app);
    actions(&mut base);
    base.accepted(listener, peer()).unwrap();
    base.listener(listener).unwrap().free();
    assert_eq!(base.accepted(listener, peer()), Err(AcceptError::NoListener));
}

#[test]
fn transfer_moves_what_fits_and_wakes_both_ends() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let listener = listener(&mut base);
    let (a, b) =
        (base.accepted(listener, peer()).unwrap(), base.accepted(listener, peer()).unwrap());
    base.dispatch(&mut app);
    base.conn(a).unwrap().enable(Direction::Read);
    base.conn(b).unwrap().write(b"123456").unwrap();
    actions(&mut base);
    feed(&mut base, a, b"wxyz");
    let transfer = |base: &mut Base, from, to| base.conn(from)?.transfer(to);
    assert_eq!(transfer(&mut base, a, b), Ok(2));
    assert_eq!(base.conn(a).unwrap().peek().0, b"yz");
    assert_eq!(actions(&mut base), [Action::Send(b), Action::Receive(a)]);
    assert_eq!(drain(&mut base, b, 99), b"123456wx");
    assert_eq!(transfer(&mut base, a, a), Ok(2), "an echo");
    assert_eq!(drain(&mut base, a, 99), b"yz");
    base.conn(b).unwrap().abort();
    assert_eq!(
        (transfer(&mut base, a, b), transfer(&mut base, b, a)),
        (Err(StaleError), Err(StaleError))
    );
}
