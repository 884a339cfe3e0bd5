//! A table: slots in the caller's storage, with generations and a list of free slots.
//!
//! ```text
//!  slot 0          slot 1          slot 2          slot 3
//! ┌──────────────┬──────────────┬──────────────┬──────────────┐
//! │ gen 3  value │ gen 4  free ─┼──────────────┼▶ gen 0 free  │   free = 1
//! └──────────────┴──────────────┴──────────────┴──────────────┘
//!   odd: taken     even: free      (gen 1, taken)
//! ```
//!
//! A taken slot has an odd generation, and a free slot has an even generation. A handle contains the generation that
//! the slot had when the object was made. When the object is freed, the generation of the slot changes, so the handle
//! does not match the slot any more. Taking, finding and freeing a slot are O(1).

use crate::handle::Handle;
use crate::peak::Peak;
use crate::queue::Id;

/// The maximum number of slots of a table. The index `u16::MAX` is not a slot: it is the end of the free list.
pub(crate) const MAX_SLOTS: u16 = u16::MAX;
const END: u16 = u16::MAX;

/// The word of each slot that the table uses itself. The upper half is the generation. While the slot is taken, the
/// lower half is the index of this slot. While the slot is free, the lower half is the index of the next free slot. So
/// the word of a taken slot is equal to the bits of its handle, and one comparison is enough to check a handle.
#[derive(Clone, Copy)]
pub(crate) struct Head(u32);

impl Head {
    pub(crate) const EMPTY: Self = Self(0);

    const fn new(generation: u16, low: u16) -> Self {
        Self((generation as u32) << 16 | low as u32)
    }

    const fn generation(self) -> u16 {
        self.0.wrapping_shr(16) as u16
    }

    /// Returns the handle of the slot, which must be taken.
    pub(crate) const fn handle<K>(self) -> Handle<K> {
        Handle::from_bits(self.0)
    }

    const fn next_free(self) -> u16 {
        self.0 as u16
    }

    const fn is_taken(self) -> bool {
        self.generation() & 1 == 1
    }

    fn is_of<K>(self, handle: Handle<K>) -> bool {
        self.0 == handle.bits()
    }
}

/// A slot of a table, with its contents.
pub(crate) trait Slot: Sized {
    /// The kind of handle that identifies the slot.
    type Kind;

    /// The initial value of a slot. It must be all zeros, so that a storage in a `static` takes no
    /// flash.
    const EMPTY: Self;

    fn head(&self) -> &Head;

    fn head_mut(&mut self) -> &mut Head;

    /// Clears the state that an earlier base has left in the slot, so that the slot does not seem to be on a list or in
    /// a heap.
    fn renew(&mut self);
}

/// The slots for objects of one kind.
pub(crate) struct Table<'s, T> {
    slots: &'s mut [T],
    free: u16,
    taken: u16,
    /// The highest number of taken slots.
    pub(crate) peak: Peak,
}

impl<'s, T: Slot> Table<'s, T> {
    /// Makes an empty table that uses `slots`. Generations continue from their old values, so the handles of an earlier
    /// base with the same storage are stale.
    ///
    /// `number` is the number of slots in all tables that were made for the base before this table. The function adds
    /// the slots of this table to `number`. If `number` would exceed 65,535, the table does not use all of its slots.
    pub(crate) fn new(slots: &'s mut [T], number: &mut u16) -> Self {
        let usable = slots.len().min(usize::from(MAX_SLOTS.wrapping_sub(*number)));
        *number = number.wrapping_add(usable as u16);
        let slots = slots.get_mut(..usable).unwrap_or_default();
        let mut table = Self { slots, free: END, taken: 0, peak: Peak::NONE };
        for index in (0..table.slots.len()).rev() {
            let Some(slot) = table.slots.get_mut(index) else { break };
            slot.renew();
            let generation = slot.head().generation();
            let generation = generation.wrapping_add(generation & 1);
            *slot.head_mut() = Head::new(generation, table.free);
            table.free = index as u16;
        }
        table
    }

    /// Returns the table with only its first `slots` slots, all free; `None` if the table has fewer slots.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, slots: usize, number: &mut u16) -> Option<Self> {
        self.slots.get_mut(..slots).map(|slots| Self::new(slots, number))
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.taken)
    }

    /// Takes a free slot; `None` if no slot is free. The slot still has the values of its last object, so the caller
    /// must set all fields.
    pub(crate) fn insert(&mut self) -> Option<(Handle<T::Kind>, &mut T)> {
        let Self { slots, free, taken, peak } = self;
        take(slots, free, taken, peak)
    }

    /// Takes a free slot like [`insert`](Self::insert), but from a separate part of the table. `free` is the index of
    /// the part's first free slot.
    pub(crate) fn insert_from(&mut self, free: &mut u16) -> Option<(Handle<T::Kind>, &mut T)> {
        let Self { slots, taken, peak, .. } = self;
        take(slots, free, taken, peak)
    }

    /// Takes the first `slots` free slots as a separate part, with its own free list. Returns the index of the first of
    /// these slots; `None` if there are fewer free slots. A table is either divided into parts or used as a whole.
    pub(crate) fn split_off(&mut self, slots: usize) -> Option<u16> {
        if slots > self.unassigned() {
            return None;
        }
        let first = self.free;
        let Some(others) = slots.checked_sub(1) else { return Some(END) };
        let head = self.slots.get_mut(usize::from(first).checked_add(others)?)?.head_mut();
        self.free = head.next_free();
        *head = Head::new(head.generation(), END);
        Some(first)
    }

    /// Returns the number of slots that are in no part yet. Call it only for a table that is divided into parts.
    pub(crate) fn unassigned(&self) -> usize {
        if self.free == END { 0 } else { self.slots.len().saturating_sub(self.free.into()) }
    }

    /// Frees the slot of a handle. Returns `false` and changes nothing if the handle is stale.
    pub(crate) fn remove(&mut self, handle: Handle<T::Kind>) -> bool {
        let fits = self.get(handle).is_some();
        if fits {
            self.free_slot(handle.slot());
        }
        fits
    }

    /// Frees the slot at `index`, which must be taken.
    pub(crate) fn free_slot(&mut self, index: u16) {
        let mut free = self.free;
        self.free_slot_to(&mut free, index);
        self.free = free;
    }

    /// Frees a slot like [`free_slot`](Self::free_slot), but adds it to the free list of a separate part of the table.
    /// `free` is the index of the part's first free slot.
    pub(crate) fn free_slot_to(&mut self, free: &mut u16, index: u16) {
        let Some(slot) = self.slots.get_mut(usize::from(index)) else { return };
        let head = slot.head_mut();
        debug_assert!(head.is_taken(), "only a taken slot can be freed");
        *head = Head::new(head.generation().wrapping_add(1), *free);
        *free = index;
        self.taken = self.taken.wrapping_sub(1);
    }

    #[inline]
    pub(crate) fn get(&self, handle: Handle<T::Kind>) -> Option<&T> {
        let slot = self.slots.get(handle.index())?;
        slot.head().is_of(handle).then_some(slot)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle<T::Kind>) -> Option<&mut T> {
        let slot = self.slots.get_mut(handle.index())?;
        slot.head().is_of(handle).then_some(slot)
    }

    /// Returns the slot at `index` and its handle, if the slot is taken.
    #[inline]
    pub(crate) fn at(&mut self, index: u16) -> Option<(Handle<T::Kind>, &mut T)> {
        let slot = self.slots.get_mut(usize::from(index))?;
        let head = *slot.head();
        head.is_taken().then_some((head.handle(), slot))
    }

    /// Returns the slot at `index`, taken or not.
    #[inline]
    pub(crate) fn slot(&self, index: u16) -> Option<&T> {
        self.slots.get(usize::from(index))
    }

    /// Returns the slot at `index`, taken or not.
    #[inline]
    pub(crate) fn slot_mut(&mut self, index: u16) -> Option<&mut T> {
        self.slots.get_mut(usize::from(index))
    }

    /// Returns the slot with the number `id`, taken or not. Call it only for the table of events. The slots of all
    /// tables are numbered together, and the events come first. So the number of an event's slot is equal to its index
    /// in the table of events. For the other tables, the number and the index differ.
    #[inline(always)]
    pub(crate) fn by_id(&mut self, id: Id) -> Option<&mut T> {
        self.slots.get_mut(id.index())
    }

    /// Returns the number of slots.
    pub(crate) const fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Returns all taken slots, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle<T::Kind>, &T)> {
        let taken = self.slots.iter().filter(|slot| slot.head().is_taken());
        taken.map(|slot| (slot.head().handle(), slot))
    }
}

/// Takes the first slot of a free list.
fn take<'t, T: Slot>(
    slots: &'t mut [T],
    free: &mut u16,
    taken: &mut u16,
    peak: &mut Peak,
) -> Option<(Handle<T::Kind>, &'t mut T)> {
    let index = *free;
    let slot = slots.get_mut(usize::from(index))?;
    let head = slot.head_mut();
    debug_assert!(!head.is_taken(), "a slot on the free list is free");
    *free = head.next_free();
    *head = Head::new(head.generation().wrapping_add(1), index);
    let handle = head.handle();
    *taken = taken.saturating_add(1);
    peak.update((*taken).into());
    Some((handle, slot))
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::Event;

    pub(super) struct Number {
        pub(super) value: u32,
        head: Head,
    }

    impl Slot for Number {
        type Kind = crate::handle::kind::Event;
        const EMPTY: Self = Self { value: 0, head: Head::EMPTY };

        fn head(&self) -> &Head {
            &self.head
        }

        fn head_mut(&mut self) -> &mut Head {
            &mut self.head
        }

        fn renew(&mut self) {}
    }

    const FREE: Number = Slot::EMPTY;

    fn insert(table: &mut Table<'_, Number>, value: u32) -> Option<Event> {
        table.insert().map(|(handle, slot)| {
            slot.value = value;
            handle
        })
    }

    fn get(table: &Table<'_, Number>, handle: Event) -> Option<u32> {
        table.get(handle).map(|slot| slot.value)
    }

    #[test]
    fn a_full_table_adds_nothing_and_keeps_its_objects() {
        let mut slots = [FREE; 2];
        let mut table = Table::new(&mut slots, &mut 0);
        let (a, b) = (insert(&mut table, 1).unwrap(), insert(&mut table, 2).unwrap());
        assert!(insert(&mut table, 3).is_none());
        assert_eq!((get(&table, a), get(&table, b), table.len()), (Some(1), Some(2), 2));
    }

    #[test]
    fn a_handle_is_stale_for_the_next_object_of_its_slot() {
        let mut slots = [FREE; 1];
        let mut table = Table::new(&mut slots, &mut 0);
        let first = insert(&mut table, 1).unwrap();
        assert!(table.remove(first));
        assert!(!table.remove(first), "a second free is refused");
        let second = insert(&mut table, 2).unwrap();
        assert_eq!((get(&table, first), get(&table, second)), (None, Some(2)));
        assert!(!table.remove(first), "a stale handle frees no other object");
        assert_eq!(get(&table, second), Some(2));
    }

    #[test]
    fn an_empty_table_is_full() {
        let mut table: Table<'_, Number> = Table::new(&mut [], &mut 0);
        assert!(insert(&mut table, 1).is_none());
    }

    #[test]
    fn handles_of_an_earlier_base_with_the_same_storage_are_stale() {
        let mut slots = [FREE; 1];
        let old = insert(&mut Table::new(&mut slots, &mut 0), 1).unwrap();
        let mut table = Table::new(&mut slots, &mut 0);
        assert_eq!(get(&table, old), None);
        let new = insert(&mut table, 2).unwrap();
        assert_eq!((get(&table, old), get(&table, new)), (None, Some(2)));
    }

    #[test]
    fn the_highest_index_of_a_handle_works() {
        extern crate std;
        let mut slots = std::vec::Vec::new();
        slots.resize_with(70_000, || FREE);
        let mut table = Table::new(&mut slots, &mut 0);
        let mut last: Option<Event> = None;
        while let Some(handle) = insert(&mut table, 7) {
            last = Some(handle);
        }
        let last = last.unwrap();
        assert_eq!((last.index(), table.len(), get(&table, last)), (65_534, 65_535, Some(7)));
    }
}
