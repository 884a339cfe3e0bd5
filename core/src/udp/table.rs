//! The table of UDP sockets.

use super::UdpSlot;
use crate::handle::UdpSocket;
use crate::outbox::Pending;
use crate::queue::{Id, Node};
use crate::table::Table;
use crate::{FullError, SetupError, UdpRings};

/// The index of a socket's slot.
pub(crate) type UdpIndex = u16;

pub(crate) struct UdpTable<'s, A> {
    pub(super) slots: Table<'s, UdpSlot<A>>,
    /// The number of the first slot. The slots of all tables are numbered together.
    first: u16,
}

impl<'s, A> UdpTable<'s, A> {
    pub(crate) fn new(slots: &'s mut [UdpSlot<A>], number: &mut u16) -> Self {
        let first = *number;
        Self { slots: Table::new(slots, number), first }
    }

    /// Returns the table with only its first `slots` slots, all free; `None` if the table has fewer slots.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, slots: usize, number: &mut u16) -> Option<Self> {
        let first = *number;
        Some(Self { slots: self.slots.shortened(slots, number)?, first })
    }

    #[cfg(feature = "record")]
    pub(crate) const fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    #[cfg(any(feature = "peaks", test))]
    pub(crate) const fn peak(&self) -> usize {
        self.slots.peak.get()
    }

    #[cfg(any(feature = "peaks", test))]
    pub(crate) const fn reset_peak(&mut self, now: usize) {
        self.slots.peak.reset(now);
    }

    /// Returns the index of the slot with this number; `None` if the slot is not in this table.
    pub(crate) fn index_of(&self, number: u16) -> Option<UdpIndex> {
        let index = number.checked_sub(self.first)?;
        (usize::from(index) < self.slots.capacity()).then_some(index)
    }

    pub(super) const fn id(&self, index: UdpIndex) -> Id {
        Id::at(self.first.wrapping_add(index))
    }

    pub(crate) fn node(&mut self, index: UdpIndex) -> Option<&mut Node> {
        self.slots.slot_mut(index).map(|slot| &mut slot.node)
    }

    pub(crate) fn pending(&mut self, index: UdpIndex) -> Option<&mut Pending> {
        self.slots.slot_mut(index).map(|slot| &mut slot.pending)
    }

    /// Returns the slot of a socket that is not closed.
    pub(super) fn get(&self, socket: UdpSocket) -> Option<&UdpSlot<A>> {
        self.slots.get(socket).filter(|slot| !slot.is_closed())
    }

    pub(super) fn get_mut(&mut self, socket: UdpSocket) -> Option<&mut UdpSlot<A>> {
        self.slots.get_mut(socket).filter(|slot| !slot.is_closed())
    }

    /// Takes a free slot that already has rings of these sizes. If no free slot has such rings, takes a slot that was
    /// never used, and calls `allocate` for the bytes of the rings. O(1), or O(slots) while a slot that was used before
    /// is free.
    pub(super) fn take(
        &mut self,
        rings: UdpRings,
        allocate: impl FnOnce(usize) -> Result<usize, SetupError>,
    ) -> Result<(UdpSocket, &mut UdpSlot<A>), SetupError> {
        let assigned = self.slots.capacity().saturating_sub(self.slots.unassigned());
        if self.slots.len() < assigned {
            for mut index in 0..assigned as u16 {
                let has_rings = |slot: &UdpSlot<A>| slot.rings() == rings;
                if self.slots.at(index).is_none() && self.slots.slot(index).is_some_and(has_rings) {
                    return self.slots.insert_from(&mut index).ok_or(FullError::Udp.into());
                }
            }
        }
        if self.slots.unassigned() == 0 {
            return Err(FullError::Udp.into());
        }
        let start = allocate(rings.bytes())?;
        let mut first = self.slots.split_off(1).ok_or(FullError::Udp)?;
        let (socket, slot) = self.slots.insert_from(&mut first).ok_or(FullError::Udp)?;
        slot.set_rings(start, rings);
        Ok((socket, slot))
    }

    /// Frees a slot. The slot keeps its rings.
    pub(super) fn free_slot(&mut self, index: UdpIndex) {
        // The table has no list of free slots, because `take` searches all slots for a free slot whose rings have the
        // right sizes.
        let mut no_list = u16::MAX;
        self.slots.free_slot_to(&mut no_list, index);
    }
}
