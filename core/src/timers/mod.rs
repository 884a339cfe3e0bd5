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

/// What an owner of a deadline keeps of it.
#[derive(Clone, Copy)]
pub(crate) struct Alarm {
    /// What the heap goes by. Of an owner that is in no heap it is never read.
    pub(crate) deadline: Instant,
    /// The number of its arming: of equal deadlines, the one armed first comes first.
    pub(crate) sequence: u32,
    /// Its place in the heap, plus one; zero while it has none.
    place: u16,
}

impl Alarm {
    pub(crate) const EMPTY: Self = Self { deadline: Instant::ZERO, sequence: 0, place: 0 };

    /// Whether it stands in the heap.
    pub(crate) const fn is_placed(&self) -> bool {
        self.place != 0
    }

    /// Whether it comes before another.
    ///
    /// Sequence numbers wrap. Of two timers that are armed more than 2^31 armings apart, for the same
    /// microsecond, either may come first.
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
        owner.map_or(Id::NONE, |owner| Id::at(*owner))
    }

    /// Puts an owner, who has just been given a deadline and a sequence number, where it belongs.
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
        // What has risen is not to sink.
        while gap >= from
            && let Some((child, least)) = self.least_child(alarms, gap)
            && alarms.alarm(least).is_some_and(|least| least.precedes(&alarm))
        {
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
