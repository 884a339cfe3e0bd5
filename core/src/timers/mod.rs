//! The timers: the slots that have a deadline, the earliest first.
//!
//! ```text
//!  heap     the earliest first                 7 │ 2 │ 9 │ 4 │ …     2 bytes for each owner
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
//!
//! A heap is binary on a microcontroller, where comparisons are what counts, and has four children at each
//! place on a desk, where reading slots is.

use core::cell::Cell;

use crate::Instant;

/// What an owner of a deadline keeps in its slot.
#[derive(Clone, Copy)]
pub(crate) struct Alarm {
    /// The sort key in the heap. Never read while the owner is in no heap.
    pub(crate) deadline: Instant,
    /// The sequence number: of equal deadlines, the one armed first comes first.
    pub(crate) sequence: usize,
    /// Its place in the heap, plus one; zero while it has none.
    place: u16,
}

impl Alarm {
    pub(crate) const EMPTY: Self = Self::new(Instant::ZERO, 0);

    /// Comes before every alarm but one that is for the origin of the clock and was armed much later.
    pub(crate) const BEFORE_ALL: Self = Self::EMPTY;

    /// Makes one that is in no heap.
    pub(crate) const fn new(deadline: Instant, sequence: usize) -> Self {
        Self { deadline, sequence, place: 0 }
    }

    /// Returns whether it is in the heap.
    pub(crate) const fn is_placed(&self) -> bool {
        self.place != 0
    }

    /// Returns whether it comes before another.
    #[inline(always)]
    pub(crate) fn precedes(&self, other: &Self) -> bool {
        self.deadline < other.deadline
            || (self.deadline == other.deadline && Self::is_older(self, other))
    }

    /// Returns its deadline and its sequence number as one number. Only for a desk, where sequence numbers do
    /// not wrap.
    #[inline(always)]
    fn wide(&self) -> u128 {
        u128::from(self.deadline.as_micros()) << 64 | self.sequence as u128
    }

    /// Returns whether it was armed before another. Out of line, since equal deadlines are rare.
    ///
    /// Sequence numbers wrap: if two timers for the same microsecond are armed more than half of all
    /// numbers apart, 2^31 on a microcontroller, either may come first.
    #[cold]
    #[inline(never)]
    fn is_older(&self, other: &Self) -> bool {
        self.sequence.wrapping_sub(other.sequence).cast_signed() < 0
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
        self.events.is_empty() && self.conns.is_empty()
    }
}

/// How many places are below each place of a heap.
const CHILDREN: usize = if size_of::<usize>() == 8 { 4 } else { 2 };

/// The heap of one table.
pub(crate) struct Heap<'s, const N: usize = CHILDREN> {
    heap: &'s mut [u16],
    len: u16,
}

impl<'s, const N: usize> Heap<'s, N> {
    const fn new(heap: &'s mut [u16]) -> Self {
        Self { heap, len: 0 }
    }

    /// Returns whether no timer is armed, and none was cancelled that still has its place.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the owner with the earliest deadline.
    #[inline]
    pub(crate) fn first(&self) -> Option<u16> {
        if self.len == 0 { None } else { self.heap.first().copied() }
    }

    /// Puts an owner at its right place, after it was given a deadline and a sequence number.
    #[inline]
    pub(crate) fn arm(&mut self, alarms: &mut impl Alarms, owner: u16) {
        let Some(alarm) = alarms.alarm(owner) else { return };
        let place = match usize::from(alarm.place).checked_sub(1) {
            Some(place) => place,
            None => self.grow(),
        };
        self.settle(alarms, place, owner);
    }

    /// As [`arm`](Self::arm), in fewer steps if the owner has no place.
    #[inline]
    pub(crate) fn arm_quickly(&mut self, alarms: &mut impl Alarms, owner: u16) {
        let Some(&alarm) = alarms.alarm(owner) else { return };
        if alarm.is_placed() {
            self.arm(alarms, owner);
        } else {
            let last = self.grow();
            self.rise(alarms, last, owner, &alarm);
        }
    }

    /// Adds a place. Returns it.
    #[inline]
    fn grow(&mut self) -> usize {
        self.len = self.len.wrapping_add(1);
        usize::from(self.len.wrapping_sub(1))
    }

    /// Takes out the first owner.
    #[inline]
    pub(crate) fn remove_first(&mut self, alarms: &mut impl Alarms) {
        let Some(first) = self.first().and_then(|first| alarms.alarm_mut(first)) else { return };
        first.place = 0;
        self.len = self.len.wrapping_sub(1);
        if let Some(&last) = self.heap.get(usize::from(self.len))
            && self.len > 0
        {
            self.settle(alarms, 0, last);
        }
    }

    /// Puts an owner into a gap, or above or below it, where it belongs.
    ///
    /// An owner that moves down nearly always belongs near the end. So the gap first moves down to a leaf
    /// without a comparison with the owner, which rises from there.
    #[inline(never)]
    fn settle(&mut self, alarms: &mut impl Alarms, mut gap: usize, owner: u16) {
        let Some(heap) = self.heap.get_mut(..usize::from(self.len)) else { return };
        let heap = Cell::from_mut(heap).as_slice_of_cells();
        let (Some(mut hole), Some((_, below))) = (heap.get(gap), heap.split_first()) else {
            return;
        };
        let (children, rest) = below.as_chunks::<N>();
        loop {
            // The last children may be fewer.
            let those = match children.get(gap) {
                Some(children) => &children[..],
                None if gap == children.len() => rest,
                None => break,
            };
            let Some((at, least)) = Self::least(alarms, those) else { break };
            let Some(child) = those.get(at) else { break };
            hole.set(least);
            if let Some(alarm) = alarms.alarm_mut(least) {
                alarm.place = (gap as u16).wrapping_add(1);
            }
            hole = child;
            gap = gap.wrapping_mul(N).wrapping_add(at).wrapping_add(1);
        }
        if let Some(&alarm) = alarms.alarm(owner) {
            self.rise(alarms, gap, owner, &alarm);
        }
    }

    /// Puts an owner into the gap at `gap`, or above it, where it belongs.
    #[inline(always)]
    fn rise(&mut self, alarms: &mut impl Alarms, mut gap: usize, owner: u16, alarm: &Alarm) {
        while gap > 0 {
            let parent = gap.wrapping_sub(1).checked_div(N).unwrap_or(0);
            let Some(&above) = self.heap.get(parent) else { return };
            if !alarms.alarm(above).is_some_and(|above| Self::precedes(alarm, above)) {
                break;
            }
            self.put(alarms, gap, above);
            gap = parent;
        }
        self.put(alarms, gap, owner);
    }

    /// Returns the earliest of the owners below a place: which of them it is, and its index.
    #[inline(always)]
    fn least(alarms: &impl Alarms, owners: &[Cell<u16>]) -> Option<(usize, u16)> {
        let mut owners = (0..N).zip(owners);
        let (mut at, mut least) = owners.next().map(|(at, owner)| (at, owner.get()))?;
        let mut alarm = alarms.alarm(least)?;
        for (other, owner) in owners {
            let owner = owner.get();
            let this = alarms.alarm(owner)?;
            if Self::precedes(this, alarm) {
                (at, least, alarm) = (other, owner, this);
            }
        }
        Some((at, least))
    }

    /// Returns whether an alarm comes before another. With more than two children, which of them is the
    /// earliest cannot be predicted, so they are compared without a branch.
    #[inline(always)]
    fn precedes(alarm: &Alarm, other: &Alarm) -> bool {
        if N > 2 { alarm.wide() < other.wide() } else { alarm.precedes(other) }
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
