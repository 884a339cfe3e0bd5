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

/// Where a slot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// On no queue.
    No,
    /// On the queue of its level.
    Level,
    /// Set aside for the next pass.
    Later,
}

/// What a slot remembers of its place in the queues.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) link: Link,
    queued: Queued,
    level: u8,
    /// The pass in which the slot last ran.
    ran: u32,
}

impl Turn {
    pub(crate) const EMPTY: Self = Self { link: Link::EMPTY, queued: Queued::No, level: 0, ran: 0 };

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
        !matches!(self.queued, Queued::No)
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
    /// The level being run, while a pass is under way.
    running: Option<u8>,
    pass: u32,
    count: usize,
    /// The most that were queued at once.
    peak: usize,
}

impl Active {
    pub(crate) const fn new() -> Self {
        Self {
            levels: [List::EMPTY; Priority::LEVELS],
            occupied: 0,
            later: List::EMPTY,
            running: None,
            pass: 1,
            count: 0,
            peak: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    pub(crate) const fn peak(&self) -> usize {
        self.peak
    }

    /// Lets the peak begin again at what is queued now.
    pub(crate) const fn reset_peak(&mut self) {
        self.peak = self.count;
    }

    /// The level being run.
    pub(crate) const fn running(&self) -> Option<u8> {
        self.running
    }

    /// Queues a slot that is not queued yet; whether it is more urgent than what is being run.
    pub(crate) fn activate(&mut self, turns: &mut impl Turns, id: Id) -> bool {
        let pass = self.pass;
        let Some(turn) = turns.turn(id) else { return false };
        if turn.is_queued() {
            return false;
        }
        let level = turn.level;
        self.count = self.count.saturating_add(1);
        self.peak = self.peak.max(self.count);
        if turn.ran == pass {
            turn.queued = Queued::Later;
            self.later.push(turns, Chain::Active, id);
            return false;
        }
        turn.queued = Queued::Level;
        self.join(turns, id, level);
        self.running.is_some_and(|running| level < running)
    }

    /// Takes a slot off its queue, wherever it stands.
    pub(crate) fn remove(&mut self, turns: &mut impl Turns, id: Id) {
        let Some(turn) = turns.turn(id) else { return };
        let level = turn.level;
        match core::mem::replace(&mut turn.queued, Queued::No) {
            Queued::No => return,
            Queued::Later => self.later.remove(turns, Chain::Active, id),
            Queued::Level => self.leave(turns, id, level),
        }
        self.count = self.count.saturating_sub(1);
    }

    /// The slot whose turn it is, if the level being run has one left; begins a pass at the most
    /// urgent level when none is under way.
    pub(crate) fn front(&mut self) -> Option<Id> {
        if self.running.is_none() {
            self.running = self.most_urgent();
        }
        self.running.and_then(|level| self.levels.get(usize::from(level))?.first())
    }

    /// Takes the slot whose turn it is off its queue: it has had its turn in this pass.
    pub(crate) fn done(&mut self, turns: &mut impl Turns, id: Id) {
        self.remove(turns, id);
        let pass = self.pass;
        if let Some(turn) = turns.turn(id) {
            turn.ran = pass;
        }
    }

    /// Ends the pass: what was set aside joins its level, and everything may run again.
    pub(crate) fn end_pass(&mut self, turns: &mut impl Turns) {
        self.running = None;
        self.pass = self.pass.wrapping_add(1);
        while let Some(id) = self.later.pop(turns, Chain::Active) {
            let Some(turn) = turns.turn(id) else { continue };
            debug_assert!(turn.queued == Queued::Later, "only what was set aside is in this list");
            turn.queued = Queued::Level;
            let level = turn.level;
            self.join(turns, id, level);
        }
    }

    fn most_urgent(&self) -> Option<u8> {
        (self.occupied != 0).then(|| self.occupied.trailing_zeros() as u8)
    }

    fn join(&mut self, turns: &mut impl Turns, id: Id, level: u8) {
        if let Some(list) = self.levels.get_mut(usize::from(level)) {
            list.push(turns, Chain::Active, id);
            self.occupied |= bit(level);
        }
    }

    fn leave(&mut self, turns: &mut impl Turns, id: Id, level: u8) {
        if let Some(list) = self.levels.get_mut(usize::from(level)) {
            list.remove(turns, Chain::Active, id);
            if list.is_empty() {
                self.occupied &= !bit(level);
            }
        }
    }
}

fn bit(level: u8) -> u8 {
    1u8.wrapping_shl(u32::from(level))
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
