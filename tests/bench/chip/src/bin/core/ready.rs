//! A source that is ready, to the callback of the event that waits for it.

use picoevent::{Cx, Event, EventBase, Instant, Mode, Source, What};
use picoevent_bench_chip::meter::{Harness, Report};

use crate::base::{App, take_actions, turn, with};

const TIMES: u32 = 10_000;

pub fn run(report: &mut Report) {
    sources::<11>(report, "source ready, dispatch and actions", |base, app, source| {
        base.ready(source, What::READ);
        base.dispatch(app);
        take_actions(base);
    });
    sources::<12>(report, "source ready, whole turn", |base, app, source| {
        base.ready(source, What::READ);
        turn(base, app, Instant::ZERO);
    });
}

fn sources<const LOOP: usize>(
    report: &mut Report,
    name: &str,
    once: impl Fn(&mut EventBase<'_, App<LOOP>>, &mut App<LOOP>, Source),
) {
    with::<LOOP, 8, 1, 64>(|base, app| {
        let source = base.new_source().expect("the table has room");
        let event = base.new_event(source, What::READ, Mode::Persist, count);
        let event = event.expect("the table has room");
        base.event(event).expect("it was made now").add(None).expect("its source is there");
        take_actions(base);
        report.count(name, Harness::Loop, TIMES, || once(base, app, source));
        assert_eq!(app.calls, TIMES, "a callback each time");
    });
}

fn count<const LOOP: usize>(app: &mut App<LOOP>, _: &mut Cx<'_, App<LOOP>>, _: Event, _: What) {
    app.calls += 1;
}
