//! Workload E1: events that activate themselves.

use picoevent::{EventFlags, EventMut, Mode};

use super::{App, Base, with_base};
use crate::meter::{Harness, Report};

const CALLS: u32 = 10_000;

/// Counts the instructions per callback with one event, and with eight events. All events are ready in each pass.
pub fn run(report: &mut Report, iterate: impl Fn(&mut Base<'_>, &mut App)) {
    for (name, ready) in [("E1, 1 ready", 1), ("E1, 8 ready", 8)] {
        with_base(|base, app| {
            for _ in 0..ready {
                let event =
                    base.new_timer(Mode::Persist, activate_again).expect("the table has room");
                base.event(event).expect("it was made now").activate(EventFlags::READ);
            }
            let passes = (CALLS / ready).next_multiple_of(100);
            report.count_of(name, Harness::Loop, passes, ready, || iterate(base, app));
            assert_eq!(app.calls, passes * ready, "a callback for each event in each pass");
        });
    }
}

fn activate_again(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    app.calls += 1;
    event.activate(EventFlags::READ);
}
