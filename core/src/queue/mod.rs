//! The active queues: slots whose callback is due, one first-in first-out list for each priority.
//!
//! ```text
//!  level 0 ▶ conn 2 ▶ event 0 ▶ conn 2       most urgent: this level runs now
//!  level 4 ▶ event 7             └── it ran in this pass already: here the pass ends
//! ```
//!
//! **Every pass ends.** A pass ends when the next slot in the queue has already run in this pass. So a pass runs each
//! slot at most once, whatever callbacks do, and then the loop checks for new events again. Adding a slot, removing a
//! slot and finding the most urgent slot are O(1).

use crate::Priority;
use crate::peak::Peak;

mod list;
mod node;

pub(crate) use list::{Id, Link, Links, List};
pub(crate) use node::Node;

/// Access to the [`Node`] of each slot.
pub(crate) trait Nodes {
    fn node(&mut self, id: Id) -> Option<&mut Node>;
}

/// The links of the active queues. They are stored in the [`Node`] of each slot.
struct ActiveLinks<'t, T>(&'t mut T);

impl<T: Nodes> Links for ActiveLinks<'_, T> {
    fn link(&mut self, id: Id) -> Option<&mut Link> {
        self.0.node(id).map(|node| &mut node.link)
    }
}

/// The active queues of a base.
pub(crate) struct Queues {
    /// The first slot of the level `running`. For this level, the field `first` in `levels` is not kept up to date, and
    /// `front` is used instead.
    front: Id,
    /// The number of queued slots.
    count: u16,
    pass: u32,
    /// One bit for each level that has queued slots.
    occupied: u8,
    /// The priority level of the current pass, or of the last pass.
    running: u8,
    /// The level of the current pass. When a slot with a lower (more urgent) level is queued, the pass ends. Between
    /// two passes this field is zero, so that no level is lower.
    pass_level: u8,
    levels: [List; Priority::LEVELS],
    /// The highest number of queued slots.
    pub(crate) peak: Peak,
}

/// The result of queueing a slot.
pub(crate) struct Joined {
    /// The slot after which the new slot was queued; [`Id::NONE`] if the queue was empty. In the link of the slot
    /// `previous`, the caller must set `next` to the new slot.
    pub(crate) previous: Id,
    /// Whether the queued slot is more urgent than the level of the current pass.
    pub(crate) urgent: bool,
}

impl Queues {
    pub(crate) const fn new() -> Self {
        Self {
            front: Id::NONE,
            count: 0,
            pass: 1,
            occupied: 0,
            running: 0,
            pass_level: 0,
            levels: [List::EMPTY; Priority::LEVELS],
            peak: Peak::NONE,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.count as usize
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// Returns the level of the current pass, or of the last pass.
    pub(crate) const fn running(&self) -> u8 {
        self.running
    }

    /// Queues a slot, and adds `due` to the conditions for which the slot's callback is due. Returns `None` if the slot
    /// was queued already. If the slot was not queued before, the caller must set a link: see [`Joined::previous`].
    #[inline]
    pub(crate) fn join(&mut self, node: &mut Node, id: Id, due: u8) -> Option<Joined> {
        let queued = node.is_queued();
        node.state |= u32::from(due) << node::DUE | node::QUEUED;
        if queued {
            return None;
        }
        let level = node.level();
        let list = list(&mut self.levels, level);
        let previous = core::mem::replace(&mut list.last, id);
        node.link = Link { next: Id::NONE, previous };
        if previous.is_none() {
            list.first = id;
            self.occupied |= bit(level);
            if level == self.running {
                self.front = id;
            }
        }
        // The addition cannot wrap: there are 65,535 slots at most.
        self.count = self.count.wrapping_add(1);
        self.peak.update(self.count.into());
        Some(Joined { previous, urgent: level < self.pass_level && !self.has_run(node) })
    }

    /// Removes a slot from its queue, at any position. The slot still stores the conditions for which its callback is
    /// due.
    pub(crate) fn remove(&mut self, nodes: &mut impl Nodes, id: Id) {
        let Some(node) = nodes.node(id).filter(|node| node.is_queued()) else { return };
        node.state &= !node::QUEUED;
        let level = node.level();
        let list = list(&mut self.levels, level);
        if level == self.running {
            list.first = self.front;
        }
        list.remove(&mut ActiveLinks(nodes), id);
        if level == self.running {
            self.front = list.first;
        }
        if list.is_empty() {
            self.occupied &= !bit(level);
        }
        self.count = self.count.wrapping_sub(1);
    }

    /// Begins a pass at the most urgent level.
    #[inline(always)]
    pub(crate) fn begin_pass(&mut self) {
        // If no slot is queued, `trailing_zeros` returns 32. The mask changes 32 to level 0.
        let level = u32::from(self.occupied).trailing_zeros() as u8 & Priority::LOWEST.level();
        if level != self.running {
            list(&mut self.levels, self.running).first = self.front;
            self.running = level;
            self.front = list(&mut self.levels, level).first;
        }
        self.pass_level = level;
    }

    /// Returns the first slot of the current level, or [`Id::NONE`]. The slot may have [run](Self::has_run) in this
    /// pass already.
    #[inline(always)]
    pub(crate) const fn front(&self) -> Id {
        self.front
    }

    /// Returns whether a slot has already run in this pass. When the first slot of the queue has already run, the pass
    /// must end.
    #[inline(always)]
    pub(crate) const fn has_run(&self, node: &Node) -> bool {
        node.ran == self.pass
    }

    /// Removes the slot at the [`front`](Self::front) from its queue, and marks it as run in this pass. Returns the
    /// conditions for which its callback was due.
    #[inline]
    pub(crate) fn done(&mut self, node: &mut Node) -> u8 {
        debug_assert!(node.is_queued() && self.running == node.level(), "only the front is done");
        let due = node.due();
        node.state &= !(node::QUEUED | node::DUE_MASK);
        node.ran = self.pass;
        self.front = node.link.next;
        if self.front.is_none() {
            list(&mut self.levels, self.running).last = Id::NONE;
            self.occupied &= !bit(self.running);
        }
        self.count = self.count.wrapping_sub(1);
        due
    }

    /// Ends the pass: all slots may run again.
    pub(crate) const fn end_pass(&mut self) {
        self.pass = self.pass.wrapping_add(1);
        self.pass_level = 0;
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
