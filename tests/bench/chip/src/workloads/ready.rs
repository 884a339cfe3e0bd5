//! The path from a ready source to the callback of the event that waits for the source.

use core::array;
use core::hint::black_box;

use picoevent::{EventFlags, EventMut, Mode, Source};

use super::{App, Base, with_base};
use crate::meter::{Harness, Report};

const CALLS: u32 = 10_000;
const SOURCES: usize = 8;

/// Counts the instructions per callback with one ready source, and with eight sources that are all ready in each pass.
/// The events are persistent.
pub fn run(report: &mut Report, iterate: impl Fn(&mut Base<'_>, &mut App)) {
    for (name, harness, ready) in [
        ("1 source ready", "going through 1 source", 1),
        ("8 sources ready", "going through 8 sources", SOURCES),
    ] {
        with_base(|base, app| {
            let sources: [Source; SOURCES] = array::from_fn(|_| watch_source(base));
            let sources = sources.get(..ready).unwrap_or_default();
            iterate(base, app);
            let passes = (CALLS / ready as u32).next_multiple_of(100);
            report.harness(harness, Harness::Meter, passes, || {
                for &source in sources {
                    black_box(source);
                }
            });
            let less = Harness::Named(harness);
            report.count_of(name, less, passes, ready as u32, || {
                sources.iter().for_each(|&source| base.ready(source, EventFlags::READ));
                iterate(base, app);
            });
            assert_eq!(app.calls, passes * ready as u32, "a callback for each source");
        });
    }
}

fn watch_source(base: &mut Base<'_>) -> Source {
    let source = base.new_source().expect("the table has room");
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, count);
    let event = event.expect("the table has room");
    base.event(event).expect("it was made now").add(None).expect("its source is there");
    source
}

fn count(app: &mut App, _: &mut EventMut<'_, '_, App>) {
    app.calls += 1;
}
