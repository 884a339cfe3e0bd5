//! Workload E2: the path from an interrupt that raises a trigger to the callback of the signal's event.

use picoevent::{EventMut, Signal, Trigger};

use super::{App, Base, with_base};
use crate::interrupt::{self, Interrupt};
use crate::meter::{Harness, Report};

const TIMES: u32 = 10_000;
const EMPTY: &str = "an empty interrupt";

/// The trigger that the program's `on_pend` must raise.
pub static TRIGGER: Trigger = Trigger::new(Signal::USR1);

/// Counts the instructions of an interrupt that raises the trigger, and of the iteration that runs the callback. The
/// instructions of an empty interrupt are subtracted.
pub fn run(report: &mut Report, iterate: impl Fn(&mut Base<'_>, &mut App)) {
    interrupt::unmask();
    report.harness(EMPTY, Harness::Meter, TIMES, || interrupt::pend(Interrupt::Empty));
    with_base(|base, app| {
        base.on_signal(TRIGGER.signal(), count).expect("the table has room");
        report.count("E2", Harness::Named(EMPTY), TIMES, || {
            interrupt::pend(Interrupt::Pend);
            base.raised(TRIGGER.signal(), TRIGGER.take());
            iterate(base, app);
        });
        assert_eq!(app.calls, TIMES, "a callback for each interrupt");
    });
}

fn count(app: &mut App, _: &mut EventMut<'_, '_, App>) {
    app.calls += 1;
}
