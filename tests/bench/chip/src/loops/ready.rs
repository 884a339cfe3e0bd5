//! Sources that are ready, to the callbacks of the events that wait for them.

use picoevent::{Cx, Event, Mode, Source, What};

use super::{App, Base, with};
use crate::meter::{Harness, Report};

const CALLS: u32 = 10_000;

/// Counts with one source, and with eight that are ready at once. The events are persistent.
pub fn run(report: &mut Report, turn: impl Fn(&mut Base<'_>, &mut App)) {
    for (name, sources) in [("1 source ready", 1), ("8 sources ready", 8)] {
        with(|base, app| {
            let mut made = [None; 8];
            for place in made.iter_mut().take(sources as usize) {
                *place = Some(watch(base));
            }
            turn(base, app);
            let passes = (CALLS / sources).next_multiple_of(100);
            report.count_of(name, Harness::Loop, passes, sources, || {
                for source in made.into_iter().flatten() {
                    base.ready(source, What::READ);
                }
                turn(base, app);
            });
            assert_eq!(app.calls, passes * sources, "a callback for each source in each pass");
        });
    }
}

fn watch(base: &mut Base<'_>) -> Source {
    let source = base.new_source().expect("the table has room");
    let event = base.new_event(source, What::READ, Mode::Persist, count);
    let event = event.expect("the table has room");
    base.event(event).expect("it was made now").add(None).expect("its source is there");
    source
}

fn count(app: &mut App, _: &mut Cx<'_, App>, _: Event, _: What) {
    app.calls += 1;
}
