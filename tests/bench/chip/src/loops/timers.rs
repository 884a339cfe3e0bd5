//! T1: timers that fire and re-arm themselves, and each operation on timers, with several numbers of timers.
//!
//! Periods are random, from 1 to 1000 microseconds, and the clock jumps to the next deadline.

use core::time::Duration;

use picoevent::{Cx, Event, EventMut, Mode};

use super::{App, Base, EVENTS, with};
use crate::meter::{Harness, Report, Watch};
use crate::random::{self, PERIOD};

const FIRES: u32 = 4_000;

/// Counts the instructions per timer that fires, with 4, 16 and 64 timers. `turn` first advances the clock
/// to the next deadline.
pub fn run(report: &mut Report, turn: impl Fn(&mut Base<'_>, &mut App)) {
    random::report(report);
    for (timers, name) in [(4, "T1, 4 timers"), (16, "T1, 16 timers"), (64, "T1, 64 timers")] {
        with(|base, app| {
            arm_all(base, app, timers);
            let mut watch = Watch::new();
            while app.calls < FIRES {
                watch.time(|| turn(base, app));
            }
            report.watched(name, PERIOD, app.calls, &watch);
        });
    }
}

/// Counts each operation with 4, 16 and 64 armed timers. Each step re-arms, cancels, and arms the next timer.
pub fn operations(report: &mut Report) {
    for (timers, names) in [
        (4, ["arm, 4 timers", "cancel, 4 timers", "re-arm, 4 timers"]),
        (16, ["arm, 16 timers", "cancel, 16 timers", "re-arm, 16 timers"]),
        (64, ["arm, 64 timers", "cancel, 64 timers", "re-arm, 64 timers"]),
    ] {
        with(|base, app| {
            let events = arm_all(base, app, timers);
            let [mut arms, mut cancels, mut rearms] = [const { Watch::new() }; 3];
            let rounds = FIRES / timers as u32;
            for event in (0..rounds).flat_map(|_| events).flatten() {
                let (first, second) = (period(app), period(app));
                rearms.time(|| add(base, event, first));
                cancels.time(|| cancel(base, event));
                arms.time(|| add(base, event, second));
            }
            for (name, watch) in names.into_iter().zip([arms, cancels, rearms]) {
                report.watched(name, Harness::Meter, rounds * timers as u32, &watch);
            }
        });
    }
}

fn arm_all(base: &mut Base<'_>, app: &mut App, timers: usize) -> [Option<Event>; EVENTS] {
    let mut events = [None; EVENTS];
    for place in events.iter_mut().take(timers) {
        let event = base.new_timer(Mode::OneShot, again).expect("the table has room");
        add(base, event, period(app));
        *place = Some(event);
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

fn again(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    app.calls += 1;
    let added = event.add(Some(period(app)));
    debug_assert_eq!(added, Ok(()), "a timer waits for no source");
}
