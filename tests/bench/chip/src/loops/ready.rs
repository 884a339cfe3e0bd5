//! A source that is ready, to the callback of the event that waits for it.

use picoevent::{Cx, Event, Mode, What};

use super::{App, Base, with};
use crate::meter::{Harness, Report};

const TIMES: u32 = 10_000;

/// Counts with a persistent event.
pub fn run(report: &mut Report, turn: impl Fn(&mut Base<'_>, &mut App)) {
    with(|base, app| {
        let source = base.new_source().expect("the table has room");
        let event = base.new_event(source, What::READ, Mode::Persist, count);
        let event = event.expect("the table has room");
        base.event(event).expect("it was made now").add(None).expect("its source is there");
        report.count("source ready", Harness::Loop, TIMES, || {
            base.ready(source, What::READ);
            turn(base, app);
        });
        assert_eq!(app.calls, TIMES, "a callback each time");
    });
}

fn count(app: &mut App, _: &mut Cx<'_, App>, _: Event, _: What) {
    app.calls += 1;
}
