//! Clocks that stand still, jump far ahead, or go back.

use std::time::Duration;

use picoevent::{End, Instant};
use picoevent_conformance::App;

use crate::unruly::Unruly;

const SECOND: Duration = Duration::from_secs(1);

/// The callbacks of [`with_timers`], in the order of their deadlines. Of two equal deadlines the older one comes first.
const IN_ORDER: [&str; 4] = ["timer", "0 Timeout(Read)", "timer", "timer"];

/// Makes timers of one, two and three seconds, and a connection with a read timeout of two seconds.
fn with_timers() -> Unruly {
    let mut unruly = Unruly::new();
    let conn = unruly.accepted();
    unruly.base.conn(conn).unwrap().set_timeouts(Some(SECOND * 2), None);
    for seconds in [3, 1, 2] {
        App::after(&mut unruly.base, SECOND * seconds);
    }
    unruly
}

#[test]
fn nothing_comes_due_while_the_clock_stands_still() {
    let mut unruly = with_timers();
    unruly.wire.next = |now, _| now;
    // A timer without delay needs no clock.
    App::after(&mut unruly.base, Duration::ZERO);
    assert_eq!(unruly.run(), None);
    assert_eq!(core::mem::take(&mut unruly.app.log), ["timer"]);
    unruly.base.loop_break();
    assert_eq!(unruly.run(), Some(End::Break));
    unruly.wire.next = Instant::max;
    unruly.expect(IN_ORDER);
    unruly.end();
}

#[test]
fn all_that_was_due_comes_once_when_the_clock_jumps_far_ahead() {
    for jump in [SECOND * 1000, Duration::from_secs(u64::MAX / 2_000_000), Duration::MAX] {
        let mut unruly = with_timers();
        let every = unruly.base.every(SECOND, |app, _| app.log.push("period".into())).unwrap();
        unruly.wire.now = unruly.wire.now.after(jump);
        // A pass calls each callback once: missed periods are skipped, and timers fire in the order of their deadlines.
        unruly.base.exit_after(Duration::ZERO);
        assert_eq!(unruly.run(), Some(End::Exit));
        let log = core::mem::take(&mut unruly.app.log);
        let count = |callback: &str| log.iter().filter(|line| *line == callback).count();
        assert_eq!((count("timer"), count("period"), count("0 Timeout(Read)")), (3, 1, 1));
        unruly.base.event(every).unwrap().free();
        if jump < Duration::MAX {
            unruly.end();
        }
    }
}

#[test]
fn a_clock_that_goes_back_is_not_followed() {
    let mut unruly = with_timers();
    unruly.wire.next = |now, until| {
        // Every other time, the clock goes back by ten years. Otherwise it goes ten years past the deadline.
        let back = Duration::from_secs(315_360_000).as_micros() as u64;
        let is_ahead = now.as_micros() > back;
        match is_ahead {
            true => Instant::from_micros(now.as_micros() - back),
            false => Instant::from_micros(until.as_micros().min(back) + back),
        }
    };
    let before = unruly.base.now();
    unruly.expect(IN_ORDER);
    assert!(unruly.base.now() >= before);
    unruly.end();
}

#[test]
fn time_does_not_go_back_between_two_turns() {
    let mut unruly = Unruly::new();
    unruly.wire.now = Instant::ZERO.after(SECOND * 100);
    App::after(&mut unruly.base, SECOND);
    unruly.expect(["timer"]);
    let now = unruly.base.now();
    unruly.wire.now = Instant::ZERO;
    App::after(&mut unruly.base, SECOND);
    unruly.feed(|base| base.exit_after(Duration::ZERO));
    assert_eq!(unruly.run(), Some(End::Exit));
    assert_eq!(unruly.base.now(), now);
    unruly.expect(["timer"]);
    unruly.end();
}
