//! The timer heap: the slots that have a deadline, the earliest first.
//!
//! ```text
//!  heap     binary, the earliest first         7 │ 2 │ 9 │ 4 │ …     2 bytes for each owner
//!                                              │
//!  owners   deadline, sequence number, place ◀─┘                     in the owner's slot
//! ```
//!
//! Events and connections stand in one heap: its storage is that of the events, and goes on in that
//! of the connections.
//!
//! The heap knows its owners through [`Alarms`]. Equal deadlines come due in the order they were
//! armed: each arming takes a sequence number.
//!
//! **A cancelled timer stays in the heap** until it comes first: cancelling is O(1), and nothing piles
//! up, since an owner is in the heap once at most. An owner that arms it again finds its place.
//! Arming is O(log n), and so is taking out the first.

use crate::Instant;
use crate::queue::Id;

/// The owners of deadlines.
pub(crate) trait Alarms {
    /// The deadline by which an owner stands in the heap.
    fn deadline(&self, owner: Id) -> Instant;

    /// The sequence number of its last arming.
    fn sequence(&self, owner: Id) -> u32;

    /// The owner's place in the heap, plus one; zero while it has none.
    fn heap_place(&mut self, owner: Id) -> Option<&mut u16>;
}

/// The heap.
pub(crate) struct Timers<'s> {
    heap: &'s mut [u16],
    /// Where the heap goes on.
    more: &'s mut [u16],
    len: u16,
}

impl<'s> Timers<'s> {
    /// Takes the storage over and empties it: a place for each owner.
    pub(crate) const fn new(heap: &'s mut [u16], more: &'s mut [u16]) -> Self {
        Self { heap, more, len: 0 }
    }

    /// Returns the owner with the earliest deadline, or [`Id::NONE`].
    pub(crate) fn first(&self) -> Id {
        if self.len == 0 { Id::NONE } else { self.at(0) }
    }

    /// The owner at a place.
    fn at(&self, place: usize) -> Id {
        let owner = match place.checked_sub(self.heap.len()) {
            None => self.heap.get(place),
            Some(place) => self.more.get(place),
        };
        owner.map_or(Id::NONE, |owner| Id(*owner))
    }

    /// Puts an owner, who has just been given a deadline and a sequence number, where it belongs.
    pub(crate) fn arm(&mut self, alarms: &mut impl Alarms, owner: Id) {
        let place = match alarms.heap_place(owner).and_then(|place| place.checked_sub(1)) {
            Some(place) => place,
            None => {
                self.len = self.len.wrapping_add(1);
                self.len.wrapping_sub(1)
            }
        };
        self.settle(alarms, place, owner);
    }

    /// Takes out the first owner.
    pub(crate) fn remove_first(&mut self, alarms: &mut impl Alarms) {
        if let Some(place) = alarms.heap_place(self.first()) {
            *place = 0;
            self.len = self.len.wrapping_sub(1);
        }
        let last = self.at(self.len.into());
        if self.len == 0 || last.is_none() {
            return;
        }
        // The last one nearly always belongs near the end: the gap goes down to a leaf without
        // looking at it, and it rises from there.
        let mut gap = 0;
        while let Some((child, owner)) = self.least_child(alarms, gap) {
            self.put(alarms, gap, owner);
            gap = child;
        }
        self.settle(alarms, gap, last);
    }

    /// Puts the first owner, whose deadline has become later, where it belongs.
    pub(crate) fn sink_first(&mut self, alarms: &mut impl Alarms) {
        self.settle(alarms, 0, self.first());
    }

    /// Puts an owner into a gap, or above or below it, wherever it belongs.
    fn settle(&mut self, alarms: &mut impl Alarms, mut gap: u16, owner: Id) {
        let deadline = alarms.deadline(owner);
        let from = gap;
        while gap > 0 {
            let parent = gap.wrapping_sub(1) >> 1;
            let above = self.at(parent.into());
            let at = alarms.deadline(above);
            if at < deadline || (at == deadline && !precedes(alarms, owner, above)) {
                break;
            }
            self.put(alarms, gap, above);
            gap = parent;
        }
        while gap >= from {
            let Some((child, least)) = self.least_child(alarms, gap) else { break };
            let at = alarms.deadline(least);
            if deadline < at || (at == deadline && precedes(alarms, owner, least)) {
                break;
            }
            self.put(alarms, gap, least);
            gap = child;
        }
        self.put(alarms, gap, owner);
    }

    /// The earlier child of a place: its place and its owner.
    fn least_child(&self, alarms: &impl Alarms, place: u16) -> Option<(u16, Id)> {
        // In a wider number: the children of the last places are beyond a `u16`.
        let first = usize::from(place).wrapping_mul(2).wrapping_add(1);
        let second = first.wrapping_add(1);
        let len = usize::from(self.len);
        if first >= len {
            return None;
        }
        let one = self.at(first);
        if second < len {
            let other = self.at(second);
            let (here, there) = (alarms.deadline(one), alarms.deadline(other));
            if there < here || (there == here && precedes(alarms, other, one)) {
                return Some((second as u16, other));
            }
        }
        Some((first as u16, one))
    }

    fn put(&mut self, alarms: &mut impl Alarms, place: u16, owner: Id) {
        let held = match usize::from(place).checked_sub(self.heap.len()) {
            None => self.heap.get_mut(usize::from(place)),
            Some(place) => self.more.get_mut(place),
        };
        if let Some(held) = held {
            *held = owner.0;
        }
        if let Some(held) = alarms.heap_place(owner) {
            *held = place.wrapping_add(1);
        }
    }
}

/// Whether, of two owners with equal deadlines, `owner` was armed before `other`.
///
/// Sequence numbers wrap. Of two timers that are armed more than 2^31 armings apart, for the same
/// microsecond, either may come first.
#[cold]
#[inline(never)]
fn precedes(alarms: &impl Alarms, owner: Id, other: Id) -> bool {
    alarms.sequence(owner).wrapping_sub(alarms.sequence(other)).cast_signed() < 0
}

#[cfg(test)]
mod tests;
