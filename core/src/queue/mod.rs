//! The active queues: slots whose callback is due, one first-in first-out list for each priority.
//!
//! ```text
//!  level 0 ▶ conn 2 ▶ event 0 ▶ conn 2       most urgent: this level runs now
//!  level 4 ▶ event 7             └── it ran in this pass already: here the pass ends
//! ```
//!
//! **The promise: a pass ends.** It ends at the first slot that it has run already. So a pass runs
//! each slot at most once, whatever callbacks do, and the loop looks for news again. Joining,
//! leaving and finding the most urgent slot are O(1).

use crate::Priority;
use crate::peak::Peak;

mod list;
mod turn;

pub(crate) use list::{Id, Link, Links, List};
pub(crate) use turn::Turn;

/// Where the turns are kept.
pub(crate) trait Turns {
    fn turn(&mut self, id: Id) -> Option<&mut Turn>;
}

/// The links of the active queues, which stand in the turns.
pub(crate) struct ActiveLinks<'t, T>(pub(crate) &'t mut T);

impl<T: Turns> Links for ActiveLinks<'_, T> {
    fn link(&mut self, id: Id) -> Option<&mut Link> {
        self.0.turn(id).map(|turn| &mut turn.link)
    }
}

/// The queues.
pub(crate) struct Queues {
    levels: [List; Priority::LEVELS],
    pass: u32,
    /// Slots that are queued.
    count: u16,
    /// One bit for each level that has something to run.
    occupied: u8,
    /// The level that runs, or ran last.
    running: u8,
    /// A slot of a level before this one ends the pass: the level that runs, or zero.
    urgent: u8,
    /// The most that were queued at once.
    pub(crate) peak: Peak,
}

/// The result of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activated {
    /// The slot was queued already.
    Already,
    /// The slot was queued.
    Queued,
    /// The slot was queued, and is more urgent than what runs.
    Urgent,
}

impl Queues {
    pub(crate) const fn new() -> Self {
        Self {
            levels: [List::EMPTY; Priority::LEVELS],
            pass: 1,
            count: 0,
            occupied: 0,
            running: 0,
            urgent: 0,
            peak: Peak::NONE,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.count as usize
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the level that runs.
    pub(crate) const fn running(&self) -> u8 {
        self.running
    }

    /// Makes a slot's callback due with `due`, in addition to what it is due with already.
    pub(crate) fn activate(&mut self, turns: &mut impl Turns, id: Id, due: u8) -> Activated {
        let Some(turn) = turns.turn(id) else { return Activated::Already };
        turn.add_due(due);
        if turn.is_queued() {
            return Activated::Already;
        }
        turn.state |= turn::QUEUED;
        let level = turn.level();
        let again = turn.ran == self.pass;
        self.occupied |= bit(level);
        let list = list(&mut self.levels, level);
        let previous = core::mem::replace(&mut list.last, id);
        turn.link = Link { next: Id::NONE, previous };
        if previous.is_none() {
            list.first = id;
        } else if let Some(turn) = turns.turn(previous) {
            turn.link.next = id;
        }
        // It cannot wrap: there are 65,535 slots at most.
        self.count = self.count.wrapping_add(1);
        self.peak.note(self.count.into());
        if !again && level < self.urgent { Activated::Urgent } else { Activated::Queued }
    }

    /// Takes a slot off its queue, wherever it stands. What it is due with stays.
    pub(crate) fn remove(&mut self, turns: &mut impl Turns, id: Id) {
        let Some(turn) = turns.turn(id).filter(|turn| turn.is_queued()) else { return };
        turn.state &= !turn::QUEUED;
        let level = turn.level();
        let list = list(&mut self.levels, level);
        list.remove(&mut ActiveLinks(turns), id);
        if list.is_empty() {
            self.occupied &= !bit(level);
        }
        self.count = self.count.wrapping_sub(1);
    }

    /// Begins a pass at the most urgent level.
    pub(crate) fn begin_pass(&mut self) {
        // With nothing due there are as many zeros as levels, which the mask makes level 0.
        self.running = self.occupied.trailing_zeros() as u8 & Priority::LOWEST.level();
        self.urgent = self.running;
    }

    /// Returns the first slot of the level that runs, or [`Id::NONE`]. Its turn may be
    /// [over](Self::is_over).
    pub(crate) fn front(&self) -> Id {
        self.levels.get(usize::from(self.running)).map_or(Id::NONE, |list| list.first)
    }

    /// Returns whether a slot has had its turn in this pass: then the pass ends.
    pub(crate) const fn is_over(&self, turn: &Turn) -> bool {
        turn.ran == self.pass
    }

    /// Takes the slot whose turn it is, which is the [`front`](Self::front), off its queue: it has
    /// had its turn in this pass. Returns what it was due with.
    pub(crate) fn done(&mut self, turn: &mut Turn) -> u8 {
        debug_assert!(turn.is_queued() && self.running == turn.level(), "only the front is done");
        let due = turn.due();
        turn.state &= !(turn::QUEUED | turn::DUE_MASK);
        turn.ran = self.pass;
        let list = list(&mut self.levels, self.running);
        list.drop_first(turn.link.next);
        if list.is_empty() {
            self.occupied &= !bit(self.running);
        }
        self.count = self.count.wrapping_sub(1);
        due
    }

    /// Ends the pass: everything may run again.
    pub(crate) const fn end_pass(&mut self) {
        self.pass = self.pass.wrapping_add(1);
        self.urgent = 0;
    }
}

#[expect(clippy::indexing_slicing, reason = "a remainder of the length is an index")]
const fn list(levels: &mut [List; Priority::LEVELS], level: u8) -> &mut List {
    &mut levels[level as usize % Priority::LEVELS]
}

fn bit(level: u8) -> u8 {
    1u8.wrapping_shl(u32::from(level))
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
