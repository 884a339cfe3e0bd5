//! A connection's alarm and its timeouts. All deadlines of a connection share one key in the heap of timers.

use picoevent::{Action, ConnEvent, Direction, Priority};

use crate::{
    ABORTED, App, actions, at, base, connect, failed, feed, ms, open, passes, passes_at, pool,
    with_conn,
};

#[test]
fn an_alarm_is_reported_once() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().alarm_after(ms(5));
    assert_eq!(base.deadline(), Some(at(5)));
    assert_eq!(passes_at(&mut base, &mut app, 4), []);
    assert_eq!(passes_at(&mut base, &mut app, 5), [ConnEvent::Alarm]);
    assert_eq!((passes_at(&mut base, &mut app, 500), base.deadline()), (vec![], None));
}

#[test]
fn a_periodic_alarm_repeats_and_skips_missed_periods() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().alarm_every(ms(10));
    for (now, next) in [(10, 20), (20, 30), (57, 67), (67, 77), (77, 87)] {
        assert_eq!(passes_at(&mut base, &mut app, now), [ConnEvent::Alarm], "at {now}");
        assert_eq!(base.deadline(), Some(at(next)), "after {now}");
    }
    assert_eq!(passes_at(&mut base, &mut app, 86), []);
}

#[test]
fn a_periodic_alarm_whose_callback_was_delayed_is_called_once() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.conn(conn).unwrap().alarm_every(ms(10));
    // More urgent callbacks delay the callback for more than two periods.
    for (time, delay) in [(10, 10), (20, 10), (35, 15)] {
        base.after(ms(delay), |_: &mut App, _| ()).unwrap();
        base.advance(at(time));
        base.dispatch(&mut app);
        assert_eq!(app.take_events(), [], "at {time}");
    }
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Alarm]);
    assert_eq!(passes(&mut base, &mut app), []);
    assert_eq!((base.deadline(), passes_at(&mut base, &mut app, 44)), (Some(at(45)), vec![]));
    assert_eq!(passes_at(&mut base, &mut app, 45), [ConnEvent::Alarm]);
}

#[test]
fn an_alarm_without_a_delay_is_reported_a_millisecond_later() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().alarm_after(ms(0));
    assert_eq!(passes(&mut base, &mut app), []);
    assert_eq!(passes_at(&mut base, &mut app, 1), [ConnEvent::Alarm]);
}

#[test]
fn cancel_returns_whether_an_alarm_was_set_or_due() {
    let (mut base, mut app, conn) = with_conn();
    assert!(!base.conn(conn).unwrap().cancel_alarm(), "none was set");
    assert!(base.conn(conn).unwrap().alarm_every(ms(5)).cancel_alarm(), "it was set");
    assert!(!base.conn(conn).unwrap().cancel_alarm());
    assert_eq!(passes_at(&mut base, &mut app, 10), []);
    // The alarm is due, but its callback has not run: the connection has a low priority, and a more urgent callback
    // runs first.
    base.conn(conn).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.conn(conn).unwrap().alarm_after(ms(5));
    base.after(ms(5), |_: &mut App, _| ()).unwrap();
    base.advance(at(15));
    base.dispatch(&mut app);
    assert!(base.conn(conn).unwrap().cancel_alarm(), "it was due");
    assert_eq!(passes(&mut base, &mut app), []);
}

#[test]
fn a_new_alarm_replaces_one_that_is_set_and_one_that_is_due() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().alarm_after(ms(5)).alarm_after(ms(20));
    assert_eq!(passes_at(&mut base, &mut app, 19), []);
    assert_eq!(passes_at(&mut base, &mut app, 20), [ConnEvent::Alarm]);
    base.conn(conn).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.conn(conn).unwrap().alarm_every(ms(5));
    base.after(ms(5), |_: &mut App, _| ()).unwrap();
    base.advance(at(25));
    base.dispatch(&mut app);
    base.conn(conn).unwrap().alarm_after(ms(10));
    assert_eq!(passes(&mut base, &mut app), [], "the one that was due is cancelled");
    assert_eq!(passes_at(&mut base, &mut app, 35), [ConnEvent::Alarm]);
    assert_eq!(base.deadline(), None, "and it is no periodic one any more");
}

#[test]
fn an_alarm_ends_with_its_connection() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().alarm_every(ms(5));
    base.conn(conn).unwrap().abort();
    assert_eq!(passes_at(&mut base, &mut app, 50), [ABORTED]);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().alarm_every(ms(5));
    base.failed(conn, picoevent::ConnError::Reset);
    base.advance(at(100));
    assert_eq!(passes(&mut base, &mut app), [failed(picoevent::ConnError::Reset)]);
    actions(&mut base);
    assert_eq!((base.counts().conns, base.deadline()), (0, None));
}

#[test]
fn a_connection_at_rest_has_no_alarm_and_one_that_connects_has() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 2);
    let rests = base.outgoing_with(pool, &crate::SETTINGS, App::record).unwrap();
    base.conn(rests).unwrap().alarm_after(ms(5));
    assert!(!base.conn(rests).unwrap().cancel_alarm());
    base.conn(rests).unwrap().connect_after(ms(60), crate::peer()).unwrap();
    assert!(!base.conn(rests).unwrap().cancel_alarm(), "the time of a connect is not an alarm");
    let connects = connect(&mut base, pool);
    base.conn(connects).unwrap().alarm_after(ms(5));
    assert_eq!(passes_at(&mut base, &mut app, 50), [ConnEvent::Alarm]);
    assert_eq!(actions(&mut base), [Action::Connect(connects)]);
    assert_eq!(passes_at(&mut base, &mut app, 60), []);
    assert_eq!(actions(&mut base), [Action::Connect(rests)]);
}

#[test]
fn an_alarm_that_is_due_is_not_reported_after_a_failure() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.conn(conn).unwrap().alarm_every(ms(5));
    base.after(ms(5), |_: &mut App, _| ()).unwrap();
    base.advance(at(5));
    base.dispatch(&mut app);
    base.failed(conn, picoevent::ConnError::Reset);
    assert_eq!(passes(&mut base, &mut app), [failed(picoevent::ConnError::Reset)]);
}

#[test]
fn at_the_end_of_the_clock_no_alarm_is_reported_that_was_not_set() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().set_timeouts(Some(ms(5)), None);
    base.advance(picoevent::Instant::MAX);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Timeout(Direction::Read)]);
}

/// While a timeout is due, the timer heap has no entry for it. When input cancels the callback of the timeout, the heap
/// must get an entry for the restarted timeout.
#[test]
fn a_timeout_whose_callback_was_cancelled_is_reported_later() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().set_timeouts(Some(ms(10)), None);
    base.conn(conn).unwrap().set_priority(Priority::LOWEST).unwrap();
    for delay in [10, 12] {
        base.after(ms(delay), |_: &mut App, _| ()).unwrap();
    }
    base.advance(at(10));
    base.dispatch(&mut app);
    base.advance(at(12));
    feed(&mut base, conn, b"x");
    base.dispatch(&mut app);
    assert_eq!(app.take_events(), [], "the timers were more urgent");
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable]);
    assert_eq!(base.deadline(), Some(at(22)));
    assert_eq!(passes_at(&mut base, &mut app, 22), [ConnEvent::Timeout(Direction::Read)]);
}
