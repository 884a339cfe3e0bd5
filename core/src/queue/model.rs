//! Tests the queues against a simple model: one list of all due slots. Each search in this list starts at the beginning
//! of the list.

extern crate std;

use super::tests::{Activated, TestNodes, activate, done, front, slots};
use super::*;
use crate::model::check;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashSet;
use std::vec::Vec;

const SLOTS: u16 = 6;

#[derive(Clone, Debug)]
enum Op {
    Activate(u16),
    Remove(u16),
    SetPriority(u16, u8),
    /// Runs the first slot of the running level.
    Run,
    EndPass,
    ResetPeak,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..SLOTS).prop_map(Op::Activate),
        1 => (0..SLOTS).prop_map(Op::Remove),
        1 => (0..SLOTS, 0_u8..8).prop_map(|(slot, level)| Op::SetPriority(slot, level)),
        4 => Just(Op::Run),
        1 => Just(Op::EndPass),
        1 => Just(Op::ResetPeak),
    ]
}

#[derive(Default)]
struct Model {
    levels: [u8; SLOTS as usize],
    /// The due slots, in the order in which they became due.
    due: Vec<u16>,
    ran: HashSet<u16>,
    running: Option<u8>,
    peak: usize,
}

impl Model {
    fn level(&self, slot: u16) -> u8 {
        self.levels[usize::from(slot)]
    }

    fn is_queued(&self, slot: u16) -> bool {
        self.due.contains(&slot)
    }

    fn activate(&mut self, slot: u16) -> bool {
        if self.is_queued(slot) {
            return false;
        }
        let ran = self.ran.contains(&slot);
        self.due.push(slot);
        self.peak = self.peak.max(self.due.len());
        !ran && self.running.is_some_and(|running| self.level(slot) < running)
    }

    fn remove(&mut self, slot: u16) {
        self.due.retain(|other| *other != slot);
    }

    fn front(&mut self) -> Option<u16> {
        if self.running.is_none() {
            self.running = self.due.iter().map(|slot| self.level(*slot)).min();
        }
        let first = self.due.iter().copied().find(|slot| Some(self.level(*slot)) == self.running);
        first.filter(|slot| !self.ran.contains(slot))
    }

    fn end_pass(&mut self) {
        self.ran.clear();
        self.running = None;
    }
}

fn apply(op: &Op, queues: &mut Queues, slots: &mut TestNodes, model: &mut Model) {
    match *op {
        Op::Activate(slot) => {
            let activated = activate(queues, slots, slot);
            assert_eq!(activated == Activated::Already, model.is_queued(slot));
            assert_eq!(activated == Activated::Urgent, model.activate(slot));
        }
        Op::Remove(slot) => {
            queues.remove(slots, Id::at(slot));
            model.remove(slot);
        }
        Op::SetPriority(slot, level) => {
            let priority = Priority::new(level).unwrap();
            let set = slots.node(Id::at(slot)).unwrap().set_priority(priority);
            assert_eq!(set.is_err(), model.is_queued(slot));
            if set.is_ok() {
                model.levels[usize::from(slot)] = level;
            }
        }
        Op::Run => {
            if model.running.is_none() {
                queues.begin_pass();
            }
            let next = model.front();
            assert_eq!(front(queues, slots), next);
            if let Some(slot) = next {
                done(queues, slots, slot);
                model.remove(slot);
                model.ran.insert(slot);
            }
        }
        Op::EndPass => {
            queues.end_pass();
            model.end_pass();
        }
        Op::ResetPeak => {
            queues.peak.reset(queues.len());
            model.peak = model.due.len();
        }
    }
    assert!(model.running.is_none_or(|running| queues.running() == running));
    assert_eq!(queues.len(), model.due.len());
    assert_eq!(queues.peak.get(), model.peak);
}

#[test]
fn the_queues_agree_with_a_plain_list() {
    check(vec(op(), 0..120), |ops| {
        let (mut queues, mut slots) = (Queues::new(), slots(&[0; SLOTS as usize]));
        let mut model = Model::default();
        for op in ops {
            apply(&op, &mut queues, &mut slots, &mut model);
        }
    });
}
