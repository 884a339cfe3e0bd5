//! T1: timers that fire and arm themselves anew, and each operation on them, in heaps of several
//! sizes.
//!
//! Periods are random, from 1 to 1000 microseconds, and the clock jumps to the next deadline.

use core::hint::black_box;
use core::time::Duration;

use picoevent::{Cx, Event, EventBase, Instant, Mode, Storage, What};
use picoevent_bench_chip::meter::{Harness, Report, Watch};
use picoevent_bench_chip::random::{self, PERIOD, Random};

const FIRES: u32 = 4_000;
const SEED: u32 = 1;

/// Timers, and where their periods come from.
struct App<const TIMERS: usize> {
    random: Random,
    calls: u32,
}

pub fn run(report: &mut Report) {
    random::report(report);
    of::<4>(report, ["T1, 4 timers", "arm, 4 timers", "cancel, 4 timers", "re-arm, 4 timers"]);
    of::<16>(report, ["T1, 16 timers", "arm, 16 timers", "cancel, 16 timers", "re-arm, 16 timers"]);
    of::<64>(report, ["T1, 64 timers", "arm, 64 timers", "cancel, 64 timers", "re-arm, 64 timers"]);
}

fn of<const TIMERS: usize>(report: &mut Report, [fire, arm, cancel, rearm]: [&str; 4]) {
    let mut storage = Storage::<App<TIMERS>, TIMERS, 1, 64, 64>::new();
    let mut base = EventBase::new(black_box(&mut storage));
    let base = black_box(&mut base);
    let mut app = App { random: Random::new(SEED), calls: 0 };
    let app = black_box(&mut app);
    let mut events = [None; TIMERS];
    for place in &mut events {
        let event = base.new_timer(Mode::OneShot, again).expect("the table has room");
        add(base, event, period(&mut app.random));
        *place = Some(event);
    }

    let mut fires = Watch::new();
    while app.calls < FIRES {
        fires.time(|| {
            let deadline = base.deadline().unwrap_or(Instant::ZERO);
            base.advance(deadline);
            base.dispatch(app);
        });
    }
    report.watched(fire, PERIOD, app.calls, &fires);

    // All are armed; each in turn is armed once more, cancelled, and armed again.
    let (mut arms, mut cancels, mut rearms) = (Watch::new(), Watch::new(), Watch::new());
    let rounds = FIRES / TIMERS as u32;
    for event in (0..rounds).flat_map(|_| events).flatten() {
        let delay = period(&mut app.random);
        rearms.time(|| add(base, event, delay));
        cancels.time(|| {
            if let Ok(mut event) = base.event(event) {
                event.del();
            }
        });
        let delay = period(&mut app.random);
        arms.time(|| add(base, event, delay));
    }
    for (name, watch) in [(arm, &arms), (cancel, &cancels), (rearm, &rearms)] {
        report.watched(name, Harness::Meter, rounds * TIMERS as u32, watch);
    }
}

#[inline(always)]
fn period(random: &mut Random) -> Duration {
    Duration::from_micros(u64::from(random.period()))
}

#[inline(always)]
fn add<const TIMERS: usize>(base: &mut Cx<'_, App<TIMERS>>, event: Event, delay: Duration) {
    if let Ok(mut event) = base.event(event) {
        let added = event.add(Some(delay));
        debug_assert_eq!(added, Ok(()), "a timer waits for no source");
    }
}

fn again<const TIMERS: usize>(
    app: &mut App<TIMERS>,
    cx: &mut Cx<'_, App<TIMERS>>,
    event: Event,
    _: What,
) {
    app.calls += 1;
    let delay = period(&mut app.random);
    add(cx, event, delay);
}
