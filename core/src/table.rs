//! A table: slots over the caller's storage, with generations and a list of the free ones.
//!
//! ```text
//!  slot 0          slot 1          slot 2          slot 3
//! ┌──────────────┬──────────────┬──────────────┬──────────────┐
//! │ gen 3  value │ gen 4  free ─┼──────────────┼▶ gen 0 free  │   free = 1
//! └──────────────┴──────────────┴──────────────┴──────────────┘
//!   odd: taken     even: free      (gen 1, taken)
//! ```
//!
//! An odd generation means taken, an even one free, so a handle, which always carries an odd one,
//! fits a slot only while its own object lives there. Taking, finding and giving back are O(1).

use crate::handle::Handle;
use crate::peak::Peak;

/// The most slots a table can have: one less than a `u16` counts, for the end of the free list.
const MAX_SLOTS: usize = u16::MAX as usize;
const END: u16 = u16::MAX;

/// What lives in a slot.
pub(crate) trait Resident: Sized {
    /// The kind of handle that names it.
    type Kind;

    /// What a slot starts from. It must be made of zeros, so that a storage in a `static` needs no
    /// room in flash.
    const EMPTY: Self;

    /// Makes the slot empty when it is given back.
    fn vacate(&mut self) {
        *self = Self::EMPTY;
    }
}

/// One slot.
pub(crate) struct Slot<T> {
    generation: u16,
    next_free: u16,
    value: T,
}

impl<T: Resident> Slot<T> {
    pub(crate) const EMPTY: Self = Self { generation: 0, next_free: 0, value: T::EMPTY };
}

/// The slots of one kind.
pub(crate) struct Table<'s, T> {
    slots: &'s mut [Slot<T>],
    free: u16,
    taken: u16,
    /// The most that were taken at once.
    pub(crate) peak: Peak,
}

impl<'s, T: Resident> Table<'s, T> {
    /// Takes the storage over and empties it. Generations go on from where they were, so handles
    /// from an earlier base over the same storage are stale.
    pub(crate) fn new(slots: &'s mut [Slot<T>]) -> Self {
        let usable = slots.len().min(MAX_SLOTS);
        let slots = slots.get_mut(..usable).unwrap_or_default();
        let mut table = Self { slots, free: END, taken: 0, peak: Peak::NONE };
        for index in (0..table.slots.len()).rev() {
            let Some(slot) = table.slots.get_mut(index) else { break };
            slot.generation = slot.generation.wrapping_add(slot.generation & 1);
            slot.value = T::EMPTY;
            slot.next_free = table.free;
            table.free = index as u16;
        }
        table
    }

    /// The table with its first slots only, all of them free; `None` if there are fewer.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, slots: usize) -> Option<Self> {
        self.slots.get_mut(..slots).map(Self::new)
    }

    /// How many slots there are.
    #[cfg(feature = "record")]
    pub(crate) const fn capacity(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.taken)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.free == END
    }

    /// Takes a free slot, which is empty, or says that there is none.
    pub(crate) fn insert(&mut self) -> Option<(Handle<T::Kind>, &mut T)> {
        let index = self.free;
        let slot = self.slots.get_mut(usize::from(index))?;
        debug_assert!(slot.generation & 1 == 0, "a slot on the free list is free");
        slot.generation = slot.generation.wrapping_add(1);
        self.free = slot.next_free;
        self.taken = self.taken.saturating_add(1);
        self.peak.note(self.taken.into());
        Some((Handle::new(index, slot.generation), &mut slot.value))
    }

    /// Gives the slot back; whether the handle fitted it.
    pub(crate) fn remove(&mut self, handle: Handle<T::Kind>) -> bool {
        let free = self.free;
        let Some(slot) = self.slot_mut(handle) else { return false };
        slot.generation = slot.generation.wrapping_add(1);
        slot.value.vacate();
        slot.next_free = free;
        self.free = handle.slot();
        self.taken = self.taken.saturating_sub(1);
        true
    }

    pub(crate) fn get(&self, handle: Handle<T::Kind>) -> Option<&T> {
        let slot = self.slots.get(handle.index())?;
        (slot.generation == handle.generation()).then_some(&slot.value)
    }

    pub(crate) fn get_mut(&mut self, handle: Handle<T::Kind>) -> Option<&mut T> {
        self.slot_mut(handle).map(|slot| &mut slot.value)
    }

    /// What stands at `index`, and the handle that names it, if the slot is taken.
    pub(crate) fn at(&mut self, index: u16) -> Option<(Handle<T::Kind>, &mut T)> {
        let slot = self.slots.get_mut(usize::from(index))?;
        let taken = slot.generation & 1 == 1;
        taken.then_some((Handle::new(index, slot.generation), &mut slot.value))
    }

    /// What stands at `index` in a slot that is on a list, and so is taken.
    pub(crate) fn linked(&mut self, index: u16) -> Option<&mut T> {
        let slot = self.slots.get_mut(usize::from(index))?;
        debug_assert!(slot.generation & 1 == 1, "a slot leaves its lists before it is free");
        Some(&mut slot.value)
    }

    /// Everything that is taken, by its slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle<T::Kind>, &T)> {
        // Counted by a range: what `enumerate` adds up could overflow, for all the compiler knows.
        let slots = (0..=u16::MAX).zip(self.slots.iter());
        let taken = slots.filter(|(_, slot)| slot.generation & 1 == 1);
        taken.map(|(index, slot)| (Handle::new(index, slot.generation), &slot.value))
    }

    fn slot_mut(&mut self, handle: Handle<T::Kind>) -> Option<&mut Slot<T>> {
        let slot = self.slots.get_mut(handle.index())?;
        (slot.generation == handle.generation()).then_some(slot)
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::Event;

    impl Resident for u32 {
        type Kind = crate::handle::kind::Event;
        const EMPTY: Self = 0;
    }

    const FREE: Slot<u32> = Slot::EMPTY;

    fn insert(table: &mut Table<'_, u32>, value: u32) -> Option<Event> {
        table.insert().map(|(handle, slot)| {
            *slot = value;
            handle
        })
    }

    #[test]
    fn a_full_table_refuses_and_keeps_what_it_has() {
        let mut slots = [FREE; 2];
        let mut table = Table::new(&mut slots);
        let (a, b) = (insert(&mut table, 1).unwrap(), insert(&mut table, 2).unwrap());
        assert!(table.is_full() && insert(&mut table, 3).is_none());
        assert_eq!((table.get(a), table.get(b), table.len()), (Some(&1), Some(&2), 2));
    }

    #[test]
    fn a_handle_does_not_fit_the_next_tenant() {
        let mut slots = [FREE; 1];
        let mut table = Table::new(&mut slots);
        let first = insert(&mut table, 1).unwrap();
        assert!(table.remove(first));
        assert!(!table.remove(first), "a second free is refused");
        let second = insert(&mut table, 2).unwrap();
        assert_eq!((table.get(first), table.get(second)), (None, Some(&2)));
        assert!(!table.remove(first), "a stale handle frees nobody else");
        assert_eq!(table.get(second), Some(&2));
    }

    #[test]
    fn an_empty_table_is_full() {
        let mut table: Table<'_, u32> = Table::new(&mut []);
        assert!(table.is_full() && insert(&mut table, 1).is_none());
    }

    #[test]
    fn a_second_base_over_the_same_storage_knows_no_old_handle() {
        let mut slots = [FREE; 1];
        let old = insert(&mut Table::new(&mut slots), 1).unwrap();
        let mut table = Table::new(&mut slots);
        assert_eq!(table.get(old), None);
        let new = insert(&mut table, 2).unwrap();
        assert_eq!((table.get(old), table.get(new)), (None, Some(&2)));
    }

    #[test]
    fn the_last_index_a_handle_can_carry_works() {
        extern crate std;
        let mut slots = std::vec::Vec::new();
        slots.resize_with(70_000, || FREE);
        let mut table = Table::new(&mut slots);
        let mut last: Option<Event> = None;
        while let Some(handle) = insert(&mut table, 7) {
            last = Some(handle);
        }
        let last = last.unwrap();
        assert_eq!((last.index(), table.len(), table.get(last)), (65_534, 65_535, Some(&7)));
    }
}
