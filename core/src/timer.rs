//! The timer list: a binary heap of deadlines over the caller's storage.
//!
//! An owner, who is known by a number, has one deadline or none. Arming and cancelling are
//! O(log n), the next deadline is O(1), and equal deadlines come due in the order they were armed:
//! the key is the deadline and, after it, a count of armings.
//!
//! ```text
//!  cell k:  heap entry k { deadline, order, owner }   +   place of owner k in the heap, plus one
//! ```
//!
//! The cells come in two slices, one for each table whose slots own timers; this module joins them
//! to one numbering. 24 bytes a cell on every target.

use crate::Instant;

/// One place of the heap, and where in the heap the owner of the same number stands.
pub(crate) struct Cell {
    deadline: Instant,
    order: u64,
    owner: u32,
    /// Place of this owner's entry, plus one; zero while it has none.
    place: u32,
}

impl Cell {
    pub(crate) const EMPTY: Self = Self { deadline: Instant::ZERO, order: 0, owner: 0, place: 0 };

    fn key(&self) -> Key {
        (self.deadline, self.order)
    }
}

/// What deadlines are ordered by: themselves, and when they were armed.
pub(crate) type Key = (Instant, u64);

/// The heap.
pub(crate) struct Timers<'s> {
    head: &'s mut [Cell],
    tail: &'s mut [Cell],
    len: usize,
    armings: u64,
}

impl<'s> Timers<'s> {
    /// Takes the storage over and empties it. Owners `0..head.len()` have their cells in `head`,
    /// the following ones in `tail`.
    pub(crate) fn new(head: &'s mut [Cell], tail: &'s mut [Cell]) -> Self {
        head.iter_mut().chain(tail.iter_mut()).for_each(|cell| *cell = Cell::EMPTY);
        Self { head, tail, len: 0, armings: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The earliest deadline, when it was armed, and whose it is.
    pub(crate) fn first(&self) -> Option<(Key, usize)> {
        if self.len == 0 {
            None
        } else {
            self.cell(0).map(|cell| (cell.key(), cell.owner as usize))
        }
    }

    /// The next number in the order of armings, for those who keep deadlines of their own.
    pub(crate) const fn count_arming(&mut self) -> u64 {
        self.armings = self.armings.wrapping_add(1);
        self.armings
    }

    /// The owner's deadline.
    pub(crate) fn deadline(&self, owner: usize) -> Option<Instant> {
        self.cell(self.place(owner)?).map(|cell| cell.deadline)
    }

    /// Sets the owner's deadline, in place of one it may have.
    pub(crate) fn arm(&mut self, owner: usize, deadline: Instant) {
        let place = match self.place(owner) {
            Some(place) => place,
            None => {
                let place = self.len;
                if self.cell(owner).is_none() || self.cell(place).is_none() {
                    debug_assert!(false, "every owner has a cell");
                    return;
                }
                self.len = self.len.saturating_add(1);
                place
            }
        };
        let order = self.count_arming();
        if let Some(cell) = self.cell_mut(place) {
            (cell.deadline, cell.order, cell.owner) = (deadline, order, owner as u32);
        }
        self.set_place(owner, Some(place));
        self.settle(place);
    }

    /// Takes the owner's deadline away; whether it had one.
    pub(crate) fn cancel(&mut self, owner: usize) -> bool {
        let Some(place) = self.place(owner) else { return false };
        self.len = self.len.saturating_sub(1);
        let last = self.len;
        if place != last {
            self.swap(place, last);
            self.settle(place);
        }
        self.set_place(owner, None);
        true
    }

    /// Moves the entry at `place` up or down to where it belongs.
    fn settle(&mut self, mut place: usize) {
        while place > 0 {
            let parent = place.saturating_sub(1) >> 1;
            if !self.precedes(place, parent) {
                break;
            }
            self.swap(place, parent);
            place = parent;
        }
        loop {
            let left = place.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            let least = if self.precedes(right, left) { right } else { left };
            if !self.precedes(least, place) {
                break;
            }
            self.swap(place, least);
            place = least;
        }
    }

    /// Whether the entry at `a` exists and comes due before the one at `b`.
    fn precedes(&self, a: usize, b: usize) -> bool {
        if a >= self.len {
            return false;
        }
        match (self.cell(a), self.cell(b)) {
            (Some(a), Some(b)) => a.key() < b.key(),
            _ => false,
        }
    }

    /// Exchanges two entries, and tells their owners where they stand.
    fn swap(&mut self, a: usize, b: usize) {
        let Some((at_a, of_a)) = self.entry(a) else { return };
        let Some((at_b, of_b)) = self.entry(b) else { return };
        self.put(a, at_b, of_b);
        self.put(b, at_a, of_a);
    }

    fn entry(&self, place: usize) -> Option<(Key, u32)> {
        self.cell(place).map(|cell| (cell.key(), cell.owner))
    }

    fn put(&mut self, place: usize, key: Key, owner: u32) {
        if let Some(cell) = self.cell_mut(place) {
            ((cell.deadline, cell.order), cell.owner) = (key, owner);
        }
        self.set_place(owner as usize, Some(place));
    }

    fn place(&self, owner: usize) -> Option<usize> {
        (self.cell(owner)?.place as usize).checked_sub(1)
    }

    fn set_place(&mut self, owner: usize, place: Option<usize>) {
        if let Some(cell) = self.cell_mut(owner) {
            cell.place = place.map_or(0, |place| place.saturating_add(1) as u32);
        }
    }

    fn cell(&self, at: usize) -> Option<&Cell> {
        match at.checked_sub(self.head.len()) {
            None => self.head.get(at),
            Some(at) => self.tail.get(at),
        }
    }

    fn cell_mut(&mut self, at: usize) -> Option<&mut Cell> {
        match at.checked_sub(self.head.len()) {
            None => self.head.get_mut(at),
            Some(at) => self.tail.get_mut(at),
        }
    }
}

#[cfg(test)]
mod tests;
