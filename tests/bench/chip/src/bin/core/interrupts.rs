//! E2: an interrupt that raises a trigger, to the callback of the event that waits for its signal.

use picoevent::{Cx, Event, EventBase, Instant, Signal, Trigger, What};
use picoevent_bench_chip::interrupt::{self, Interrupt};
use picoevent_bench_chip::meter::{Harness, Report};

use crate::base::{App, turn, with};

const TIMES: u32 = 10_000;
const EMPTY: &str = "an empty interrupt";

static TRIGGER: Trigger = Trigger::new(Signal::USR1);

#[unsafe(no_mangle)]
extern "C" fn on_pend() {
    TRIGGER.raise();
}

pub fn run(report: &mut Report) {
    interrupt::unmask();
    report.harness(EMPTY, Harness::Meter, TIMES, || interrupt::pend(Interrupt::Empty));
    raises::<21>(report, "E2, dispatch alone", |base, app| base.dispatch(app));
    raises::<22>(report, "E2, whole turn", |base, app| turn(base, app, Instant::ZERO));
}

fn raises<const LOOP: usize>(
    report: &mut Report,
    name: &str,
    pass: impl Fn(&mut EventBase<'_, App<LOOP>>, &mut App<LOOP>),
) {
    with::<LOOP, 8, 1, 64>(|base, app| {
        base.on_signal(TRIGGER.signal(), count).expect("the table has room");
        report.count(name, Harness::Named(EMPTY), TIMES, || {
            interrupt::pend(Interrupt::Pend);
            base.raised(TRIGGER.signal(), TRIGGER.take());
            pass(base, app);
        });
        assert_eq!(app.calls, TIMES, "a callback for each interrupt");
    });
}

fn count<const LOOP: usize>(app: &mut App<LOOP>, _: &mut Cx<'_, App<LOOP>>, _: Event, _: What) {
    app.calls += 1;
}
