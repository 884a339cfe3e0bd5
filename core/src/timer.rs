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
//! Each table whose slots own timers has a list of its own; the count of armings is common to all,
//! so that they compare. 24 bytes a cell on every target.

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

/// Later than any deadline.
pub(crate) const NEVER: Key = (Instant::MAX, u64::MAX);

/// The heap.
pub(crate) struct Timers<'s> {
    cells: &'s mut [Cell],
    len: usize,
}

impl<'s> Timers<'s> {
    /// Takes the storage over and empties it. As many owners as cells, numbered from zero.
    pub(crate) fn new(cells: &'s mut [Cell]) -> Self {
        cells.iter_mut().for_each(|cell| *cell = Cell::EMPTY);
        Self { cells, len: 0 }
    }

    /// The first cells only, none of them armed; `None` if there are fewer.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, cells: usize) -> Option<Self> {
        self.cells.get_mut(..cells).map(Self::new)
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The earliest deadline, and whose it is.
    pub(crate) fn first(&self) -> (Key, usize) {
        match self.cells.first() {
            Some(cell) if self.len > 0 => (cell.key(), cell.owner as usize),
            _ => (NEVER, 0),
        }
    }

    /// The owner's deadline.
    pub(crate) fn deadline(&self, owner: usize) -> Option<Instant> {
        self.cells.get(self.place(owner)?).map(|cell| cell.deadline)
    }

    /// Whether the owner has a deadline.
    pub(crate) fn is_armed(&self, owner: usize) -> bool {
        self.place(owner).is_some()
    }

    /// Sets the owner's deadline, in place of one it may have.
    pub(crate) fn arm(&mut self, owner: usize, key: Key) {
        if owner >= self.cells.len() {
            debug_assert!(false, "every owner has a cell");
            return;
        }
        let place = self.place(owner).unwrap_or(self.len);
        if place == self.len {
            self.len = self.len.saturating_add(1);
        }
        self.put(place, key, owner);
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
        if let Some(cell) = self.cells.get_mut(owner) {
            cell.place = 0;
        }
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
        let (before, after) = (self.cells.get(a), self.cells.get(b));
        a < self.len && before.map(Cell::key) < after.map(Cell::key)
    }

    /// Exchanges two entries, and tells their owners where they stand.
    fn swap(&mut self, a: usize, b: usize) {
        if let (Some((at_a, of_a)), Some((at_b, of_b))) = (self.entry(a), self.entry(b)) {
            self.put(a, at_b, of_b);
            self.put(b, at_a, of_a);
        }
    }

    fn entry(&self, place: usize) -> Option<(Key, usize)> {
        self.cells.get(place).map(|cell| (cell.key(), cell.owner as usize))
    }

    fn put(&mut self, place: usize, key: Key, owner: usize) {
        if let Some(cell) = self.cells.get_mut(place) {
            ((cell.deadline, cell.order), cell.owner) = (key, owner as u32);
        }
        if let Some(cell) = self.cells.get_mut(owner) {
            cell.place = place.saturating_add(1) as u32;
        }
    }

    fn place(&self, owner: usize) -> Option<usize> {
        (self.cells.get(owner)?.place as usize).checked_sub(1)
    }
}

#[cfg(test)]
mod tests;
