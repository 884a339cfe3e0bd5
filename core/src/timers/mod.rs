//! The timers: the slots that have a deadline, the earliest first.
//!
//! ```text
//!  heap     binary, the earliest first         7 │ 2 │ 9 │ 4 │ …     2 bytes for each owner
//!                                              │
//!  owners   deadline, sequence number, place ◀─┘                     in the owner's slot
//! ```
//!
//! Events and connections have a heap each, so an entry is an index of one table, and a firmware links
//! only the heap it uses. The earlier of both firsts comes first.
//!
//! A heap knows its owners through [`Alarms`]. Equal deadlines come due in the order they were
//! armed: each arming takes a sequence number, one row of numbers for both heaps.
//!
//! **A cancelled timer stays in the heap** until it comes first. Cancelling is O(1), and stale keys do
//! not pile up, because each owner is in the heap at most once: arming it again reuses its place.
//! Arming is O(log n), and so is taking out the first.

use crate::Instant;
use crate::queue::Id;
use crate::tables::{Place, Tables};

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
    pub(crate) const EMPTY: Self = Self::new(Instant::ZERO, 0);

    /// Makes one that is in no heap.
    pub(crate) const fn new(deadline: Instant, sequence: u32) -> Self {
        Self { deadline, sequence, place: 0 }
    }

    /// Returns whether it is in the heap.
    pub(crate) const fn is_placed(&self) -> bool {
        self.place != 0
    }

    /// Returns whether it comes before another.
    ///
    /// Sequence numbers wrap: if two timers for the same microsecond are armed more than 2^31 armings
    /// apart, either may come first.
    #[inline(always)]
    pub(crate) fn precedes(&self, other: &Self) -> bool {
        if self.deadline == other.deadline {
            return self.sequence.wrapping_sub(other.sequence).cast_signed() < 0;
        }
        self.deadline < other.deadline
    }
}

/// The owners of deadlines: a table.
pub(crate) trait Alarms {
    fn alarm(&self, index: u16) -> Option<&Alarm>;

    fn alarm_mut(&mut self, index: u16) -> Option<&mut Alarm>;
}

/// Both heaps.
pub(crate) struct Timers<'s> {
    pub(crate) events: Heap<'s>,
    pub(crate) conns: Heap<'s>,
}

impl<'s> Timers<'s> {
    /// Makes empty heaps over storage that has a place for each owner.
    pub(crate) const fn new(events: &'s mut [u16], conns: &'s mut [u16]) -> Self {
        Self { events: Heap::new(events), conns: Heap::new(conns) }
    }

    /// Returns whether no timer is armed, and none was cancelled that still has its place.
    pub(crate) const fn is_empty(&self) -> bool {
        self.events.len == 0 && self.conns.len == 0
    }

    /// Puts a connection at its right place, after it was given a deadline and a sequence number.
    pub(crate) fn arm<A>(&mut self, tables: &mut Tables<'_, A>, conn: Id) {
        if let Place::Conn(index) = tables.place(conn) {
            self.conns.arm(&mut tables.conns, index);
        }
    }
}

/// The heap of one table.
pub(crate) struct Heap<'s> {
    heap: &'s mut [u16],
    len: u16,
}

impl<'s> Heap<'s> {
    const fn new(heap: &'s mut [u16]) -> Self {
        Self { heap, len: 0 }
    }

    /// Returns the owner with the earliest deadline.
    #[inline]
    pub(crate) fn first(&self) -> Option<u16> {
        if self.len == 0 { None } else { self.heap.first().copied() }
    }

    /// Puts an owner at its right place, after it was given a deadline and a sequence number.
    pub(crate) fn arm(&mut self, alarms: &mut impl Alarms, owner: u16) {
        let Some(&alarm) = alarms.alarm(owner) else { return };
        match usize::from(alarm.place).checked_sub(1) {
            Some(place) => self.settle(alarms, place, owner),
            None => {
                let last = usize::from(self.len);
                self.len = self.len.wrapping_add(1);
                self.rise(alarms, last, owner, &alarm);
            }
        }
    }

    /// Takes out the first owner.
    pub(crate) fn remove_first(&mut self, alarms: &mut impl Alarms) {
        let Some(first) = self.first().and_then(|first| alarms.alarm_mut(first)) else { return };
        first.place = 0;
        self.len = self.len.wrapping_sub(1);
        let len = usize::from(self.len);
        if len == 0 {
            return;
        }
        // The last owner nearly always belongs near the end. So the gap first moves down to a leaf without
        // comparing with it, and the owner rises from there.
        let mut gap = 0;
        while let Some((child, owner)) = self.least_child(alarms, gap) {
            self.put(alarms, gap, owner);
            gap = child;
        }
        let Some(&last) = self.heap.get(len) else { return };
        let Some(&alarm) = alarms.alarm(last) else { return };
        self.rise(alarms, gap, last, &alarm);
    }

    /// Moves the first owner, whose deadline has become later, to its right place.
    pub(crate) fn sink_first(&mut self, alarms: &mut impl Alarms) {
        if let Some(first) = self.first() {
            self.settle(alarms, 0, first);
        }
    }

    /// Puts an owner into the gap at `from`, or above or below it, where it belongs.
    fn settle(&mut self, alarms: &mut impl Alarms, from: usize, owner: u16) {
        let Some(&alarm) = alarms.alarm(owner) else { return };
        let mut gap = from;
        while let Some((child, least)) = self.least_child(alarms, gap)
            && alarms.alarm(least).is_some_and(|least| least.precedes(&alarm))
        {
            self.put(alarms, gap, least);
            gap = child;
        }
        if gap == from {
            self.rise(alarms, gap, owner, &alarm);
        } else {
            self.put(alarms, gap, owner);
        }
    }

    /// Puts an owner into the gap at `gap`, or above it, where it belongs.
    #[inline(always)]
    fn rise(&mut self, alarms: &mut impl Alarms, mut gap: usize, owner: u16, alarm: &Alarm) {
        while gap > 0 {
            let parent = gap.wrapping_sub(1) >> 1;
            let Some(&above) = self.heap.get(parent) else { return };
            if !alarms.alarm(above).is_some_and(|above| alarm.precedes(above)) {
                break;
            }
            self.put(alarms, gap, above);
            gap = parent;
        }
        self.put(alarms, gap, owner);
    }

    /// Returns the earlier child of a place: its place and its owner.
    #[inline(always)]
    fn least_child(&self, alarms: &impl Alarms, place: usize) -> Option<(usize, u16)> {
        let first = place.wrapping_mul(2).wrapping_add(1);
        let second = first.wrapping_add(1);
        let heap = self.heap.get(..usize::from(self.len))?;
        let &one = heap.get(first)?;
        let Some(&other) = heap.get(second) else { return Some((first, one)) };
        let earlier = alarms.alarm(other)?.precedes(alarms.alarm(one)?);
        Some(if earlier { (second, other) } else { (first, one) })
    }

    #[inline(always)]
    fn put(&mut self, alarms: &mut impl Alarms, place: usize, owner: u16) {
        if let Some(held) = self.heap.get_mut(place) {
            *held = owner;
        }
        if let Some(alarm) = alarms.alarm_mut(owner) {
            alarm.place = (place as u16).wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests;
