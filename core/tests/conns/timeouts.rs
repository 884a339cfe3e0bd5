//! Timeouts of connections: when they start, what restarts them, and what cancels them.

use std::time::Duration;

use picoevent::{ConnEvent, Direction, Mode, Priority, Settings, Wait};

use super::{
    App, Base, SETTINGS, actions, at, base, connect, drain, feed, ms, peer, pool, with_conn,
};

#[test]
fn a_silent_peer_times_out_once() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().set_timeouts(Some(ms(10)), None);
    assert_eq!(base.deadline(), None, "reading is not enabled");
    base.conn(conn).unwrap().enable(Direction::Read);
    base.advance(at(6));
    feed(&mut base, conn, b"ab");
    assert_eq!(base.deadline(), Some(at(16)), "input starts it again");
    base.dispatch(&mut app);
    base.advance(at(16));
    base.dispatch(&mut app);
    let timeout = ConnEvent::Timeout(Direction::Read);
    assert_eq!((app.calls(), base.deadline()), ([ConnEvent::Readable, timeout].into(), None));
    assert_eq!(feed(&mut base, conn, b"c"), 0, "reading is disabled");
    base.conn(conn).unwrap().enable(Direction::Read);
    assert_eq!(base.deadline(), Some(at(26)));
}

#[test]
fn a_peer_that_does_not_read_times_out() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().set_timeouts(None, Some(ms(10)));
    assert_eq!(base.deadline(), None, "nothing is to be sent");
    base.conn(conn).unwrap().write(b"abcd").unwrap();
    base.advance(at(6));
    base.conn(conn).unwrap().write(b"e").unwrap();
    assert_eq!(base.deadline(), Some(at(10)), "more output is no progress");
    drain(&mut base, conn, 1);
    assert_eq!(base.deadline(), Some(at(16)), "sending is");
    base.advance(at(16));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Timeout(Direction::Write)]);
    assert_eq!(drain(&mut base, conn, 9), b"", "writing is disabled");
}

#[test]
fn the_write_timeout_limits_a_connect_and_is_reported_once() {
    let (mut base, mut app) = (base(), App::default());
    let conn = connect(&mut base);
    base.conn(conn).unwrap().set_timeouts(None, Some(ms(20)));
    for now in [20, 40, 60] {
        base.advance(at(now));
        base.dispatch(&mut app);
    }
    assert_eq!(app.calls(), [ConnEvent::Timeout(Direction::Write)]);
}

#[test]
fn a_connect_has_its_own_timeout_which_ends_when_the_connection_opens() {
    static QUICK: Settings = Settings::new().connect(Duration::from_millis(20));
    static SLOW: Settings =
        Settings::new().connect(Duration::from_millis(20)).stall(Duration::from_millis(5));
    for settings in [&QUICK, &SLOW] {
        let (mut base, mut app) = (base(), App::default());
        let pool = pool(&mut base);
        let conn = base.connect_with(peer(), pool, settings, App::on_event).unwrap();
        base.conn(conn).unwrap().write(b"ab").unwrap();
        assert_eq!(base.deadline(), Some(at(20)), "the timeout for output does not count yet");
        base.advance(at(19));
        base.connected(conn);
        let stalls = base.deadline();
        assert_eq!(stalls, (settings == &SLOW).then(|| at(24)), "now it does");
        base.dispatch(&mut app);
        assert_eq!(app.calls(), [ConnEvent::Opened]);
    }
}

#[test]
fn a_connect_that_is_not_answered_times_out_once() {
    static QUICK: Settings = Settings::new().connect(Duration::from_millis(20));
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base);
    let conn = base.connect_with(peer(), pool, &QUICK, App::on_event).unwrap();
    base.conn(conn).unwrap().set_timeouts(Some(ms(1)), Some(ms(1)));
    for now in [19, 20, 40, 60] {
        base.advance(at(now));
        base.dispatch(&mut app);
        let expected = (now == 20).then_some(ConnEvent::Timeout(Direction::Write));
        assert_eq!(app.calls(), Vec::from_iter(expected), "{now}");
    }
}

/// While writing is disabled, the connect timeout does not run, and the loop has no deadline for it. When writing is
/// enabled, the loop must set the deadline again.
#[test]
fn a_connect_timeout_starts_again_when_writing_is_enabled_again() {
    static QUICK: Settings = Settings::new().connect(Duration::from_millis(20));
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base);
    let conn = base.connect_with(peer(), pool, &QUICK, App::on_event).unwrap();
    base.conn(conn).unwrap().disable(Direction::Write);
    assert_eq!(base.deadline(), None);
    base.advance(at(5));
    base.conn(conn).unwrap().enable(Direction::Write);
    assert_eq!(base.deadline(), Some(at(25)));
    base.advance(at(25));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Timeout(Direction::Write)]);
}

#[test]
fn enabling_reading_does_not_prolong_a_connect_timeout() {
    static QUICK: Settings = Settings::new().connect(Duration::from_millis(20));
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base);
    let conn = base.connect_with(peer(), pool, &QUICK, App::on_event).unwrap();
    base.advance(at(15));
    base.conn(conn).unwrap().enable(Direction::Read);
    base.advance(at(20));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Timeout(Direction::Write)]);
}

/// A callback that runs before the timeout's callback can do this.
#[test]
fn enabling_writing_cancels_a_connect_timeout_that_is_due() {
    static QUICK: Settings = Settings::new().connect(Duration::from_millis(20));
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base);
    let conn = base.connect_with(peer(), pool, &QUICK, App::on_event).unwrap();
    let urgent = base.new_timer(Mode::OneShot, |app: &mut App, event| {
        event.cx().conn(app.other.unwrap()).unwrap().enable(Direction::Write);
    });
    let urgent = urgent.unwrap();
    app.other = Some(conn);
    base.event(urgent).unwrap().set_priority(Priority::HIGHEST).unwrap();
    base.event(urgent).unwrap().add(Some(ms(20))).unwrap();
    base.advance(at(20));
    for _ in 0..2 {
        base.dispatch(&mut app);
    }
    assert_eq!(app.calls(), []);
    assert_eq!(base.deadline(), Some(at(40)));
}

/// Sets the time, calls `report`, and runs one pass, in the same order as an iteration of the loop.
fn iterate(
    base: &mut Base,
    app: &mut App,
    millis: u64,
    report: impl FnOnce(&mut Base),
) -> Vec<ConnEvent> {
    base.advance(at(millis));
    report(base);
    base.dispatch(app);
    app.calls()
}

#[test]
fn a_read_timeout_counts_from_the_last_input() {
    let (mut base, mut app, conn) = with_conn();
    base.advance(at(0));
    base.conn(conn).unwrap().set_timeouts(Some(ms(1000)), None).enable(Direction::Read);
    let calls = iterate(&mut base, &mut app, 700, |base| _ = feed(base, conn, b"a"));
    assert_eq!(calls, [ConnEvent::Readable]);
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Until(at(1700)));
    let timeout = ConnEvent::Timeout(Direction::Read);
    assert_eq!(iterate(&mut base, &mut app, 1699, |_| ()), []);
    assert_eq!(iterate(&mut base, &mut app, 1700, |_| ()), [timeout]);
}

#[test]
fn a_peer_that_takes_some_output_in_time_does_not_time_out() {
    let (mut base, mut app, conn) = with_conn();
    base.advance(at(0));
    base.conn(conn).unwrap().set_timeouts(None, Some(ms(1000))).write(b"abcdefgh").unwrap();
    for step in 1..8 {
        let calls = iterate(&mut base, &mut app, 700 * step, |base| _ = drain(base, conn, 1));
        assert_eq!(calls, [], "it took a byte 0.7 s ago");
    }
    let timeout = ConnEvent::Timeout(Direction::Write);
    assert_eq!(iterate(&mut base, &mut app, 5899, |_| ()), []);
    assert_eq!(iterate(&mut base, &mut app, 5900, |_| ()), [timeout]);
}

#[test]
fn a_read_timeout_begins_when_a_slow_connect_has_ended() {
    let (mut base, mut app) = (base(), App::default());
    base.advance(at(0));
    let pool = pool(&mut base);
    let conn = base.connect_with(peer(), pool, &SETTINGS, App::record).unwrap();
    base.conn(conn).unwrap().set_timeouts(Some(ms(1000)), None);
    actions(&mut base);
    let calls = iterate(&mut base, &mut app, 5000, |base| base.connected(conn));
    assert_eq!(calls, [ConnEvent::Opened]);
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Until(at(6000)));
}

#[test]
fn input_that_is_reported_together_with_the_timeout_cancels_it() {
    let (mut base, mut app, conn) = with_conn();
    base.advance(at(0));
    base.conn(conn).unwrap().set_timeouts(Some(ms(10)), None).enable(Direction::Read);
    let calls = iterate(&mut base, &mut app, 50, |base| _ = feed(base, conn, b"a"));
    assert_eq!(calls, [ConnEvent::Readable], "however late the loop checks");
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Until(at(60)), "and reading goes on");
}

#[test]
fn progress_before_its_callback_cancels_a_timeout() {
    let (mut base, mut app, conn) = with_conn();
    base.advance(at(0));
    base.conn(conn).unwrap().set_timeouts(Some(ms(10)), Some(ms(10))).enable(Direction::Read);
    base.conn(conn).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.conn(conn).unwrap().write(b"ab").unwrap();
    base.after(ms(10), |app: &mut App, _| app.calls.push(ConnEvent::Opened)).unwrap();
    // The timer's callback runs first, because it is more urgent. When it runs, both timeouts of the connection have
    // passed, but their callbacks have not run.
    let calls = iterate(&mut base, &mut app, 10, |_| ());
    assert_eq!(calls, [ConnEvent::Opened]);
    let calls = iterate(&mut base, &mut app, 11, |base| {
        feed(base, conn, b"x");
        drain(base, conn, 1);
    });
    assert_eq!(calls, [ConnEvent::Readable]);
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Until(at(21)));
}

#[test]
fn a_due_timeout_is_cancelled_if_another_callback_stops_it() {
    let takers: [fn(&mut Base, picoevent::Conn); 2] = [
        |base, conn| _ = base.conn(conn).unwrap().set_timeouts(None, None),
        |base, conn| _ = base.conn(conn).unwrap().disable(Direction::Read),
    ];
    for take in takers {
        let (mut base, mut app, conn) = with_conn();
        base.advance(at(0));
        base.conn(conn).unwrap().set_timeouts(Some(ms(10)), None).enable(Direction::Read);
        base.conn(conn).unwrap().set_priority(Priority::LOWEST).unwrap();
        base.after(ms(10), |_, _| ()).unwrap();
        assert_eq!(iterate(&mut base, &mut app, 10, |_| ()), []);
        take(&mut base, conn);
        assert_eq!(iterate(&mut base, &mut app, 11, |_| ()), []);
        base.conn(conn).unwrap().enable(Direction::Read);
        assert_eq!(feed(&mut base, conn, b"a"), 1, "reading was not disabled by a timeout");
    }
}

#[test]
fn set_idle_prolongs_neither_the_write_timeout_nor_the_connect_timeout() {
    static QUICK: Settings = Settings::new().connect(Duration::from_millis(20));
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().set_timeouts(None, Some(ms(20))).write(b"ab").unwrap();
    let pool = pool(&mut base);
    let connecting = base.connect_with(peer(), pool, &QUICK, App::on_event).unwrap();
    base.advance(at(15));
    for conn in [conn, connecting] {
        base.conn(conn).unwrap().set_idle(Some(ms(1000)));
    }
    assert_eq!(iterate(&mut base, &mut app, 20, |_| ()), [ConnEvent::Timeout(Direction::Write); 2]);
}
