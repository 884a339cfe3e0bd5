//! The slots for subscriptions and for unacknowledged messages. A message has a slot from `publish` until the broker
//! has completely acknowledged it. The store is a byte array with the content of the slots: a subscription's filter, or
//! a message.
//!
//! ```text
//!   slots   │ 7 released │ 3 sub │ 8 sent   │ 9 new │            in the order of the calls, but
//!   store   │            │ a/+   │ message  │ mess… │ free       released messages come first
//! ```

use core::cell::Cell;

use crate::client::ClientMut;
use crate::event::PacketId;
use crate::message::OnMessage;
use crate::wire::{Qos, Writer, record_qos};

/// A subscription, or an unacknowledged message.
pub(crate) struct Slot<A> {
    /// The function of a subscription.
    pub(crate) call: Option<OnMessage<A>>,
    pub(crate) id: u16,
    /// The number of bytes of the slot's content in the store.
    pub(crate) len: u16,
    pub(crate) state: SlotState,
}

/// The state of a subscription or a message on the current connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// A message that was not sent yet.
    New,
    /// A message that was sent on an earlier connection, to be retransmitted.
    Retransmit,
    /// A message that was sent.
    Sent,
    /// The broker has received a message with [`Qos::Two`]. A PUBREL is to be sent.
    Release,
    /// A PUBREL was sent.
    Released,
    /// A SUBSCRIBE is to be sent.
    Subscribe,
    Subscribing,
    Subscribed,
    /// A SUBSCRIBE or an UNSUBSCRIBE was sent. After its answer, another SUBSCRIBE is to be sent.
    Changed,
    /// A SUBSCRIBE or an UNSUBSCRIBE was sent. After its answer, the subscription is to be ended.
    Cancelled,
    /// An UNSUBSCRIBE is to be sent.
    Unsubscribe,
    Unsubscribing,
}

impl SlotState {
    /// Returns whether the message counts toward the broker's receive maximum.
    const fn is_in_flight(self) -> bool {
        matches!(self, Self::Sent | Self::Release | Self::Released)
    }

    /// Returns whether a SUBSCRIBE or an UNSUBSCRIBE was sent and not answered.
    pub(crate) const fn is_unanswered(self) -> bool {
        matches!(self, Self::Subscribing | Self::Changed | Self::Cancelled | Self::Unsubscribing)
    }

    /// Returns the state after the end of a connection.
    const fn after_end(self) -> Self {
        match self {
            Self::Sent => Self::Retransmit,
            Self::Released => Self::Release,
            Self::Subscribing | Self::Changed => Self::Subscribe,
            Self::Cancelled | Self::Unsubscribing => Self::Unsubscribe,
            other => other,
        }
    }
}

impl<A> Slot<A> {
    pub(crate) const FREE: Self = Self { call: None, id: 0, len: 0, state: SlotState::New };
}

/// The reason why no slot was taken.
pub(crate) enum InsertError {
    Full,
    TooLong,
    Invalid,
}

impl<A> ClientMut<'_, A> {
    /// Returns the slots in use.
    pub(crate) fn used_slots(&mut self) -> &mut [Slot<A>] {
        self.slots.get_mut(..usize::from(self.state.used)).unwrap_or_default()
    }

    /// Returns the number of bytes of the store that belong to the slots before `index`.
    pub(crate) fn stored_before(&self, index: usize) -> usize {
        stored(self.slots, index)
    }

    /// Returns the bytes of a slot.
    pub(crate) fn record(&self, index: usize) -> &[u8] {
        record(self.slots, self.store, index)
    }

    /// Returns the index of the subscription with this filter, even if the subscription is being ended.
    pub(crate) fn subscription(&self, filter: &str) -> Option<usize> {
        (0..self.used()).find(|index| {
            self.slots.get(*index).is_some_and(|slot| slot.call.is_some())
                && filter_of(self.record(*index)) == filter.as_bytes()
        })
    }

    /// Changes the function and the options of a subscription, and schedules a SUBSCRIBE with the identifier of the
    /// slot. If the previous request for the filter is not answered yet, the SUBSCRIBE is sent after the answer.
    /// Returns the identifier.
    pub(crate) fn change(&mut self, index: usize, call: OnMessage<A>, options: u8) -> PacketId {
        let start = self.stored_before(index);
        if let Some(target) = self.store.get_mut(start) {
            *target = options;
        }
        let Some(slot) = self.slots.get_mut(index) else { return PacketId(0) };
        slot.call = Some(call);
        slot.state =
            if slot.state.is_unanswered() { SlotState::Changed } else { SlotState::Subscribe };
        PacketId(slot.id)
    }

    /// Takes a slot, and stores the bytes that `write` writes.
    pub(crate) fn insert(
        &mut self,
        state: SlotState,
        call: Option<OnMessage<A>>,
        write: &dyn Fn(&mut Writer<'_>),
    ) -> Result<PacketId, InsertError> {
        let len = Writer::count(write).ok_or(InsertError::Invalid)?;
        if len > self.store.len() || self.slots.is_empty() {
            return Err(InsertError::TooLong);
        }
        let id = self.free_id();
        let start = self.stored();
        let room = self.store.get_mut(start..).unwrap_or_default();
        let free = self.slots.get_mut(usize::from(self.state.used));
        let Some(slot) = free.filter(|_| room.len() >= len) else {
            self.state.waits_for_slot = true;
            return Err(InsertError::Full);
        };
        write(&mut Writer::new(room));
        *slot = Slot { call, id, len: len as u16, state };
        self.state.used = self.state.used.saturating_add(1);
        self.state.last_id = id;
        Ok(PacketId(id))
    }

    /// Returns an identifier that is not in use.
    fn free_id(&mut self) -> u16 {
        let mut id = self.state.last_id;
        loop {
            id = id.checked_add(1).unwrap_or(1);
            if self.index_of(id).is_none() {
                return id;
            }
        }
    }

    /// Returns the index of the slot with this identifier.
    #[inline(never)]
    pub(crate) fn index_of(&mut self, id: u16) -> Option<usize> {
        self.used_slots().iter().position(|slot| slot.id == id)
    }

    /// Returns the quality of service of an unacknowledged message.
    pub(crate) fn qos_of(&self, index: usize) -> Qos {
        record_qos(self.record(index))
    }

    pub(crate) fn state_of(&self, index: usize) -> SlotState {
        self.slots.get(index).map_or(SlotState::New, |slot| slot.state)
    }

    pub(crate) fn set_state(&mut self, index: usize, state: SlotState) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.state = state;
        }
    }

    /// Returns whether the broker accepts another message now.
    pub(crate) fn has_send_quota(&mut self) -> bool {
        let maximum = self.state.limits.receive_maximum;
        let in_flight = self.used_slots().iter().filter(|slot| slot.state.is_in_flight());
        in_flight.fold(0_u16, |count, _| count.saturating_add(1)) < maximum
    }

    /// Frees a slot and its bytes. O(size of the store).
    pub(crate) fn remove(&mut self, index: usize) {
        self.free_record(index);
        let used = self.state.used;
        if let Some(after) = self.slots.get_mut(index..usize::from(used)) {
            let mut shifted = Slot::FREE;
            for slot in after.iter_mut().rev() {
                core::mem::swap(slot, &mut shifted);
            }
            self.state.used = used.saturating_sub(1);
        }
    }

    /// Frees the bytes of a slot in the store. The slot itself stays in use.
    fn free_record(&mut self, index: usize) {
        let start = self.stored_before(index);
        let end = self.stored();
        let Some(slot) = self.slots.get_mut(index) else { return };
        let len = usize::from(core::mem::take(&mut slot.len));
        let rest = Cell::from_mut(self.store.get_mut(start..end).unwrap_or_default());
        let rest = rest.as_slice_of_cells();
        // This is a loop, because the optimizer cannot prove that `copy_within` does not panic.
        for (to, from) in rest.iter().zip(rest.get(len..).unwrap_or_default()) {
            to.set(from.get());
        }
    }

    /// Handles a PUBREC. From now on, only the identifier of the message is needed, so the bytes of the message are
    /// freed. The slot moves to the front, behind the slots that have moved there for earlier PUBRECs. So PUBRELs are
    /// sent in the order of the PUBRECs.
    pub(crate) fn release(&mut self, index: usize) {
        self.free_record(index);
        self.set_state(index, SlotState::Release);
        let before =
            |slot: &Slot<A>| matches!(slot.state, SlotState::Release | SlotState::Released);
        let first = self.used_slots().iter().position(|slot| !before(slot)).unwrap_or(index);
        if let Some(moved) = self.slots.get_mut(first..=index) {
            let mut shifted = Slot::FREE;
            for slot in moved.iter_mut() {
                core::mem::swap(slot, &mut shifted);
            }
            if let Some(slot) = moved.first_mut() {
                *slot = shifted;
            }
        }
    }

    /// Handles the end of a connection: packets that were not answered are to be sent again.
    pub(crate) fn requeue_unanswered(&mut self) {
        for slot in self.used_slots() {
            slot.state = slot.state.after_end();
        }
    }

    /// Returns the function of the first subscription that matches a topic.
    pub(crate) fn handler(&mut self, topic: &str) -> Option<OnMessage<A>> {
        (0..self.used()).find_map(|index| {
            let call = self.slots.get(index)?.call?;
            crate::topic::is_match(filter_of(self.record(index)), topic.as_bytes()).then_some(call)
        })
    }

    /// Returns whether a message with [`Qos::Two`] and this identifier was received and is not released yet.
    pub(crate) fn has_received(&mut self, id: u16) -> bool {
        entry_for(self.received_ids, id).is_some()
    }

    /// Returns whether the identifier of another message with [`Qos::Two`] can be stored.
    pub(crate) fn can_receive(&mut self) -> bool {
        entry_for(self.received_ids, 0).is_some()
    }

    /// Stores the identifier of a received message with [`Qos::Two`].
    pub(crate) fn store_received_id(&mut self, id: u16) {
        if let Some(target) = entry_for(self.received_ids, 0) {
            *target = id;
        }
    }

    /// Removes the identifier of a message with [`Qos::Two`] after its PUBREL. Returns whether the identifier was
    /// stored.
    pub(crate) fn remove_received_id(&mut self, id: u16) -> bool {
        entry_for(self.received_ids, id).map(|entry| *entry = 0).is_some()
    }
}

/// Returns the entry with this identifier. No packet has the identifier 0, so 0 finds a free entry.
#[inline(never)]
fn entry_for(ids: &mut [u16], id: u16) -> Option<&mut u16> {
    ids.iter_mut().find(|entry| **entry == id)
}

/// Returns the filter in a subscription's bytes. The filter follows the byte with the options.
pub(crate) fn filter_of(record: &[u8]) -> &[u8] {
    record.get(1..).unwrap_or_default()
}

/// Returns the number of bytes that belong to the first `first` slots.
#[inline(never)]
fn stored<A>(slots: &[Slot<A>], first: usize) -> usize {
    slots.iter().take(first).fold(0, |sum, slot| sum.saturating_add(slot.len.into()))
}

/// Returns the bytes of a slot.
pub(crate) fn record<'s, A>(slots: &[Slot<A>], store: &'s [u8], index: usize) -> &'s [u8] {
    let rest = store.get(stored(slots, index)..).unwrap_or_default();
    let len = slots.get(index).map_or(0, |slot| usize::from(slot.len));
    rest.get(..len).unwrap_or_default()
}
