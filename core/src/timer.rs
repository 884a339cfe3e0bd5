//! The timer list: a heap of deadlines over the caller's storage.
//!
//! An owner, who is known by a number, has one deadline or none. Deadlines that are equal come due
//! in the order they were armed: a [`Key`] is the deadline and, after it, a count of armings.
//!
//! ```text
//!  heap       4-ary, the earliest first        key │ key │ key │ key │ …
//!                                                     ▲
//!  deadlines  one for each owner               key, armed, place in the heap
//! ```
//!
//! **The heap is behind, never ahead.** Most timers are set again or cancelled long before they
//! pass, and that moves nothing here: the owner's own deadline changes, its key in the heap stays as
//! it is, too early. When such a key comes first, and someone asks, it is put where it belongs, or
//! taken out. An owner has one key in the heap at most, so nothing piles up.
//!
//! Arming later than before and cancelling are O(1). Arming sooner, and each key that comes first,
//! are O(log n). 40 bytes for each owner.

use crate::Instant;

/// What deadlines are ordered by: themselves, and when they were armed. It knows its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    at: Instant,
    /// Armings so far, in the upper 47 bits, and the owner.
    tag: u64,
}

/// Bits for an owner's number: connections have two timers each.
const OWNER: u32 = 17;

impl Key {
    pub(crate) const EMPTY: Self = Self { at: Instant::ZERO, tag: 0 };

    /// Later than any deadline.
    pub(crate) const NEVER: Self = Self { at: Instant::MAX, tag: u64::MAX };

    /// The key of a deadline that is the so manieth to be armed.
    pub(crate) const fn new(at: Instant, arming: u64, owner: usize) -> Self {
        Self { at, tag: arming << OWNER | owner as u64 }
    }

    pub(crate) const fn at(self) -> Instant {
        self.at
    }

    pub(crate) const fn owner(self) -> usize {
        self.tag as usize & ((1 << OWNER) - 1)
    }
}

/// The deadline of one owner.
pub(crate) struct Deadline {
    key: Key,
    /// Place in the heap, plus one; zero while it has none.
    place: u32,
    armed: bool,
}

impl Deadline {
    pub(crate) const EMPTY: Self = Self { key: Key::EMPTY, place: 0, armed: false };
}

/// The timer list.
pub(crate) struct Timers<'s> {
    heap: &'s mut [Key],
    /// Keys in the heap.
    len: usize,
    /// Owners that have a deadline.
    armed: usize,
    deadlines: &'s mut [Deadline],
}

/// Children of a place in the heap.
const CHILDREN: usize = 4;

impl<'s> Timers<'s> {
    /// Takes the storage over and empties it. As many owners as deadlines, numbered from zero, and
    /// as many places in the heap.
    pub(crate) fn new(heap: &'s mut [Key], deadlines: &'s mut [Deadline]) -> Self {
        deadlines.iter_mut().for_each(|deadline| *deadline = Deadline::EMPTY);
        Self { heap, len: 0, armed: 0, deadlines }
    }

    /// The first owners only, none of them armed; `None` if there are fewer.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, owners: usize) -> Option<Self> {
        Some(Self::new(self.heap.get_mut(..owners)?, self.deadlines.get_mut(..owners)?))
    }

    /// How many owners have a deadline.
    pub(crate) const fn armed(&self) -> usize {
        self.armed
    }

    /// Sets the deadline of the key's owner, in place of one it may have.
    pub(crate) fn arm(&mut self, key: Key) {
        let Some(deadline) = self.deadlines.get_mut(key.owner()) else {
            debug_assert!(false, "every owner has a deadline");
            return;
        };
        deadline.key = key;
        let fresh = !core::mem::replace(&mut deadline.armed, true);
        self.armed = self.armed.wrapping_add(fresh.into());
        let place = match (deadline.place as usize).checked_sub(1) {
            Some(place) if self.heap.get(place).is_some_and(|held| *held < key) => return,
            Some(place) => place,
            None => {
                self.len = self.len.wrapping_add(1);
                self.len.wrapping_sub(1)
            }
        };
        self.rise(place, key);
    }

    /// Takes the owner's deadline away, if it has one.
    pub(crate) fn cancel(&mut self, owner: usize) {
        let Some(deadline) = self.deadlines.get_mut(owner) else { return };
        let was_armed = core::mem::take(&mut deadline.armed);
        self.armed = self.armed.wrapping_sub(was_armed.into());
    }

    /// Notes a deadline that another list keeps.
    pub(crate) fn note(&mut self, key: Key) {
        if let Some(deadline) = self.deadlines.get_mut(key.owner()) {
            debug_assert!(!deadline.armed, "a deadline is on one list");
            deadline.key = key;
        }
    }

    /// The deadline the owner has, or had last.
    pub(crate) fn last(&self, owner: usize) -> Key {
        self.deadlines.get(owner).map_or(Key::EMPTY, |deadline| deadline.key)
    }

    /// The owner's deadline.
    pub(crate) fn deadline(&self, owner: usize) -> Option<Instant> {
        self.deadlines.get(owner).filter(|held| held.armed).map(|held| held.key.at())
    }

    /// Whether the owner has a deadline.
    pub(crate) fn is_armed(&self, owner: usize) -> bool {
        self.deadlines.get(owner).is_some_and(|deadline| deadline.armed)
    }

    /// The earliest deadline.
    pub(crate) fn first(&mut self) -> Key {
        while self.len > 0
            && let Some(&first) = self.heap.first()
        {
            let Some(deadline) = self.deadlines.get_mut(first.owner()) else { break };
            if deadline.armed && deadline.key == first {
                return first;
            }
            let mut key = deadline.key;
            if !deadline.armed {
                deadline.place = 0;
                self.len = self.len.wrapping_sub(1);
                match self.heap.get(self.len) {
                    Some(last) if self.len > 0 => key = *last,
                    _ => break,
                }
            }
            self.sink(key);
        }
        Key::NEVER
    }

    /// Puts a key in a free place, or above.
    fn rise(&mut self, mut place: usize, key: Key) {
        loop {
            let parent = place.wrapping_sub(1) / CHILDREN;
            let above = self.heap.get(parent).copied();
            let above = above.filter(|above| place > 0 && key < *above);
            self.put(place, above.unwrap_or(key));
            if above.is_none() {
                return;
            }
            place = parent;
        }
    }

    /// Puts a key in place of the first, or below.
    fn sink(&mut self, key: Key) {
        let mut place = 0;
        loop {
            let child = self.least_child(place);
            let below = child.and_then(|child| self.heap.get(child).copied());
            let below = below.filter(|below| *below < key);
            self.put(place, below.unwrap_or(key));
            match child {
                Some(child) if below.is_some() => place = child,
                _ => return,
            }
        }
    }

    /// Where the earliest key below a place is.
    fn least_child(&self, place: usize) -> Option<usize> {
        let first = place.wrapping_mul(CHILDREN).wrapping_add(1);
        let end = first.wrapping_add(CHILDREN).min(self.len);
        (first..end).reduce(|least, other| if self.precedes(other, least) { other } else { least })
    }

    fn precedes(&self, a: usize, b: usize) -> bool {
        matches!((self.heap.get(a), self.heap.get(b)), (Some(a), Some(b)) if a < b)
    }

    fn put(&mut self, place: usize, key: Key) {
        if let Some(held) = self.heap.get_mut(place) {
            *held = key;
        }
        if let Some(deadline) = self.deadlines.get_mut(key.owner()) {
            deadline.place = place.wrapping_add(1) as u32;
        }
    }
}

#[cfg(test)]
mod tests;
