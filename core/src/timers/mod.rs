//! The timer heap: the slots that have a deadline, the earliest first.
//!
//! ```text
//!  heap     binary, the earliest first         7 │ 2 │ 9 │ 4 │ …     2 bytes for each owner
//!                                              │
//!  owners   deadline, sequence number, place ◀─┘                     in the owner's slot
//! ```
//!
//! Events and connections share one heap. Its storage is that of the events, followed by that of the
//! connections.
//!
//! The heap knows its owners through [`Alarms`]. Equal deadlines come due in the order they were
//! armed: each arming takes a sequence number.
//!
//! **A cancelled timer stays in the heap** until it comes first. Cancelling is O(1), and stale keys do
//! not pile up, because each owner is in the heap at most once: arming it again reuses its place.
//! Arming is O(log n), and so is taking out the first.

use crate::Instant;
use crate::queue::Id;

/// What an owner of a deadline keeps in its slot.
#[derive(Clone, Copy)]
pub(crate) struct Alarm {
    /// The sort key in the heap. Never read while the owner is in no heap.
    pub(crate) deadline: Instant,
    /// The sequence number: of equal deadlines, the one armed first comes first.
    pub(crate) sequence: u32,
    /// Its place in the heap, plus one; zero while it has none.
    place: u16,
}

impl Alarm {
    pub(crate) const EMPTY: Self = Self { deadline: Instant::ZERO, sequence: 0, place: 0 };

    /// Returns whether it is in the heap.
    pub(crate) const fn is_placed(&self) -> bool {
        self.place != 0
    }

    /// Returns whether it comes before another.
    ///
    /// Sequence numbers wrap: if two timers for the same microsecond are armed more than 2^31 armings
    /// apart, either may come first.
    fn precedes(&self, other: &Self) -> bool {
        if self.deadline == other.deadline {
            return self.sequence.wrapping_sub(other.sequence).cast_signed() < 0;
        }
        self.deadline < other.deadline
    }
}

/// The owners of deadlines.
pub(crate) trait Alarms {
    fn alarm(&self, owner: Id) -> Option<&Alarm>;

    fn alarm_mut(&mut self, owner: Id) -> Option<&mut Alarm>;
}

/// The heap.
pub(crate) struct Timers<'s> {
    heap: &'s mut [u16],
    /// The second part of the heap.
    more: &'s mut [u16],
    len: u16,
}

impl<'s> Timers<'s> {
    /// Makes an empty heap over storage that has a place for each owner.
    pub(crate) const fn new(heap: &'s mut [u16], more: &'s mut [u16]) -> Self {
        Self { heap, more, len: 0 }
    }

    /// Returns the owner with the earliest deadline, or [`Id::NONE`].
    pub(crate) fn first(&self) -> Id {
        if self.len == 0 { Id::NONE } else { self.at(0) }
    }

    /// Returns the owner at a place.
    fn at(&self, place: usize) -> Id {
        let owner = match place.checked_sub(self.heap.len()) {
            None => self.heap.get(place),
            Some(place) => self.more.get(place),
        };
        owner.map_or(Id::NONE, |owner| Id::at(*owner))
    }

    /// Puts an owner at its right place, after it was given a deadline and a sequence number.
    pub(crate) fn arm(&mut self, alarms: &mut impl Alarms, owner: Id) {
        let Some(alarm) = alarms.alarm(owner) else { return };
        let place = match alarm.place.checked_sub(1) {
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
        if let Some(alarm) = alarms.alarm_mut(self.first()) {
            alarm.place = 0;
            self.len = self.len.wrapping_sub(1);
        }
        let last = self.at(self.len.into());
        if self.len == 0 {
            return;
        }
        // The last owner nearly always belongs near the end. So the gap first moves down to a leaf without
        // comparing with it, and the owner rises from there.
        let mut gap = 0;
        while let Some((child, owner)) = self.least_child(alarms, gap) {
            self.put(alarms, gap, owner);
            gap = child;
        }
        self.settle(alarms, gap, last);
    }

    /// Moves the first owner, whose deadline has become later, to its right place.
    pub(crate) fn sink_first(&mut self, alarms: &mut impl Alarms) {
        self.settle(alarms, 0, self.first());
    }

    /// Puts an owner into the gap at `from`, or above or below it, where it belongs.
    fn settle(&mut self, alarms: &mut impl Alarms, from: u16, owner: Id) {
        let Some(&alarm) = alarms.alarm(owner) else { return };
        let mut gap = from;
        while gap > 0 {
            let parent = gap.wrapping_sub(1) >> 1;
            let above = self.at(parent.into());
            if !alarms.alarm(above).is_some_and(|above| alarm.precedes(above)) {
                break;
            }
            self.put(alarms, gap, above);
            gap = parent;
        }
        // An owner that has risen must not sink.
        while gap >= from
            && let Some((child, least)) = self.least_child(alarms, gap)
            && alarms.alarm(least).is_some_and(|least| least.precedes(&alarm))
        {
            self.put(alarms, gap, least);
            gap = child;
        }
        self.put(alarms, gap, owner);
    }

    /// Returns the earlier child of a place: its place and its owner.
    fn least_child(&self, alarms: &impl Alarms, place: u16) -> Option<(u16, Id)> {
        // As `usize`: the children of the last places are beyond a `u16`.
        let first = usize::from(place).wrapping_mul(2).wrapping_add(1);
        let second = first.wrapping_add(1);
        if first >= usize::from(self.len) {
            return None;
        }
        let one = self.at(first);
        if second < usize::from(self.len) {
            let other = self.at(second);
            if let (Some(here), Some(there)) = (alarms.alarm(one), alarms.alarm(other))
                && there.precedes(here)
            {
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
            *held = owner.slot();
        }
        if let Some(alarm) = alarms.alarm_mut(owner) {
            alarm.place = place.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests;
