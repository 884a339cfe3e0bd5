//! E1: events that activate themselves.

use picoevent::{Cx, Event, EventBase, Instant, Mode, What};
use picoevent_bench_chip::meter::{Harness, Report};

use crate::base::{App, turn, with};

const CALLS: u32 = 10_000;

pub fn run(report: &mut Report) {
    dispatch::<1, 1>(report, "E1, 1 ready, dispatch alone");
    dispatch::<2, 8>(report, "E1, 8 ready, dispatch alone");
    whole_turn::<3, 1>(report, "E1, 1 ready, whole turn");
    whole_turn::<4, 8>(report, "E1, 8 ready, whole turn");
}

/// Passes only: what goes on within [`EventBase::dispatch`].
fn dispatch<const LOOP: usize, const READY: u32>(report: &mut Report, name: &str) {
    passes::<LOOP, READY>(report, name, |base, app| base.dispatch(app));
}

/// Every step of a turn.
fn whole_turn<const LOOP: usize, const READY: u32>(report: &mut Report, name: &str) {
    passes::<LOOP, READY>(report, name, |base, app| turn(base, app, Instant::ZERO));
}

fn passes<const LOOP: usize, const READY: u32>(
    report: &mut Report,
    name: &str,
    pass: impl Fn(&mut EventBase<'_, App<LOOP>>, &mut App<LOOP>),
) {
    with::<LOOP, 8, 1, 64>(|base, app| {
        for _ in 0..READY {
            let event = base.new_timer(Mode::Persist, again).expect("the table has room");
            base.event(event).expect("it was made now").activate(What::READ);
        }
        let passes = (CALLS / READY).next_multiple_of(100);
        report.count_of(name, Harness::Loop, passes, READY, || pass(base, app));
        assert_eq!(app.calls, passes * READY, "a callback for each event in each pass");
    });
}

fn again<const LOOP: usize>(
    app: &mut App<LOOP>,
    cx: &mut Cx<'_, App<LOOP>>,
    event: Event,
    _: What,
) {
    app.calls += 1;
    if let Ok(mut event) = cx.event(event) {
        event.activate(What::READ);
    }
}
