//! Subscriptions and messages under way, and their bytes in the store.
//!
//! ```text
//!   slots   │ 7 released │ 3 sub │ 8 sent   │ 9 new │            in the order they were asked for;
//!   store   │            │ a/+   │ message  │ mess… │ free       messages that are released come first
//! ```

use core::cell::Cell;

use crate::client::ClientMut;
use crate::event::PacketId;
use crate::message::OnMessage;
use crate::wire::{Qos, Writer, record_qos};

/// A subscription, or a message under way.
pub(crate) struct Slot<A> {
    /// The function of a subscription.
    pub(crate) call: Option<OnMessage<A>>,
    pub(crate) id: u16,
    /// The number of its bytes in the store.
    pub(crate) len: u16,
    pub(crate) state: State,
}

/// The state of a subscription or a message on the current connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A message that was not sent yet.
    New,
    /// A message that was sent on an earlier connection, to be retransmitted.
    Again,
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
    /// A SUBSCRIBE or an UNSUBSCRIBE was sent. When it is answered, another SUBSCRIBE is to be sent.
    Changed,
    /// A SUBSCRIBE or an UNSUBSCRIBE was sent. When it is answered, the subscription is to be ended.
    Cancelled,
    /// An UNSUBSCRIBE is to be sent.
    Unsubscribe,
    Unsubscribing,
}

impl State {
    /// Returns whether the message counts toward the broker's receive maximum.
    const fn is_in_flight(self) -> bool {
        matches!(self, Self::Sent | Self::Release | Self::Released)
    }

    /// Returns whether a SUBSCRIBE or an UNSUBSCRIBE was sent and not answered.
    pub(crate) const fn is_asked(self) -> bool {
        matches!(self, Self::Subscribing | Self::Changed | Self::Cancelled | Self::Unsubscribing)
    }

    /// Returns the state after the end of a connection.
    const fn after_end(self) -> Self {
        match self {
            Self::Sent => Self::Again,
            Self::Released => Self::Release,
            Self::Subscribing | Self::Changed => Self::Subscribe,
            Self::Cancelled | Self::Unsubscribing => Self::Unsubscribe,
            other => other,
        }
    }
}

impl<A> Slot<A> {
    pub(crate) const FREE: Self = Self { call: None, id: 0, len: 0, state: State::New };
}

/// The reason why no slot was taken.
pub(crate) enum NoRoom {
    Full,
    TooLong,
    Invalid,
}

impl<A> ClientMut<'_, A> {
    /// Returns the slots in use.
    pub(crate) fn under_way(&mut self) -> &mut [Slot<A>] {
        self.slots.get_mut(..usize::from(self.session.used)).unwrap_or_default()
    }

    /// Returns the number of bytes of the store that belong to the slots before `place`.
    pub(crate) fn stored_before(&self, place: usize) -> usize {
        stored(self.slots, place)
    }

    /// Returns the bytes of a slot.
    pub(crate) fn record(&self, place: usize) -> &[u8] {
        record(self.slots, self.store, place)
    }

    /// Returns the index of the subscription with this filter, also if it is being cancelled.
    pub(crate) fn subscription(&self, filter: &str) -> Option<usize> {
        (0..self.used()).find(|place| {
            self.slots.get(*place).is_some_and(|slot| slot.call.is_some())
                && filter_of(self.record(*place)) == filter.as_bytes()
        })
    }

    /// Changes the function and the options of a subscription. A SUBSCRIBE is to be sent: now, or after the answer to
    /// the request under way, whose identifier it has.
    pub(crate) fn change(&mut self, place: usize, call: OnMessage<A>, options: u8) -> PacketId {
        let start = self.stored_before(place);
        if let Some(held) = self.store.get_mut(start) {
            *held = options;
        }
        let Some(slot) = self.slots.get_mut(place) else { return PacketId(0) };
        slot.call = Some(call);
        slot.state = if slot.state.is_asked() { State::Changed } else { State::Subscribe };
        PacketId(slot.id)
    }

    /// Takes a slot, and stores the bytes that `write` writes.
    pub(crate) fn insert(
        &mut self,
        state: State,
        call: Option<OnMessage<A>>,
        write: &dyn Fn(&mut Writer<'_>),
    ) -> Result<PacketId, NoRoom> {
        let len = Writer::count(write).ok_or(NoRoom::Invalid)?;
        if len > self.store.len() || self.slots.is_empty() {
            return Err(NoRoom::TooLong);
        }
        let id = self.free_id();
        let start = self.stored();
        let room = self.store.get_mut(start..).unwrap_or_default();
        let place = self.slots.get_mut(usize::from(self.session.used));
        let Some(slot) = place.filter(|_| room.len() >= len) else {
            self.session.wants_room = true;
            return Err(NoRoom::Full);
        };
        write(&mut Writer::new(room));
        *slot = Slot { call, id, len: len as u16, state };
        self.session.used = self.session.used.saturating_add(1);
        self.session.last_id = id;
        Ok(PacketId(id))
    }

    /// Returns an identifier that is not in use.
    fn free_id(&mut self) -> u16 {
        let mut id = self.session.last_id;
        loop {
            id = id.checked_add(1).unwrap_or(1);
            if self.place_of(id).is_none() {
                return id;
            }
        }
    }

    /// Returns the index of the slot with an identifier.
    #[inline(never)]
    pub(crate) fn place_of(&mut self, id: u16) -> Option<usize> {
        self.under_way().iter().position(|slot| slot.id == id)
    }

    /// Returns the quality of service of a message under way.
    pub(crate) fn qos_of(&self, place: usize) -> Qos {
        record_qos(self.record(place))
    }

    pub(crate) fn state_of(&self, place: usize) -> State {
        self.slots.get(place).map_or(State::New, |slot| slot.state)
    }

    pub(crate) fn set_state(&mut self, place: usize, state: State) {
        if let Some(slot) = self.slots.get_mut(place) {
            slot.state = state;
        }
    }

    /// Returns whether the broker accepts another message now.
    pub(crate) fn has_window(&mut self) -> bool {
        let most = self.session.limits.receive;
        let under_way = self.under_way().iter().filter(|slot| slot.state.is_in_flight());
        under_way.fold(0_u16, |count, _| count.saturating_add(1)) < most
    }

    /// Frees a slot and its bytes. O(size of the store).
    pub(crate) fn remove(&mut self, place: usize) {
        self.drop_record(place);
        let used = self.session.used;
        if let Some(after) = self.slots.get_mut(place..usize::from(used)) {
            let mut carried = Slot::FREE;
            for slot in after.iter_mut().rev() {
                core::mem::swap(slot, &mut carried);
            }
            self.session.used = used.saturating_sub(1);
        }
    }

    /// Frees the bytes of a slot whose message the broker has received.
    fn drop_record(&mut self, place: usize) {
        let start = self.stored_before(place);
        let end = self.stored();
        let Some(slot) = self.slots.get_mut(place) else { return };
        let len = usize::from(core::mem::take(&mut slot.len));
        let rest = Cell::from_mut(self.store.get_mut(start..end).unwrap_or_default());
        let rest = rest.as_slice_of_cells();
        // This is a loop, because the optimizer cannot prove that `copy_within` does not panic.
        for (to, from) in rest.iter().zip(rest.get(len..).unwrap_or_default()) {
            to.set(from.get());
        }
    }

    /// Handles a PUBREC. Only the message's identifier is kept. Its slot moves after the slots that were released
    /// before, so that PUBRELs are sent in the order of the PUBRECs.
    pub(crate) fn release(&mut self, place: usize) {
        self.drop_record(place);
        self.set_state(place, State::Release);
        let before = |slot: &Slot<A>| matches!(slot.state, State::Release | State::Released);
        let first = self.under_way().iter().position(|slot| !before(slot)).unwrap_or(place);
        if let Some(moved) = self.slots.get_mut(first..=place) {
            let mut carried = Slot::FREE;
            for slot in moved.iter_mut() {
                core::mem::swap(slot, &mut carried);
            }
            if let Some(slot) = moved.first_mut() {
                *slot = carried;
            }
        }
    }

    /// Handles the end of a connection: packets that were not answered are to be sent again.
    pub(crate) fn rewind(&mut self) {
        for slot in self.under_way() {
            slot.state = slot.state.after_end();
        }
    }

    /// Returns the function of the first subscription that matches a topic.
    pub(crate) fn handler(&mut self, topic: &str) -> Option<OnMessage<A>> {
        (0..self.used()).find_map(|place| {
            let call = self.slots.get(place)?.call?;
            crate::topic::is_match(filter_of(self.record(place)), topic.as_bytes()).then_some(call)
        })
    }

    /// Returns whether a message with [`Qos::Two`] was received and is not released yet.
    pub(crate) fn has_received(&mut self, id: u16) -> bool {
        place_for(self.received, id).is_some()
    }

    /// Returns whether the identifier of another message with [`Qos::Two`] can be stored.
    pub(crate) fn can_receive(&mut self) -> bool {
        place_for(self.received, 0).is_some()
    }

    /// Stores the identifier of a received message with [`Qos::Two`].
    pub(crate) fn note_received(&mut self, id: u16) {
        if let Some(place) = place_for(self.received, 0) {
            *place = id;
        }
    }

    /// Removes the identifier of a message with [`Qos::Two`] after its PUBREL. Returns whether it was stored.
    pub(crate) fn forget_received(&mut self, id: u16) -> bool {
        place_for(self.received, id).map(|place| *place = 0).is_some()
    }
}

/// Returns the entry of an identifier. For 0, which is never a packet's identifier, returns a free entry.
#[inline(never)]
fn place_for(received: &mut [u16], id: u16) -> Option<&mut u16> {
    received.iter_mut().find(|held| **held == id)
}

/// Returns the filter in a subscription's bytes. It follows the byte with the options.
pub(crate) fn filter_of(record: &[u8]) -> &[u8] {
    record.get(1..).unwrap_or_default()
}

/// Returns the number of bytes that belong to the first `first` slots.
#[inline(never)]
fn stored<A>(slots: &[Slot<A>], first: usize) -> usize {
    slots.iter().take(first).fold(0, |sum, slot| sum.saturating_add(slot.len.into()))
}

/// Returns the bytes of a slot.
pub(crate) fn record<'s, A>(slots: &[Slot<A>], store: &'s [u8], place: usize) -> &'s [u8] {
    let rest = store.get(stored(slots, place)..).unwrap_or_default();
    let len = slots.get(place).map_or(0, |slot| usize::from(slot.len));
    rest.get(..len).unwrap_or_default()
}
