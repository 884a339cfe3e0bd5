//! A slot's state in the queues. The state shares one word with the flags and the interest of the owner, that is, the
//! object in the slot.
//!
//! ```text
//!   31       24 23       16   15   14            3 2   0
//!  ┌───────────┬───────────┬────────┬───────────────┬─────┐
//!  │ interest  │ due       │ queued │ owner's flags │level│
//!  └───────────┴───────────┴────────┴───────────────┴─────┘
//! ```
//!
//! The bit `queued` is next to the bits `due`, so that one instruction can clear both. `due` holds the conditions that
//! have become true since the callback last ran. The owner defines the meaning of its interest and flags.

use super::list::Link;
use crate::Priority;
use crate::error::StillActiveError;

/// A slot's state in the queues.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) link: Link,
    pub(crate) state: u32,
    /// The pass in which the slot last ran.
    pub(super) ran: u32,
}

/// The slot is on a queue.
pub(super) const QUEUED: u32 = 1 << 15;
const LEVEL_MASK: u32 = 0b111;
pub(super) const DUE: u32 = 16;
pub(super) const DUE_MASK: u32 = 0xff << DUE;
const INTEREST: u32 = 24;

impl Node {
    /// The bit index of the first flag of the owner. The last flag is bit 14.
    pub(crate) const FLAGS: u32 = 3;

    pub(crate) const EMPTY: Self = Self { link: Link::EMPTY, state: 0, ran: 0 };

    /// Returns the state for a new object in the slot, with the object's flags and interest. The field `ran`, the pass
    /// in which the slot last ran, is kept for the following reason. A callback can free its event, and make and
    /// activate a new event in the same slot. If `ran` were reset, the new event would run in the same pass, and the
    /// pass might never end.
    pub(crate) const fn begin(self, flags: u32, interest: u8) -> Self {
        let level = Priority::DEFAULT.level() as u32;
        Self { state: level | flags | (interest as u32) << INTEREST, ..self }
    }

    /// Sets the level.
    ///
    /// # Errors
    /// [`StillActiveError`] while the slot is queued (rule P8 in `docs/from-libevent.md`).
    pub(crate) const fn set_priority(
        &mut self,
        priority: Priority,
    ) -> Result<(), StillActiveError> {
        if self.is_queued() {
            return Err(StillActiveError);
        }
        self.state = self.state & !LEVEL_MASK | priority.level() as u32;
        Ok(())
    }

    pub(crate) const fn is_queued(&self) -> bool {
        self.state & QUEUED != 0
    }

    pub(crate) const fn level(&self) -> u8 {
        (self.state & LEVEL_MASK) as u8
    }

    pub(crate) fn priority(&self) -> Priority {
        Priority::new(self.level()).unwrap_or_default()
    }

    /// Returns the conditions for which the callback is due.
    pub(crate) const fn due(&self) -> u8 {
        (self.state >> DUE) as u8
    }

    pub(crate) const fn set_due(&mut self, due: u8) {
        self.state = self.state & !DUE_MASK | (due as u32) << DUE;
    }

    pub(crate) const fn add_due(&mut self, due: u8) {
        self.state |= (due as u32) << DUE;
    }

    pub(crate) const fn interest(&self) -> u8 {
        (self.state >> INTEREST) as u8
    }

    /// Returns whether any of these flags is set.
    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.state & flags != 0
    }

    /// Sets or clears flags.
    pub(crate) const fn set(&mut self, flags: u32, set: bool) {
        self.state = if set { self.state | flags } else { self.state & !flags };
    }
}
