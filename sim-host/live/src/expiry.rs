//! An expiry queue: entries with a key and a deadline, the oldest first.
//!
//! ```text
//!  oldest ─▶ key 2 ─▶ key 0 ─▶ key 5 ◀─ newest        keys 1, 3, 4 are free
//! ```
//!
//! All entries last equally long, so a new one goes to the end and the queue stays in order. Every
//! operation is O(1); memory grows to the largest number of entries at once, and is not freed.

use picoevent::Instant;

/// The key of an entry, valid until the entry is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(usize);

impl Key {
    /// Returns the key's place in the table.
    pub(super) const fn place(self) -> usize {
        self.0
    }
}

/// The queue.
pub(super) struct ExpiryQueue<T> {
    entries: Vec<Entry<T>>,
    free: Vec<usize>,
    oldest: Option<usize>,
    newest: Option<usize>,
    len: usize,
}

struct Entry<T> {
    value: Option<T>,
    deadline: Instant,
    older: Option<usize>,
    newer: Option<usize>,
}

impl<T> ExpiryQueue<T> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), oldest: None, newest: None, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Returns the deadline of the oldest entry.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.oldest.map(|place| self.entries[place].deadline)
    }

    /// Returns the key that the next entry will get.
    pub(super) fn next_key(&self) -> Key {
        Key(self.free.last().copied().unwrap_or(self.entries.len()))
    }

    /// Adds an entry at the end. Its deadline must not be before those given earlier.
    pub(super) fn insert(&mut self, value: T, deadline: Instant) -> Key {
        let entry = Entry { value: Some(value), deadline, older: None, newer: None };
        let place = match self.free.pop() {
            Some(place) => {
                self.entries[place] = entry;
                place
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        self.join(place);
        self.len += 1;
        Key(place)
    }

    /// Returns the entry in a place.
    pub(super) fn at(&mut self, place: usize) -> Option<(Key, &mut T)> {
        let value = self.entries.get_mut(place)?.value.as_mut()?;
        Some((Key(place), value))
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, Key(place): Key) -> Option<T> {
        let value = self.entries.get_mut(place)?.value.take()?;
        self.leave(place);
        self.free.push(place);
        self.len -= 1;
        Some(value)
    }

    /// Removes the oldest entry, even if it is not due.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.remove(Key(self.oldest?))
    }

    /// Removes the oldest entry if it is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<T> {
        self.deadline().filter(|deadline| *deadline <= now).and_then(|_| self.pop())
    }

    /// Links a place at the end of the queue.
    fn join(&mut self, place: usize) {
        let before = self.newest.replace(place);
        (self.entries[place].older, self.entries[place].newer) = (before, None);
        match before {
            Some(before) => self.entries[before].newer = Some(place),
            None => self.oldest = Some(place),
        }
    }

    /// Unlinks a place from the queue.
    fn leave(&mut self, place: usize) {
        let (older, newer) = (self.entries[place].older, self.entries[place].newer);
        match older {
            Some(older) => self.entries[older].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.entries[newer].older = older,
            None => self.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn the_oldest_goes_first_and_only_when_due() {
        let mut queue = ExpiryQueue::new();
        queue.insert('a', at(10));
        queue.insert('b', at(20));
        assert_eq!((queue.deadline(), queue.pop_due(at(9))), (Some(at(10)), None));
        assert_eq!((queue.pop_due(at(10)), queue.pop_due(at(10))), (Some('a'), None));
        assert_eq!((queue.pop(), queue.pop(), queue.deadline()), (Some('b'), None, None));
    }

    #[test]
    fn any_can_go_sooner() {
        let mut queue = ExpiryQueue::new();
        let keys = ['a', 'b', 'c', 'd'].map(|value| queue.insert(value, at(1)));
        assert_eq!((queue.remove(keys[1]), queue.remove(keys[1])), (Some('b'), None));
        assert_eq!(queue.remove(keys[3]), Some('d'));
        let rest: Vec<char> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(rest, ['a', 'c']);
    }

    #[test]
    fn places_are_used_again() {
        let mut queue = ExpiryQueue::new();
        for round in 0..100 {
            let expected = queue.next_key();
            let key = queue.insert(round, at(round));
            assert_eq!(key, expected);
            assert_eq!(queue.at(key.place()), Some((key, &mut { round })));
            queue.remove(key);
            assert_eq!(queue.at(key.place()), None);
            assert_eq!(queue.len(), 0);
        }
        assert_eq!(queue.entries.len(), 1);
    }
}
