//! The timers: two heaps, each sorted by deadline, the earliest first.
//!
//! ```text
//!  heap     the earliest first                    7 │ 2 │ 9 │ 4 │ …     the slot index of the owner at each position
//!                                                 │
//!  owners   deadline, sequence number, position ◀─┘
//! ```
//!
//! There is one heap for events and one for connections. The owner of a timer is an event or a connection. A heap
//! identifies an owner by the index of the owner's slot in the table of events or of connections. A firmware contains
//! only the code of the heaps that it uses. The next timer is the first timer of one of the two heaps.
//!
//! A [`TimerSlot`] holds two unrelated values. For example, the slot with index 7 holds the deadline of owner 7, and
//! also the index of the owner that is at position 7 of the heap. Both values share a slot, so that one slice holds
//! both without padding.
//!
//! To arm a timer means to set its deadline. Each armed timer gets the next sequence number, and both heaps share these
//! numbers. So timers with equal deadlines become due in the order in which they were armed.
//!
//! **A cancelled timer stays in the heap** until it is the first timer of the heap, and is then removed. So cancelling
//! is O(1). Cancelled timers do not accumulate: each owner is in the heap at most once, and when its timer is armed
//! again, the entry of the cancelled timer is used again. Arming a timer and removing the first timer are O(log n).
//!
//! On a microcontroller, comparisons cost the most, so a heap is binary: each position has two children. On a 64-bit
//! host, reading slots costs the most, so each position has four children.

use core::hint::select_unpredictable;

use crate::Instant;

/// A sort key in a heap: the deadline, then a sequence number.
#[derive(Clone, Copy)]
pub(crate) struct Alarm {
    pub(crate) deadline: Instant,
    /// The sequence number. If two alarms have the same deadline, the alarm that was armed first comes first.
    pub(crate) sequence: usize,
}

impl Alarm {
    /// An alarm that comes before every other alarm. There is one exception: if sequence numbers have wrapped, an alarm
    /// with the deadline zero can come before this alarm.
    pub(crate) const BEFORE_ALL: Self = Self { deadline: Instant::ZERO, sequence: 0 };

    /// Returns whether this alarm comes before `other`.
    ///
    /// Sequence numbers wrap. The order of two timers with the same deadline can be wrong, if more than half of all
    /// sequence numbers (2^31 on a microcontroller) were used after the first timer was armed and before the second
    /// timer was armed.
    #[inline(always)]
    pub(crate) fn precedes(self, other: Self) -> bool {
        let (deadline, before) = (self.deadline.as_micros(), other.deadline.as_micros());
        let (difference, is_earlier) = deadline.overflowing_sub(before);
        is_earlier
            || difference == 0 && self.sequence.wrapping_sub(other.sequence).cast_signed() < 0
    }

    /// Returns deadline and sequence number as one number, to compare them. Only for 64-bit hosts, where
    /// sequence numbers do not wrap.
    #[inline(always)]
    fn key(self) -> u128 {
        u128::from(self.deadline.as_micros()) << 64 | self.sequence as u128
    }
}

/// Room for the timer of one event or connection, in a [`Memory`](crate::memory::Memory).
#[derive(Clone, Copy)]
pub struct TimerSlot {
    // The alarm of the owner whose index is the index of this slot. This alarm is not read before the owner has been
    // armed.
    deadline: Instant,
    sequence: usize,
    /// The owner's position in the heap, plus one; zero while the owner is not in the heap.
    position: u16,
    /// An element of the heap's array. In the slot with index `i`, this field is the index of the owner at position `i`
    /// of the heap.
    owner: u16,
}

impl TimerSlot {
    /// Makes a slot for a timer.
    pub const fn new() -> Self {
        Self { deadline: Instant::ZERO, sequence: 0, position: 0, owner: 0 }
    }

    #[inline(always)]
    const fn alarm(&self) -> Alarm {
        Alarm { deadline: self.deadline, sequence: self.sequence }
    }
}

impl Default for TimerSlot {
    fn default() -> Self {
        Self::new()
    }
}

/// Both heaps.
pub(crate) struct Timers<'s> {
    pub(crate) events: Heap<'s>,
    pub(crate) conns: Heap<'s>,
}

impl<'s> Timers<'s> {
    /// Makes empty heaps. `events` must have a slot for each event, and `conns` must have a slot for each connection.
    pub(crate) fn new(events: &'s mut [TimerSlot], conns: &'s mut [TimerSlot]) -> Self {
        Self { events: Heap::new(events), conns: Heap::new(conns) }
    }

    /// Returns whether no timer is armed, and no cancelled timer is left in the heaps.
    pub(crate) const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.conns.is_empty()
    }
}

/// The number of children of each position in a heap.
const CHILDREN: usize = if size_of::<usize>() == 8 { 4 } else { 2 };

/// The heap of one table.
pub(crate) struct Heap<'s, const N: usize = CHILDREN> {
    slots: &'s mut [TimerSlot],
    len: u16,
}

impl<'s, const N: usize> Heap<'s, N> {
    fn new(slots: &'s mut [TimerSlot]) -> Self {
        // An earlier base that used these slots may have left positions in them.
        slots.iter_mut().for_each(|slot| slot.position = 0);
        Self { slots, len: 0 }
    }

    /// Returns whether no timer is armed, and no cancelled timer is left in the heap.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the owner with the earliest deadline; `None` if the heap is empty. The owner's timer may be cancelled.
    #[inline]
    pub(crate) fn first(&self) -> Option<u16> {
        if self.len == 0 { None } else { self.slots.first().map(|slot| slot.owner) }
    }

    /// Returns the alarm with which an owner was last armed.
    #[inline]
    pub(crate) fn alarm(&self, owner: u16) -> Alarm {
        self.slots.get(usize::from(owner)).map_or(Alarm::BEFORE_ALL, TimerSlot::alarm)
    }

    /// Returns whether an owner is in the heap with a deadline that is not after `deadline`.
    #[inline]
    pub(crate) fn expires_by(&self, owner: u16, deadline: Instant) -> bool {
        let slot = self.slots.get(usize::from(owner));
        slot.is_some_and(|slot| slot.position != 0 && slot.deadline <= deadline)
    }

    /// Sets an owner's alarm, and moves the owner to its position in the heap.
    pub(crate) fn arm(&mut self, owner: u16, alarm: Alarm) {
        let Some(slot) = self.slots.get_mut(usize::from(owner)) else { return };
        (slot.deadline, slot.sequence) = (alarm.deadline, alarm.sequence);
        match usize::from(slot.position).checked_sub(1) {
            Some(position) => self.reposition(position, owner),
            None => {
                let last = self.len;
                self.len = last.wrapping_add(1);
                self.sift_up(last.into(), owner);
            }
        }
    }

    /// Removes the first owner.
    #[inline]
    pub(crate) fn remove_first(&mut self) {
        let Some(first) = self.first() else { return };
        self.len = self.len.wrapping_sub(1);
        let last = self.owner_at(self.len.into()).unwrap_or(first);
        if let Some(slot) = self.slots.get_mut(usize::from(first)) {
            slot.position = 0;
        }
        if self.len > 0 {
            self.reposition(0, last);
        }
    }

    /// Puts an owner into the heap. `gap` is a position from which an owner was removed. The new owner moves from the
    /// gap, up or down, to its position.
    ///
    /// An owner that must move down nearly always ends near a leaf. So the function first moves the gap down to a leaf:
    /// at each level, the earliest child moves up into the gap, without a comparison with the owner. Then the owner
    /// moves up from the leaf to its position.
    #[inline(never)]
    fn reposition(&mut self, mut gap: usize, owner: u16) {
        let len = usize::from(self.len).min(self.slots.len());
        loop {
            let first = gap.wrapping_mul(N).wrapping_add(1);
            if first >= len {
                break;
            }
            let Some((position, earliest)) = self.earliest_of(first, len) else { break };
            self.put(gap, earliest);
            gap = position;
        }
        self.sift_up(gap, owner);
    }

    /// Compares the siblings at position `first` and the next positions. Returns the position and the owner of the
    /// earliest sibling.
    #[inline(always)]
    fn earliest_of(&self, first: usize, len: usize) -> Option<(usize, u16)> {
        if N == 2 { self.earliest_of_two(first, len) } else { self.earliest_of_many(first, len) }
    }

    #[inline(always)]
    fn earliest_of_two(&self, first: usize, len: usize) -> Option<(usize, u16)> {
        let (mut position, mut earliest) = (first, self.owner_at(first)?);
        let other = first.wrapping_add(1);
        if other < len {
            let this = self.owner_at(other)?;
            if self.precedes(this, earliest) {
                (position, earliest) = (other, this);
            }
        }
        Some((position, earliest))
    }

    /// Does the same as [`earliest_of`](Self::earliest_of), for more than two siblings. The comparisons use no
    /// branches, because a processor cannot predict such branches. Four siblings are compared in two independent pairs,
    /// and then the winners are compared.
    #[inline(always)]
    fn earliest_of_many(&self, first: usize, len: usize) -> Option<(usize, u16)> {
        let slots = self.slots.get(first..first.wrapping_add(N).min(len))?;
        let entry = |(number, slot): (usize, &TimerSlot)| {
            (first.wrapping_add(number), slot.owner, self.alarm(slot.owner))
        };
        let earliest = match <&[TimerSlot; N]>::try_from(slots) {
            Ok(all) => {
                let (pairs, _) = all.as_chunks::<2>();
                let pairs = pairs.iter().enumerate().map(|(number, [one, other])| {
                    let number = number.wrapping_mul(2);
                    earlier(entry((number, one)), entry((number.wrapping_add(1), other)))
                });
                pairs.reduce(earlier)?
            }
            Err(_) => slots.iter().enumerate().map(entry).reduce(earlier)?,
        };
        Some((earliest.0, earliest.1))
    }

    /// Puts an owner into the gap at `gap`, and moves the owner up to its position.
    #[inline]
    fn sift_up(&mut self, mut gap: usize, owner: u16) {
        while let Some(last) = gap.checked_sub(1) {
            let parent = last.checked_div(N).unwrap_or(0);
            let Some(above) = self.owner_at(parent).filter(|above| self.precedes(owner, *above))
            else {
                break;
            };
            self.put(gap, above);
            gap = parent;
        }
        self.put(gap, owner);
    }

    /// Returns the owner at a position in the heap.
    #[inline(always)]
    fn owner_at(&self, position: usize) -> Option<u16> {
        self.slots.get(position).map(|slot| slot.owner)
    }

    /// Returns whether `owner` comes before `other`.
    #[inline(always)]
    fn precedes(&self, owner: u16, other: u16) -> bool {
        let owners = (self.slots.get(usize::from(owner)), self.slots.get(usize::from(other)));
        let (Some(owner), Some(other)) = owners else { return false };
        if N > 2 {
            owner.alarm().key() < other.alarm().key()
        } else {
            owner.alarm().precedes(other.alarm())
        }
    }

    #[inline(always)]
    fn put(&mut self, position: usize, owner: u16) {
        if let Some(slot) = self.slots.get_mut(position) {
            slot.owner = owner;
        }
        if let Some(slot) = self.slots.get_mut(usize::from(owner)) {
            slot.position = (position as u16).wrapping_add(1);
        }
    }
}

/// Compares two entries: each is a position with its owner and alarm. Returns the entry with the earlier alarm. Uses no
/// branch.
#[inline(always)]
fn earlier(one: (usize, u16, Alarm), other: (usize, u16, Alarm)) -> (usize, u16, Alarm) {
    let (other_alarm, one_alarm) = (other.2, one.2);
    let is_other = other_alarm.key() < one_alarm.key();
    let alarm = Alarm {
        deadline: select_unpredictable(is_other, other_alarm.deadline, one_alarm.deadline),
        sequence: select_unpredictable(is_other, other_alarm.sequence, one_alarm.sequence),
    };
    let position = select_unpredictable(is_other, other.0, one.0);
    (position, select_unpredictable(is_other, other.1, one.1), alarm)
}

#[cfg(test)]
mod tests;
