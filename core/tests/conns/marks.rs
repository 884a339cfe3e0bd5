//! Low and high marks: libevent's `bufferevent_setwatermark`, and one-time waits for input or room.

use picoevent::{
    Action, Conn, ConnEvent, Direction, Eol, LineError, Pool, Settings, SetupError, WriteError,
};

use super::{App, Base, actions, at, base, connect, drain, feed, ms, peer, pool, with_conn};

/// Returns an open connection with the settings `settings`, an input ring of 4 bytes and an output ring of 8 bytes.
/// Reading is enabled.
fn marked(settings: &'static Settings) -> (Base<'static>, App, Conn) {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base);
    let conn = base.connect_with(peer(), pool, settings, App::on_event).unwrap();
    base.connected(conn);
    base.dispatch(&mut app);
    base.conn(conn).unwrap().enable(Direction::Read);
    assert_eq!(app.calls(), [ConnEvent::Opened]);
    actions(&mut base);
    (base, app, conn)
}

/// Writes `data` to the input ring, reports it as received, and runs a pass. Returns the events of the callbacks.
fn events_after_input(base: &mut Base, app: &mut App, conn: Conn, data: &[u8]) -> Vec<ConnEvent> {
    assert_eq!(feed(base, conn, data), data.len());
    base.dispatch(app);
    app.calls()
}

fn events_after_output(
    base: &mut Base,
    app: &mut App,
    conn: Conn,
    amount: usize,
) -> Vec<ConnEvent> {
    assert_eq!(drain(base, conn, amount).len(), amount);
    base.dispatch(app);
    app.calls()
}

static THREE: Settings = Settings::new().input_marks(3, usize::MAX);
static SHORT: Settings = Settings::new().input_marks(1, 2).output_marks(0, 3);
static SOME_LEFT: Settings = Settings::new().output_marks(2, usize::MAX);

#[test]
fn input_below_the_low_mark_is_not_reported() {
    let (mut base, mut app, conn) = marked(&THREE);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"ab"), []);
    assert_eq!(base.counts().active, 0, "nothing is due");
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"c"), [ConnEvent::Readable]);
    assert_eq!(
        events_after_input(&mut base, &mut app, conn, b"d"),
        [ConnEvent::Readable],
        "and each time after"
    );
    base.conn(conn).unwrap().consume(2);
    base.conn(conn).unwrap().read_again();
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "a request waits for the low mark, too");
}

#[test]
fn the_end_of_stream_does_not_wait_for_the_low_mark_and_the_rest_can_be_read() {
    let (mut base, mut app, conn) = marked(&THREE);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"ab"), []);
    base.peer_finished(conn);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Eof]);
    assert_eq!(base.conn(conn).unwrap().peek().0, b"ab");
}

#[test]
fn at_the_high_mark_nothing_is_received_until_input_is_consumed() {
    let (mut base, mut app, conn) = marked(&SHORT);
    assert_eq!(feed(&mut base, conn, b"abcd"), 2);
    assert!(base.input(conn).is_none(), "it is full");
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable]);
    assert_eq!(actions(&mut base), []);
    base.conn(conn).unwrap().consume(1);
    assert_eq!(actions(&mut base), [Action::Receive(conn)]);
    assert_eq!(feed(&mut base, conn, b"cd"), 1, "across the end of a ring of two");
    let mut bytes = [0; 4];
    assert_eq!(base.conn(conn).unwrap().read(&mut bytes), 2);
    assert_eq!(&bytes[..2], b"bc");
}

#[test]
fn a_read_timeout_does_not_run_while_the_input_is_at_its_high_mark() {
    let (mut base, _, conn) = marked(&SHORT);
    base.conn(conn).unwrap().set_timeouts(Some(ms(10)), None);
    assert_eq!(base.deadline(), Some(at(10)));
    feed(&mut base, conn, b"ab");
    assert_eq!(base.deadline(), None);
}

#[test]
fn a_line_longer_than_the_high_mark_is_overlong() {
    let (mut base, _, conn) = marked(&SHORT);
    feed(&mut base, conn, b"ab");
    let mut view = base.conn(conn).unwrap();
    let mut buffer = [0; 9];
    assert_eq!(view.read_line(&mut buffer), Some(Err(LineError::TooLong)));
    feed(&mut base, conn, b"\nc");
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.read_line(&mut buffer), None, "the rest was discarded");
    feed(&mut base, conn, b"\n");
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.take_line(Eol::Lf), Some(Ok(&b"c"[..])));
}

#[test]
fn the_high_mark_of_the_output_holds_for_every_verb() {
    let (mut base, _, conn) = marked(&SHORT);
    let other = connect(&mut base);
    base.connected(other);
    feed(&mut base, other, b"wxyz");
    let mut view = base.conn(conn).unwrap();
    assert_eq!((view.room(), view.ring_sizes()), (3, (2, 3)));
    assert_eq!(view.write(b"abcd"), Err(WriteError::TooLong { size: 3 }));
    assert_eq!(write!(view, "{}", 1234), Err(WriteError::TooLong { size: 3 }));
    assert_eq!(view.write_with(4, |_| 4), Err(WriteError::TooLong { size: 3 }));
    assert_eq!(view.write_some(b"abcd"), 3);
    assert_eq!(view.write(b"d"), Err(WriteError::Full { room: 0 }));
    assert_eq!(view.room(), 0);
    assert_eq!(drain(&mut base, conn, 2), b"ab");
    base.conn(other).unwrap().enable(Direction::Read);
    feed(&mut base, other, b"wxyz");
    assert_eq!(base.conn(other).unwrap().transfer(conn), Ok(2));
    assert_eq!(drain(&mut base, conn, 9), b"cwx");
}

#[test]
fn writable_is_reported_whenever_the_output_is_not_above_the_low_mark() {
    let (mut base, mut app, conn) = marked(&SOME_LEFT);
    base.conn(conn).unwrap().write(b"abcdef").unwrap();
    assert_eq!(events_after_output(&mut base, &mut app, conn, 3), []);
    assert_eq!(events_after_output(&mut base, &mut app, conn, 1), [ConnEvent::Writable]);
    assert_eq!(events_after_output(&mut base, &mut app, conn, 1), [ConnEvent::Writable]);
    base.conn(conn).unwrap().write(b"gh").unwrap();
    drain(&mut base, conn, 1);
    base.conn(conn).unwrap().write(b"i").unwrap();
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "it was due, and more than the low mark is left again");
}

#[test]
fn write_again_checks_the_low_mark_and_reports_in_the_next_pass() {
    let (mut base, mut app, conn) = marked(&SOME_LEFT);
    base.conn(conn).unwrap().write(b"abc").unwrap();
    base.conn(conn).unwrap().write_again();
    base.dispatch(&mut app);
    assert_eq!(app.calls(), []);
    drain(&mut base, conn, 1);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Writable]);
    base.conn(conn).unwrap().write_again();
    assert_eq!(app.calls(), [], "it is deferred");
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Writable]);
    base.conn(conn).unwrap().finish();
    base.conn(conn).unwrap().write_again();
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "nothing more can be written");
}

#[test]
fn wait_for_input_reports_the_input_when_it_has_arrived_or_if_it_is_there_already() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read);
    base.conn(conn).unwrap().wait_for_input(3);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"ab"), []);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"c"), [ConnEvent::Readable]);
    base.conn(conn).unwrap().wait_for_input(2);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable], "it is there");
    base.conn(conn).unwrap().consume(3);
    assert_eq!(
        events_after_input(&mut base, &mut app, conn, b"x"),
        [ConnEvent::Readable],
        "the wait is over"
    );
}

#[test]
fn waiting_for_more_input_than_fits_means_a_full_ring_and_for_none_the_first_byte() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read);
    base.conn(conn).unwrap().wait_for_input(usize::MAX);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"abc"), []);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"d"), [ConnEvent::Readable]);
    base.conn(conn).unwrap().consume(4);
    base.conn(conn).unwrap().wait_for_input(0);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"x"), [ConnEvent::Readable]);
}

#[test]
fn waiting_for_one_byte_reports_input_below_the_low_mark() {
    let (mut base, mut app, conn) = marked(&THREE);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"a"), []);
    base.conn(conn).unwrap().wait_for_input(1);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable]);
}

#[test]
fn searching_for_the_end_of_a_line_ends_a_wait_and_a_wait_does_not_hide_a_line() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read);
    feed(&mut base, conn, b"a");
    assert_eq!(base.conn(conn).unwrap().find_eol(Eol::Lf), None);
    base.conn(conn).unwrap().wait_for_input(4);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"\n"), []);
    assert_eq!(base.conn(conn).unwrap().find_eol(Eol::Lf), Some(1..2));
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"b"), [ConnEvent::Readable]);
}

#[test]
fn new_settings_apply_at_once_and_report_input_below_the_old_low_mark() {
    static PLAIN: Settings = Settings::new().idle(std::time::Duration::from_millis(7));
    let (mut base, mut app, conn) = marked(&THREE);
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"ab"), []);
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.marks(Direction::Read), (3, 4));
    assert_eq!(view.set_settings(&PLAIN), Ok(()));
    assert_eq!((view.marks(Direction::Read), view.marks(Direction::Write)), ((1, 4), (0, 8)));
    assert_eq!(view.settings(), Some(&PLAIN));
    assert_eq!(view.timeouts(), (Some(ms(7)), None));
    assert_eq!(base.deadline(), Some(at(7)));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable]);
}

#[test]
fn new_settings_that_need_less_room_report_input_that_waited_for_the_room_of_an_answer() {
    static ROOM: Settings = Settings::new().room(7);
    static LESS: Settings = Settings::new().room(3);
    let (mut base, mut app, conn) = marked(&ROOM);
    app.react = Some(|_, conn, event| {
        if event == ConnEvent::Readable && conn.read_line(&mut [0; 4]).is_some() {
            conn.write(b"abc").unwrap();
            assert_eq!(conn.read_line(&mut [0; 4]), None, "the second line waits for room");
        }
    });
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"1\n2\n"), [ConnEvent::Readable]);
    base.conn(conn).unwrap().set_settings(&ROOM).unwrap();
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "these settings give no room");
    base.conn(conn).unwrap().set_settings(&LESS).unwrap();
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable]);
    assert_eq!(drain(&mut base, conn, 9), b"abcabc");
}

#[test]
fn rings_become_shorter_and_longer_without_losing_a_byte() {
    static PLAIN: Settings = Settings::new();
    let (mut base, _, conn) = marked(&PLAIN);
    feed(&mut base, conn, b"abcd");
    base.conn(conn).unwrap().consume(3);
    feed(&mut base, conn, b"e");
    base.conn(conn).unwrap().write(b"12345678").unwrap();
    drain(&mut base, conn, 6);
    base.conn(conn).unwrap().write(b"9").unwrap();
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.set_settings(&SHORT), Ok(()), "both rings hold as much as they may");
    assert_eq!((view.input_len(), view.output_len(), view.room()), (2, 3, 0));
    assert!(base.input(conn).is_none());
    assert_eq!(drain(&mut base, conn, 1), b"7");
    base.conn(conn).unwrap().write(b"0").unwrap();
    base.conn(conn).unwrap().consume(1);
    assert_eq!(feed(&mut base, conn, b"fgh"), 1);
    assert_eq!(base.conn(conn).unwrap().set_settings(&PLAIN), Ok(()));
    assert_eq!(feed(&mut base, conn, b"ghi"), 2);
    assert_eq!(base.conn(conn).unwrap().contiguous(4).unwrap(), b"efgh");
    assert_eq!(drain(&mut base, conn, 9), b"890");
}

#[test]
fn a_high_mark_below_the_bytes_in_the_ring_is_refused() {
    let (mut base, _, conn) = marked(&THREE);
    feed(&mut base, conn, b"abc");
    assert_eq!(base.conn(conn).unwrap().set_settings(&SHORT), Err(SetupError::Marks));
    assert_eq!(base.conn(conn).unwrap().marks(Direction::Read), (3, 4), "nothing has changed");
    base.conn(conn).unwrap().consume(1);
    assert_eq!(base.conn(conn).unwrap().set_settings(&SHORT), Ok(()));
}

#[test]
fn marks_that_cannot_be_reached_are_refused() {
    static REVERSED: Settings = Settings::new().input_marks(3, 2);
    static TOO_HIGH: Settings = Settings::new().input_marks(5, usize::MAX);
    static NOTHING: Settings = Settings::new().input_marks(0, 0);
    static LEFT: Settings = Settings::new().output_marks(9, usize::MAX);
    static NO_ROOM: Settings = Settings::new().output_marks(0, 0);
    static ANSWER: Settings = Settings::new().output_marks(0, 3).room(4);
    static TEXT: Settings = Settings::new().output_marks(0, 3).busy(b"busy");
    let (mut base, _, conn) = marked(&THREE);
    let pool = pool(&mut base);
    let expected = [
        (&REVERSED, SetupError::Marks),
        (&TOO_HIGH, SetupError::Marks),
        (&NOTHING, SetupError::Marks),
        (&LEFT, SetupError::Marks),
        (&NO_ROOM, SetupError::Marks),
        (&ANSWER, SetupError::Room),
        (&TEXT, SetupError::Busy),
    ];
    for (settings, error) in expected {
        assert_eq!(base.listen_with(peer(), pool, settings, App::on_event), Err(error));
        assert_eq!(base.connect_with(peer(), pool, settings, App::on_event), Err(error));
        assert_eq!(base.outgoing_with(pool, settings, App::on_event), Err(error));
        assert_eq!(base.conn(conn).unwrap().set_settings(settings), Err(error));
    }
    assert_eq!(base.conn(conn).unwrap().settings(), Some(&THREE));
}

#[test]
fn rings_of_one_byte_have_marks_of_one_byte_or_none() {
    static ONE: Settings = Settings::new().input_marks(1, 1).output_marks(0, 1);
    static TWO: Settings = Settings::new().input_marks(2, 2);
    let mut base = base();
    let pool = base.add_pool(Pool::new(2).rings(1, 1)).unwrap();
    assert_eq!(base.connect_with(peer(), pool, &TWO, App::on_event), Err(SetupError::Marks));
    let conn = base.connect_with(peer(), pool, &ONE, App::on_event).unwrap();
    let mut app = App::default();
    base.connected(conn);
    base.dispatch(&mut app);
    base.conn(conn).unwrap().enable(Direction::Read).wait_for_input(7);
    app.calls();
    assert_eq!(events_after_input(&mut base, &mut app, conn, b"a"), [ConnEvent::Readable]);
    base.conn(conn).unwrap().consume(1);
    assert_eq!(base.conn(conn).unwrap().write_some(b"xy"), 1);
    assert_eq!(events_after_output(&mut base, &mut app, conn, 1), [ConnEvent::Writable]);
}

#[test]
fn settings_are_read_as_they_were_set() {
    let settings = Settings::new()
        .idle(ms(1))
        .connect(ms(3))
        .room(4)
        .busy(b"!")
        .input_marks(2, 70)
        .output_marks(1, usize::MAX);
    assert_eq!(settings.timeouts(), [Some(ms(1)), None, Some(ms(3))]);
    assert_eq!((settings.answer_room(), settings.busy_text()), (4, &b"!"[..]));
    assert_eq!(settings.marks(Direction::Read), (2, 70));
    assert_eq!(settings.marks(Direction::Write), (1, usize::MAX));
}
