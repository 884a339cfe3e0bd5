extern crate std;

use super::*;
use crate::error::StillActiveError;
use std::vec::Vec;

pub(super) struct TestNodes(Vec<Node>);

impl Nodes for TestNodes {
    fn node(&mut self, id: Id) -> Option<&mut Node> {
        self.0.get_mut(id.index())
    }
}

/// Makes slots of the given levels.
pub(super) fn slots(levels: &[u8]) -> TestNodes {
    let node = |level: &u8| {
        let mut node = Node::EMPTY;
        node.set_priority(Priority::new(*level).unwrap()).unwrap();
        node
    };
    TestNodes(levels.iter().map(node).collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activated {
    /// The slot was queued already.
    Already,
    Queued,
    /// The slot was queued, and is more urgent than the running level.
    Urgent,
}

/// Makes a slot due, and links it to the slot before it.
pub(super) fn activate(queues: &mut Queues, slots: &mut TestNodes, index: u16) -> Activated {
    let id = Id::at(index);
    let Some(joined) = queues.join(slots.node(id).unwrap(), id, 1) else {
        return Activated::Already;
    };
    if let Some(node) = slots.node(joined.previous) {
        node.link.next = id;
    }
    if joined.urgent { Activated::Urgent } else { Activated::Queued }
}

pub(super) fn done(queues: &mut Queues, slots: &mut TestNodes, index: u16) {
    assert_eq!(queues.done(slots.node(Id::at(index)).unwrap()), 1);
}

/// Returns the slot that runs next in the pass.
pub(super) fn front(queues: &Queues, slots: &mut TestNodes) -> Option<u16> {
    let id = queues.front();
    slots.node(id).filter(|node| !queues.has_run(node)).map(|_| id.slot())
}

/// Runs one pass; `react` is called after each slot and may activate more slots.
fn pass(
    queues: &mut Queues,
    slots: &mut TestNodes,
    mut react: impl FnMut(&mut Queues, &mut TestNodes, u16),
) -> Vec<u16> {
    let mut ran = Vec::new();
    queues.begin_pass();
    while let Some(id) = front(queues, slots) {
        done(queues, slots, id);
        ran.push(id);
        react(queues, slots, id);
        assert!(ran.len() < 100, "a pass ends");
    }
    queues.end_pass();
    ran
}

#[test]
fn one_level_runs_in_a_pass_the_most_urgent_first() {
    let (mut queues, mut slots) = (Queues::new(), slots(&[5, 1, 5, 1]));
    for index in 0..4 {
        activate(&mut queues, &mut slots, index);
    }
    assert_eq!(pass(&mut queues, &mut slots, |_, _, _| {}), [1, 3]);
    assert_eq!(pass(&mut queues, &mut slots, |_, _, _| {}), [0, 2]);
    assert_eq!(pass(&mut queues, &mut slots, |_, _, _| {}), []);
}

#[test]
fn self_activation_runs_once_a_pass() {
    let (mut queues, mut slots) = (Queues::new(), slots(&[4]));
    activate(&mut queues, &mut slots, 0);
    for _ in 0..3 {
        let again = |queues: &mut Queues, slots: &mut TestNodes, index| {
            activate(queues, slots, index);
        };
        assert_eq!(pass(&mut queues, &mut slots, again), [0]);
        assert_eq!(queues.len(), 1);
    }
}

#[test]
fn another_slot_activated_in_a_pass_still_runs_in_it() {
    let (mut queues, mut slots) = (Queues::new(), slots(&[4, 4]));
    activate(&mut queues, &mut slots, 0);
    let ping_pong = |queues: &mut Queues, slots: &mut TestNodes, index| {
        activate(queues, slots, 1 - index);
    };
    assert_eq!(pass(&mut queues, &mut slots, ping_pong), [0, 1]);
}

#[test]
fn a_more_urgent_activation_is_reported() {
    let (mut queues, mut slots) = (Queues::new(), slots(&[4, 2, 6]));
    activate(&mut queues, &mut slots, 0);
    queues.begin_pass();
    assert_eq!(queues.front(), Id::at(0));
    assert_eq!(activate(&mut queues, &mut slots, 1), Activated::Urgent);
    assert_eq!(activate(&mut queues, &mut slots, 2), Activated::Queued);
    assert_eq!(activate(&mut queues, &mut slots, 2), Activated::Already);
}

#[test]
fn an_active_slot_keeps_its_position_and_can_be_removed() {
    let (mut queues, mut slots) = (Queues::new(), slots(&[4, 4, 4]));
    for index in [0, 1, 2, 0] {
        activate(&mut queues, &mut slots, index);
    }
    queues.remove(&mut slots, Id::at(1));
    queues.remove(&mut slots, Id::at(1));
    assert_eq!(queues.len(), 2);
    assert_eq!(pass(&mut queues, &mut slots, |_, _, _| {}), [0, 2]);
}

#[test]
fn a_slot_that_waits_for_the_next_pass_can_be_removed() {
    let (mut queues, mut slots) = (Queues::new(), slots(&[4]));
    activate(&mut queues, &mut slots, 0);
    queues.begin_pass();
    assert_eq!(queues.front(), Id::at(0));
    done(&mut queues, &mut slots, 0);
    activate(&mut queues, &mut slots, 0);
    queues.remove(&mut slots, Id::at(0));
    assert_eq!((queues.len(), queues.front()), (0, Id::NONE));
}

#[test]
fn the_priority_of_a_queued_slot_cannot_be_changed() {
    let (mut queues, mut slots) = (Queues::new(), slots(&[4]));
    activate(&mut queues, &mut slots, 0);
    assert_eq!(slots.0[0].set_priority(Priority::HIGHEST), Err(StillActiveError));
    queues.begin_pass();
    assert_eq!(queues.front(), Id::at(0));
    done(&mut queues, &mut slots, 0);
    assert_eq!(slots.0[0].set_priority(Priority::HIGHEST), Ok(()));
    assert_eq!(slots.0[0].priority(), Priority::HIGHEST);
}

#[test]
fn a_pass_ends_at_the_first_slot_that_has_run_and_the_order_stays() {
    let (mut queues, mut slots) = (Queues::new(), slots(&[4, 4, 4, 4]));
    (0..3).for_each(|index| _ = activate(&mut queues, &mut slots, index));
    let again = |queues: &mut Queues, slots: &mut TestNodes, index: u16| {
        activate(queues, slots, index);
        activate(queues, slots, 3);
    };
    assert_eq!(pass(&mut queues, &mut slots, again), [0, 1, 2], "3 stands behind 0, which has run");
    assert_eq!(pass(&mut queues, &mut slots, |_, _, _| {}), [0, 3, 1, 2]);
    assert_eq!(queues.len(), 0);
}
