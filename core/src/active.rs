//! The active queues: what waits to be dispatched, one first-in first-out list for each priority.
//!
//! ```text
//!  level 0 ▶ conn 2 ▶ event 0         most urgent: this level is run now
//!  level 4 ▶ event 7
//!  later   ▶ event 0                  ran in this pass already; joins its level when the pass ends
//! ```
//!
//! **The promise: a pass ends.** What has run in a pass and is activated again waits for the next
//! one, so a pass runs each slot once at most, whatever callbacks do, and polling and exit come
//! round. Joining, leaving and finding the most urgent are O(1).

use crate::Priority;
use crate::error::StillActive;
use crate::list::{Chain, Id, Link, Links, List};
use crate::peak::Peak;

/// What a slot remembers of its place in the queues.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) link: Link,
    /// On the queue of its level, or set aside for the next pass.
    queued: bool,
    level: u8,
    /// The pass in which the slot last ran.
    ran: u32,
}

impl Turn {
    pub(crate) const EMPTY: Self = Self { link: Link::EMPTY, queued: false, level: 0, ran: 0 };

    /// What is left of a turn when its slot is given back. The pass it ran in is remembered,
    /// whoever lives in the slot next: or a callback that frees and makes events could keep a pass
    /// going for ever.
    pub(crate) const fn vacated(self) -> Self {
        Self { ran: self.ran, ..Self::EMPTY }
    }

    /// The turn of a slot that has just been taken.
    pub(crate) const fn begin(self) -> Self {
        Self { level: Priority::DEFAULT.level(), ..self }
    }

    /// Sets the level; refused while the slot is queued (rule P8).
    pub(crate) const fn set_priority(&mut self, priority: Priority) -> Result<(), StillActive> {
        if self.is_queued() {
            return Err(StillActive);
        }
        self.level = priority.level();
        Ok(())
    }

    pub(crate) const fn is_queued(&self) -> bool {
        self.queued
    }

    pub(crate) fn priority(&self) -> Priority {
        Priority::new(self.level).unwrap_or_default()
    }
}

/// Where the turns are kept.
pub(crate) trait Turns: Links {
    fn turn(&mut self, id: Id) -> Option<&mut Turn>;
}

/// The queues.
pub(crate) struct Active {
    levels: [List; Priority::LEVELS],
    /// One bit for each level that has something to run.
    occupied: u8,
    later: List,
    /// Something that was set aside is of another level than the one that was run.
    scattered: bool,
    /// The level being run, or run last.
    running: u8,
    /// What is of a level before this one ends the pass: the level being run, or zero.
    urgent: u8,
    pass: u32,
    count: usize,
    /// The most that were queued at once.
    pub(crate) peak: Peak,
}

impl Active {
    pub(crate) const fn new() -> Self {
        Self {
            levels: [List::EMPTY; Priority::LEVELS],
            occupied: 0,
            later: List::EMPTY,
            scattered: false,
            running: 0,
            urgent: 0,
            pass: 1,
            count: 0,
            peak: Peak::NONE,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// The level being run.
    pub(crate) const fn running(&self) -> u8 {
        self.running
    }

    /// Queues a slot that is not queued yet, whose turn this is; `None` if it was queued already.
    ///
    /// The slot before it is still to be told: see [`Queued`].
    #[must_use = "the slot before is still to be told"]
    pub(crate) fn activate(&mut self, turn: &mut Turn, id: Id) -> Option<Queued> {
        if core::mem::replace(&mut turn.queued, true) {
            return None;
        }
        // There are fewer slots than numbers.
        self.count = self.count.wrapping_add(1);
        self.peak.note(self.count);
        let again = turn.ran == self.pass;
        let list = if again {
            self.scattered |= self.running != turn.level;
            &mut self.later
        } else {
            self.occupied |= bit(turn.level);
            list(&mut self.levels, turn.level)
        };
        let previous = list.join(&mut turn.link, id);
        let first = !again && turn.level < self.urgent;
        Some(Queued { previous, first })
    }

    /// Takes a slot off its queue, wherever it stands.
    pub(crate) fn remove(&mut self, turns: &mut impl Turns, id: Id) {
        let Some(turn) = turns.turn(id).filter(|turn| turn.queued) else { return };
        turn.queued = false;
        let level = turn.level;
        // Only a list's ends know the list.
        if self.later.ends_with(id) {
            self.later.remove(turns, Chain::Active, id);
        } else {
            let list = list(&mut self.levels, level);
            list.remove(turns, Chain::Active, id);
            if list.is_empty() {
                self.occupied &= !bit(level);
            }
        }
        self.count = self.count.wrapping_sub(1);
    }

    /// Begins a pass at the most urgent level.
    pub(crate) fn begin_pass(&mut self) {
        // Where nothing is due there are as many zeros as levels, which comes to level 0.
        self.running = self.occupied.trailing_zeros() as u8 & Priority::LOWEST.level();
        self.urgent = self.running;
    }

    /// The slot whose turn it is, if the level being run has one left.
    pub(crate) const fn front(&mut self) -> Option<Id> {
        list(&mut self.levels, self.running).first()
    }

    /// Takes the slot whose turn it is, which is the [`front`](Self::front), off its queue: it has
    /// had its turn in this pass.
    pub(crate) fn done(&mut self, turn: &mut Turn) {
        debug_assert!(turn.queued && self.running == turn.level, "only the front is done");
        (turn.queued, turn.ran) = (false, self.pass);
        let list = list(&mut self.levels, turn.level);
        list.drop_first(turn.link.next());
        if list.is_empty() {
            self.occupied &= !bit(turn.level);
        }
        self.count = self.count.wrapping_sub(1);
    }

    /// Ends the pass: what was set aside joins its level, and everything may run again.
    pub(crate) fn end_pass(&mut self, turns: &mut impl Turns) {
        self.pass = self.pass.wrapping_add(1);
        self.urgent = 0;
        if self.later.is_empty() {
            return;
        }
        let mut later = core::mem::replace(&mut self.later, List::EMPTY);
        if core::mem::take(&mut self.scattered) {
            while let Some(id) = later.pop(turns, Chain::Active) {
                let level = turns.turn(id).map(|turn| turn.level);
                level.into_iter().for_each(|level| self.join(turns, id, level));
            }
        } else {
            list(&mut self.levels, self.running).append(turns, Chain::Active, later);
            self.occupied |= bit(self.running);
        }
    }

    fn join(&mut self, turns: &mut impl Turns, id: Id, level: u8) {
        list(&mut self.levels, level).push(turns, Chain::Active, id);
        self.occupied |= bit(level);
    }
}

/// A slot was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    /// The slot before it, whose next is to be this one.
    pub(crate) previous: Option<Id>,
    /// It is more urgent than what is being run.
    pub(crate) first: bool,
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
