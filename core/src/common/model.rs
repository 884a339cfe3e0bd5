//! Timeouts, an event's own and common ones, against a list that is sorted each time.

extern crate std;

use super::*;
use crate::event::Mode;
use crate::model::check;
use crate::{EventBase, Storage, What};
use proptest::collection::vec;
use proptest::prelude::*;
use std::boxed::Box;
use std::vec::Vec;

const EVENTS: usize = 8;
/// The durations of the common timeouts, in microseconds.
const LISTS: [u64; 3] = [3, 7, 8];

#[derive(Clone, Debug)]
enum Op {
    Add(usize, u64),
    AddCommon(usize, usize),
    RemoveTimeout(usize),
    Del(usize),
    /// Activates the event as if by hand.
    Activate(usize),
    /// Lets time pass, and one pass run.
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let event = || 0..EVENTS;
    prop_oneof![
        3 => (event(), 0_u64..10).prop_map(|(event, delay)| Op::Add(event, delay)),
        4 => (event(), 0..LISTS.len()).prop_map(|(event, list)| Op::AddCommon(event, list)),
        1 => event().prop_map(Op::RemoveTimeout),
        1 => event().prop_map(Op::Del),
        1 => event().prop_map(Op::Activate),
        4 => (0_u64..6).prop_map(Op::Pass),
    ]
}

/// One event of the model. The second half of the events are persistent.
#[derive(Clone, Copy, Default)]
struct Timer {
    /// The deadline, and when it was armed.
    armed: Option<(u64, u64)>,
    /// The deadline armed last.
    last: u64,
    interval: Option<u64>,
    /// What it is active with.
    active: What,
}

#[derive(Default)]
struct Model {
    timers: [Timer; EVENTS],
    /// Who is active, in order.
    due: Vec<usize>,
    now: u64,
    armings: u64,
}

impl Model {
    fn arm(&mut self, event: usize, deadline: u64) {
        self.armings += 1;
        let timer = &mut self.timers[event];
        (timer.armed, timer.last) = (Some((deadline, self.armings)), deadline);
    }

    fn activate(&mut self, event: usize, what: What) {
        if self.timers[event].active.is_empty() {
            self.due.push(event);
        }
        self.timers[event].active |= what;
    }

    fn stop(&mut self, event: usize) {
        (self.timers[event].armed, self.timers[event].interval) = (None, None);
    }

    fn add(&mut self, event: usize, delay: u64) {
        self.timers[event].interval = (event >= EVENTS / 2).then_some(delay);
        self.arm(event, self.now + delay);
    }

    fn del(&mut self, event: usize) {
        self.stop(event);
        self.timers[event].active = What::NONE;
        self.due.retain(|other| *other != event);
    }

    fn pass(&mut self, duration: u64) -> Vec<usize> {
        self.now += duration;
        let mut passed: Vec<_> = (0..EVENTS)
            .filter_map(|event| Some((self.timers[event].armed?, event)))
            .filter(|((deadline, _), _)| *deadline <= self.now)
            .collect();
        passed.sort();
        for (_, event) in passed {
            self.timers[event].armed = None;
            self.activate(event, What::TIMEOUT);
        }
        let due = core::mem::take(&mut self.due);
        for event in &due {
            let timer = self.timers[*event];
            self.timers[*event].active = What::NONE;
            let Some(interval) = timer.interval else {
                self.stop(*event);
                continue;
            };
            let beat = timer.active.contains(What::TIMEOUT);
            let next = interval + if beat { timer.last } else { self.now };
            self.arm(*event, if next < self.now { self.now + interval } else { next });
        }
        due
    }
}

type Calls = Vec<usize>;

fn apply(
    op: &Op,
    base: &mut EventBase<'_, Calls>,
    events: &[Event],
    lists: &[CommonTimeout],
    model: &mut Model,
) {
    match *op {
        Op::Add(event, delay) => {
            let delay_of_event = Some(Duration::from_micros(delay));
            base.event(events[event]).unwrap().add(delay_of_event).unwrap();
            model.add(event, delay);
        }
        Op::AddCommon(event, list) => {
            base.event(events[event]).unwrap().add_common(lists[list]).unwrap();
            model.add(event, LISTS[list]);
        }
        Op::RemoveTimeout(event) => {
            base.event(events[event]).unwrap().remove_timeout();
            model.stop(event);
        }
        Op::Del(event) => {
            base.event(events[event]).unwrap().del();
            model.del(event);
        }
        Op::Activate(event) => {
            base.event(events[event]).unwrap().activate(What::READ);
            model.activate(event, What::READ);
        }
        Op::Pass(passed) => {
            let mut calls = Calls::new();
            base.advance(base.now().after(Duration::from_micros(passed)));
            base.dispatch(&mut calls);
            assert_eq!(calls, model.pass(passed));
        }
    }
}

fn compare(base: &mut EventBase<'_, Calls>, events: &[Event], model: &Model) {
    let armed = || model.timers.iter().filter_map(|timer| timer.armed);
    let instant = |(deadline, _)| Instant::from_micros(deadline);
    assert_eq!(base.deadline(), armed().min().map(instant));
    assert_eq!(base.counts().added, armed().count() + model.due.len());
    for (event, timer) in events.iter().zip(&model.timers) {
        assert_eq!(base.event(*event).unwrap().deadline(), timer.armed.map(instant));
    }
}

#[test]
fn timeouts_agree_with_a_sorted_list() {
    check(vec(op(), 0..80), |ops| {
        let mut storage = Box::new(Storage::<Calls, EVENTS, 0, 0, 0, 0, 3>::new());
        let mut base = EventBase::new(&mut storage);
        let lists = LISTS.map(|micros| base.common_timeout(Duration::from_micros(micros)).unwrap());
        let events: Vec<_> = (0..EVENTS)
            .map(|place| {
                let mode = if place < EVENTS / 2 { Mode::OneShot } else { Mode::Persist };
                let call = |calls: &mut Calls, cx: &mut Cx<'_, Calls>, event, _| {
                    calls.push(cx.event(event).unwrap().user() as usize);
                };
                let event = base.new_timer(mode, call).unwrap();
                base.event(event).unwrap().set_user(place as u32);
                event
            })
            .collect();
        let mut model = Model::default();
        for op in ops {
            apply(&op, &mut base, &events, &lists, &mut model);
            compare(&mut base, &events, &model);
        }
    });
}
