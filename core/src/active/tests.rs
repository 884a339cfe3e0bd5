extern crate std;

use super::*;
use crate::list::{Kind, Link};
use std::vec::Vec;

pub(super) struct Plain(Vec<Turn>);

impl Links for Plain {
    fn link(&mut self, _: Chain, id: Id) -> Option<&mut Link> {
        self.0.get_mut(usize::from(id.index())).map(|turn| &mut turn.link)
    }
}

impl Turns for Plain {
    fn turn(&mut self, id: Id) -> Option<&mut Turn> {
        self.0.get_mut(usize::from(id.index()))
    }
}

pub(super) fn id(index: u16) -> Id {
    Id::new(Kind::Event, index)
}

/// Slots of the given levels.
pub(super) fn slots(levels: &[u8]) -> Plain {
    let turn = |level: &u8| Turn { level: *level, ..Turn::EMPTY };
    Plain(levels.iter().map(turn).collect())
}

/// Queues a slot, and tells the one before it; whether it is more urgent than what runs.
pub(super) fn activate(active: &mut Active, slots: &mut Plain, id: Id) -> Option<bool> {
    let Queued { previous, first } = active.activate(slots.turn(id).unwrap(), id)?;
    if let Some(turn) = previous.and_then(|previous| slots.turn(previous)) {
        turn.link.set_next(id);
    }
    Some(first)
}

pub(super) fn done(active: &mut Active, slots: &mut Plain, id: Id) {
    active.done(slots.turn(id).unwrap());
}

/// Runs one pass; `react` may activate more after each slot.
fn pass(
    active: &mut Active,
    slots: &mut Plain,
    mut react: impl FnMut(&mut Active, &mut Plain, u16),
) -> Vec<u16> {
    let mut ran = Vec::new();
    active.begin_pass();
    while let Some(id) = active.front() {
        done(active, slots, id);
        ran.push(id.index());
        react(active, slots, id.index());
        assert!(ran.len() < 100, "a pass ends");
    }
    active.end_pass(slots);
    ran
}

#[test]
fn one_level_runs_in_a_pass_the_most_urgent_first() {
    let (mut active, mut slots) = (Active::new(), slots(&[5, 1, 5, 1]));
    for index in 0..4 {
        activate(&mut active, &mut slots, id(index));
    }
    assert_eq!(pass(&mut active, &mut slots, |_, _, _| {}), [1, 3]);
    assert_eq!(pass(&mut active, &mut slots, |_, _, _| {}), [0, 2]);
    assert_eq!(pass(&mut active, &mut slots, |_, _, _| {}), []);
}

#[test]
fn self_activation_runs_once_a_pass() {
    let (mut active, mut slots) = (Active::new(), slots(&[4]));
    activate(&mut active, &mut slots, id(0));
    for _ in 0..3 {
        let again = |active: &mut Active, slots: &mut Plain, index| {
            activate(active, slots, id(index));
        };
        assert_eq!(pass(&mut active, &mut slots, again), [0]);
        assert_eq!(active.len(), 1);
    }
}

#[test]
fn another_slot_activated_in_a_pass_still_runs_in_it() {
    let (mut active, mut slots) = (Active::new(), slots(&[4, 4]));
    activate(&mut active, &mut slots, id(0));
    let ping_pong = |active: &mut Active, slots: &mut Plain, index| {
        activate(active, slots, id(1 - index));
    };
    assert_eq!(pass(&mut active, &mut slots, ping_pong), [0, 1]);
}

#[test]
fn a_more_urgent_activation_is_reported() {
    let (mut active, mut slots) = (Active::new(), slots(&[4, 2, 6]));
    activate(&mut active, &mut slots, id(0));
    active.begin_pass();
    assert_eq!(active.front(), Some(id(0)));
    assert_eq!(activate(&mut active, &mut slots, id(1)), Some(true));
    assert_eq!(activate(&mut active, &mut slots, id(2)), Some(false));
    assert_eq!(activate(&mut active, &mut slots, id(2)), None);
}

#[test]
fn an_active_slot_keeps_its_place_and_can_leave() {
    let (mut active, mut slots) = (Active::new(), slots(&[4, 4, 4]));
    for index in [0, 1, 2, 0] {
        activate(&mut active, &mut slots, id(index));
    }
    active.remove(&mut slots, id(1));
    active.remove(&mut slots, id(1));
    assert_eq!(active.len(), 2);
    assert_eq!(pass(&mut active, &mut slots, |_, _, _| {}), [0, 2]);
}

#[test]
fn what_waits_for_the_next_pass_can_leave() {
    let (mut active, mut slots) = (Active::new(), slots(&[4]));
    activate(&mut active, &mut slots, id(0));
    active.begin_pass();
    assert_eq!(active.front(), Some(id(0)));
    done(&mut active, &mut slots, id(0));
    activate(&mut active, &mut slots, id(0));
    active.remove(&mut slots, id(0));
    assert_eq!((active.len(), active.front()), (0, None));
}

#[test]
fn the_priority_of_a_queued_slot_stays() {
    let (mut active, mut slots) = (Active::new(), slots(&[4]));
    activate(&mut active, &mut slots, id(0));
    assert_eq!(slots.0[0].set_priority(Priority::HIGHEST), Err(StillActive));
    active.begin_pass();
    assert_eq!(active.front(), Some(id(0)));
    done(&mut active, &mut slots, id(0));
    assert_eq!(slots.0[0].set_priority(Priority::HIGHEST), Ok(()));
    assert_eq!(slots.0[0].priority(), Priority::HIGHEST);
}

#[test]
fn what_waits_for_the_next_pass_joins_its_level_in_order() {
    let (mut active, mut slots) = (Active::new(), slots(&[4, 4, 4, 4]));
    (0..3).for_each(|index| _ = activate(&mut active, &mut slots, id(index)));
    let again = |active: &mut Active, slots: &mut Plain, index: u16| {
        activate(active, slots, id(index));
        activate(active, slots, id(3));
    };
    assert_eq!(pass(&mut active, &mut slots, again), [0, 1, 2, 3]);
    assert_eq!(pass(&mut active, &mut slots, |_, _, _| {}), [0, 1, 2, 3]);
    assert_eq!(active.len(), 0);
}
