//! The timer heap: the numbers of those who have a deadline, the earliest first.
//!
//! ```text
//!  heap     binary, the earliest first         7 │ 2 │ 9 │ 4 │ …     2 bytes for each owner
//!                                              │
//!  owners   deadline, sequence number, place ◀─┘                     in the owner's slot
//! ```
//!
//! The heap knows its owners through [`Alarms`]. Equal deadlines come due in the order they were
//! armed: each arming takes a sequence number.
//!
//! **A cancelled timer stays in the heap** until it comes first: cancelling is O(1), and nothing piles
//! up, since an owner is in the heap once at most. An owner that arms it again finds its place.
//! Arming is O(log n), and so is taking out the first.

use crate::Instant;

/// The owners of deadlines, known by numbers from zero.
pub(crate) trait Alarms {
    /// The deadline by which an owner stands in the heap.
    fn deadline(&self, owner: u16) -> Instant;

    /// The sequence number of its last arming.
    fn sequence(&self, owner: u16) -> u32;

    /// The owner's place in the heap, plus one; zero while it has none.
    fn place(&self, owner: u16) -> u16;

    fn set_place(&mut self, owner: u16, place: u16);
}

/// The heap.
pub(crate) struct Timers<'s> {
    heap: &'s mut [u16],
    len: u16,
}

impl<'s> Timers<'s> {
    /// Takes the storage over and empties it: a place for each owner.
    pub(crate) const fn new(heap: &'s mut [u16]) -> Self {
        Self { heap, len: 0 }
    }

    /// Returns the owner with the earliest deadline.
    #[inline]
    pub(crate) fn first(&self) -> Option<u16> {
        if self.len == 0 { None } else { self.heap.first().copied() }
    }

    /// Puts an owner, who has just been given a deadline and a sequence number, where it belongs.
    #[inline(never)]
    pub(crate) fn arm(&mut self, alarms: &mut impl Alarms, owner: u16) {
        let place = match alarms.place(owner).checked_sub(1) {
            Some(place) => place,
            None => {
                self.len = self.len.wrapping_add(1);
                self.len.wrapping_sub(1)
            }
        };
        let risen = self.rise(alarms, place, owner);
        if risen == place {
            self.sink(alarms, place, owner);
        } else {
            self.put(alarms, risen, owner);
        }
    }

    /// Takes out the first owner.
    #[inline(never)]
    pub(crate) fn remove_first(&mut self, alarms: &mut impl Alarms) {
        let Some(first) = self.first() else { return };
        alarms.set_place(first, 0);
        self.len = self.len.wrapping_sub(1);
        let last = self.heap.get(usize::from(self.len)).copied().filter(|_| self.len > 0);
        let Some(last) = last else { return };
        // The last one nearly always belongs near the end: the gap goes down to a leaf without
        // looking at it, and it rises from there.
        let mut gap = 0;
        while let Some((child, owner)) = self.least_child(alarms, gap) {
            self.put(alarms, gap, owner);
            gap = child;
        }
        let place = self.rise(alarms, gap, last);
        self.put(alarms, place, last);
    }

    /// Puts the first owner, whose deadline has become later, where it belongs.
    pub(crate) fn sink_first(&mut self, alarms: &mut impl Alarms) {
        if let Some(first) = self.first() {
            self.sink(alarms, 0, first);
        }
    }

    /// Moves those above a gap down, as long as `owner` comes before them. Returns where the gap is.
    fn rise(&mut self, alarms: &mut impl Alarms, mut gap: u16, owner: u16) -> u16 {
        let deadline = alarms.deadline(owner);
        while gap > 0 {
            let parent = gap.wrapping_sub(1) >> 1;
            let Some(&above) = self.heap.get(usize::from(parent)) else { return gap };
            let at = alarms.deadline(above);
            if at < deadline || (at == deadline && !precedes(alarms, owner, above)) {
                return gap;
            }
            self.put(alarms, gap, above);
            gap = parent;
        }
        gap
    }

    /// Puts `owner` into a gap, or below.
    fn sink(&mut self, alarms: &mut impl Alarms, mut gap: u16, owner: u16) {
        let deadline = alarms.deadline(owner);
        while let Some((child, least)) = self.least_child(alarms, gap) {
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
    #[inline(always)]
    fn least_child(&self, alarms: &impl Alarms, place: u16) -> Option<(u16, u16)> {
        // In a wider number: the children of the last places are beyond a `u16`.
        let first = usize::from(place).wrapping_mul(2).wrapping_add(1);
        let second = first.wrapping_add(1);
        let len = usize::from(self.len);
        if first >= len {
            return None;
        }
        let one = *self.heap.get(first)?;
        if second < len
            && let Some(&other) = self.heap.get(second)
        {
            let (here, there) = (alarms.deadline(one), alarms.deadline(other));
            if there < here || (there == here && precedes(alarms, other, one)) {
                return Some((second as u16, other));
            }
        }
        Some((first as u16, one))
    }

    #[inline(always)]
    fn put(&mut self, alarms: &mut impl Alarms, place: u16, owner: u16) {
        if let Some(held) = self.heap.get_mut(usize::from(place)) {
            *held = owner;
        }
        alarms.set_place(owner, place.wrapping_add(1));
    }
}

/// Whether, of two owners with equal deadlines, `owner` was armed before `other`.
///
/// Sequence numbers wrap. Of two timers that are armed more than 2^31 armings apart, for the same
/// microsecond, either may come first.
#[cold]
#[inline(never)]
fn precedes(alarms: &impl Alarms, owner: u16, other: u16) -> bool {
    is_before(alarms.sequence(owner), alarms.sequence(other))
}

/// Whether one sequence number was given before another.
pub(crate) const fn is_before(sequence: u32, other: u32) -> bool {
    sequence.wrapping_sub(other).cast_signed() < 0
}

#[cfg(test)]
mod tests;
