//! Tests with clocks that stand still, jump far ahead, or go back.

use std::time::Duration;

use picoevent::{End, Instant};
use picoevent_conformance::App;

use crate::faulty::FaultyBackEnd;

const SECOND: Duration = Duration::from_secs(1);

/// The callbacks of [`with_timers`], in the order of their deadlines. If two deadlines are equal, the deadline that was
/// set earlier comes first.
const IN_ORDER: [&str; 4] = ["timer", "0 Timeout(Read)", "timer", "timer"];

/// Makes timers of one, two and three seconds, and a connection with a read timeout of two seconds.
fn with_timers() -> FaultyBackEnd {
    let mut faulty = FaultyBackEnd::new();
    let conn = faulty.accepted();
    faulty.base.conn(conn).unwrap().set_timeouts(Some(SECOND * 2), None);
    for seconds in [3, 1, 2] {
        App::after(&mut faulty.base, SECOND * seconds);
    }
    faulty
}

#[test]
fn no_timer_is_due_while_the_clock_stands_still() {
    let mut faulty = with_timers();
    faulty.wire.next = |now, _| now;
    // A timer without delay needs no clock.
    App::after(&mut faulty.base, Duration::ZERO);
    assert_eq!(faulty.run(), None);
    assert_eq!(core::mem::take(&mut faulty.app.log), ["timer"]);
    faulty.base.loop_break();
    assert_eq!(faulty.run(), Some(End::Break));
    faulty.wire.next = Instant::max;
    faulty.expect(IN_ORDER);
    faulty.end();
}

#[test]
fn each_due_callback_runs_once_when_the_clock_jumps_far_ahead() {
    for jump in [SECOND * 1000, Duration::from_secs(u64::MAX / 2_000_000), Duration::MAX] {
        let mut faulty = with_timers();
        let every = faulty.base.every(SECOND, |app, _| app.log.push("period".into())).unwrap();
        faulty.wire.now = faulty.wire.now.after(jump);
        // A pass calls each callback once, so the periodic timer skips the missed periods. The other timers fire in the
        // order of their deadlines.
        faulty.base.exit_after(Duration::ZERO);
        assert_eq!(faulty.run(), Some(End::Exit));
        let log = core::mem::take(&mut faulty.app.log);
        let count = |callback: &str| log.iter().filter(|line| *line == callback).count();
        assert_eq!((count("timer"), count("period"), count("0 Timeout(Read)")), (3, 1, 1));
        faulty.base.event(every).unwrap().free();
        if jump < Duration::MAX {
            faulty.end();
        }
    }
}

#[test]
fn a_clock_that_goes_back_is_ignored() {
    let mut faulty = with_timers();
    faulty.wire.next = |now, until| {
        // If the clock shows more than ten years, it goes back by ten years. If it does not, it goes ten years past the
        // deadline. The two cases alternate.
        let back = Duration::from_secs(315_360_000).as_micros() as u64;
        let is_ahead = now.as_micros() > back;
        match is_ahead {
            true => Instant::from_micros(now.as_micros() - back),
            false => Instant::from_micros(until.as_micros().min(back) + back),
        }
    };
    let before = faulty.base.now();
    faulty.expect(IN_ORDER);
    assert!(faulty.base.now() >= before);
    faulty.end();
}

#[test]
fn time_does_not_go_back_between_two_iterations() {
    let mut faulty = FaultyBackEnd::new();
    faulty.wire.now = Instant::ZERO.after(SECOND * 100);
    App::after(&mut faulty.base, SECOND);
    faulty.expect(["timer"]);
    let now = faulty.base.now();
    faulty.wire.now = Instant::ZERO;
    App::after(&mut faulty.base, SECOND);
    faulty.will_report(|base| base.exit_after(Duration::ZERO));
    assert_eq!(faulty.run(), Some(End::Exit));
    assert_eq!(faulty.base.now(), now);
    faulty.expect(["timer"]);
    faulty.end();
}
