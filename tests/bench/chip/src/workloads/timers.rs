//! Workload T1: timers that fire and re-arm themselves. In addition, the operations `arm`, `cancel` and `re-arm` are
//! counted. T1 and the operations are measured with 4, 16 and 64 timers.
//!
//! Periods are random, from 1 to 1000 microseconds. The clock is set to the next deadline.

use core::time::Duration;

use picoevent::{Cx, Event, EventMut, Mode};

use super::{App, Base, EVENTS, with_base};
use crate::meter::{Harness, Report, Stopwatch};
use crate::random::{self, PERIOD};

const FIRES: u32 = 4_000;

/// Counts the instructions per timer that fires, with 4, 16 and 64 timers. `iterate` must first advance the clock to
/// the next deadline.
pub fn run(report: &mut Report, iterate: impl Fn(&mut Base<'_>, &mut App)) {
    random::report(report);
    for (timers, name) in [(4, "T1, 4 timers"), (16, "T1, 16 timers"), (64, "T1, 64 timers")] {
        with_base(|base, app| {
            arm_all(base, app, timers);
            let mut watch = Stopwatch::new();
            while app.calls < FIRES {
                watch.time(|| iterate(base, app));
            }
            report.timed(name, PERIOD, app.calls, &watch);
        });
    }
}

/// Counts each operation with 4, 16 and 64 armed timers. Each step takes the next timer, re-arms it, cancels it, and
/// arms it again.
pub fn operations(report: &mut Report) {
    for (timers, names) in [
        (4, ["arm, 4 timers", "cancel, 4 timers", "re-arm, 4 timers"]),
        (16, ["arm, 16 timers", "cancel, 16 timers", "re-arm, 16 timers"]),
        (64, ["arm, 64 timers", "cancel, 64 timers", "re-arm, 64 timers"]),
    ] {
        with_base(|base, app| {
            let events = arm_all(base, app, timers);
            let [mut arms, mut cancels, mut rearms] = [const { Stopwatch::new() }; 3];
            let rounds = FIRES / timers as u32;
            for event in (0..rounds).flat_map(|_| events).flatten() {
                let (first, second) = (period(app), period(app));
                rearms.time(|| add(base, event, first));
                cancels.time(|| cancel(base, event));
                arms.time(|| add(base, event, second));
            }
            for (name, watch) in names.into_iter().zip([arms, cancels, rearms]) {
                report.timed(name, Harness::Meter, rounds * timers as u32, &watch);
            }
        });
    }
}

fn arm_all(base: &mut Base<'_>, app: &mut App, timers: usize) -> [Option<Event>; EVENTS] {
    let mut events = [None; EVENTS];
    for slot in events.iter_mut().take(timers) {
        let event = base.new_timer(Mode::OneShot, rearm).expect("the table has room");
        add(base, event, period(app));
        *slot = Some(event);
    }
    events
}

#[inline(always)]
fn period(app: &mut App) -> Duration {
    Duration::from_micros(u64::from(app.random.period()))
}

fn add(cx: &mut Cx<'_, App>, event: Event, delay: Duration) {
    if let Ok(mut event) = cx.event(event) {
        let added = event.add(Some(delay));
        debug_assert_eq!(added, Ok(()), "a timer waits for no source");
    }
}

fn cancel(cx: &mut Cx<'_, App>, event: Event) {
    if let Ok(mut event) = cx.event(event) {
        event.del();
    }
}

fn rearm(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    app.calls += 1;
    let added = event.add(Some(period(app)));
    debug_assert_eq!(added, Ok(()), "a timer waits for no source");
}
