//! The memory for requests.

use picoevent::Conn;

use crate::exchange::{Exchange, Timer};

/// The memory for `N` connections. Each connection has a text buffer of `TEXT` bytes for the target and for the header
/// fields in [`Site::HEADERS`](crate::Site::HEADERS). If the target does not fit, the client gets status 414. If a
/// field does not fit, the client gets 431. If there is no free slot for a connection, the client gets 503.
///
/// A WebSocket handshake takes 23 of the `TEXT` bytes in addition to the target, or 27 if the handshake has a
/// subprotocol.
pub struct Server<const N: usize, const TEXT: usize = 64> {
    slots: [Slot<TEXT>; N],
}

/// The memory for one connection.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Slot<const TEXT: usize> {
    conn: Option<Conn>,
    /// A callback is working on a copy of the slot.
    is_taken: bool,
    /// The connection was added after this flag was last cleared in all slots; see [`Slots::remove_waiting`].
    is_new: bool,
    exchange: Exchange,
    text: [u8; TEXT],
}

impl<const N: usize, const TEXT: usize> Server<N, TEXT> {
    /// Makes the memory, without connections.
    pub const fn new() -> Self {
        let (exchange, text) = (Exchange::new(), [0; TEXT]);
        let slot = Slot { conn: None, is_taken: false, is_new: false, exchange, text };
        Self { slots: [slot; N] }
    }

    /// Returns the number of connections.
    pub fn len(&self) -> usize {
        let slots = self.slots.iter();
        slots.fold(0, |held, slot| held.saturating_add(slot.conn.is_some().into()))
    }

    /// Returns whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the index of a connection's slot, or `None` if the connection has no slot. Usually the slot has the same
    /// index as the connection.
    fn find(&self, conn: Conn) -> Option<usize> {
        let home = conn.index().checked_rem(N)?;
        if self.slots.get(home)?.conn == Some(conn) {
            return Some(home);
        }
        self.slots.iter().position(|slot| slot.conn == Some(conn))
    }
}

impl<const N: usize, const TEXT: usize> Default for Server<N, TEXT> {
    fn default() -> Self {
        Self::new()
    }
}

/// The library's access to a [`Server`] of any size.
#[doc(hidden)]
#[expect(private_interfaces, reason = "it is implemented here only")]
pub trait Slots: sealed::Sealed {
    type Slot: Copy;

    /// Takes a free slot for a connection. Returns whether there was a free slot.
    fn add(&mut self, conn: Conn) -> bool;

    /// Frees the slot of a connection that waits for a request or for the rest of a head. Returns the connection, or
    /// `None` if no connection waits. Skips slots with the flag `is_new`. If no other slot has a waiting connection,
    /// clears the flag in all slots and searches again. So a new connection keeps its slot until all older waiting
    /// connections were replaced.
    fn remove_waiting(&mut self) -> Option<Conn>;

    /// Returns whether a connection waits for a request, and no byte of the request has arrived.
    fn is_idle(&self, conn: Conn) -> bool;

    /// Frees a connection's slot.
    fn remove(&mut self, conn: Conn);

    /// Returns the index of a connection's slot, and a copy of the slot to work on. Returns `None` if the connection
    /// has no slot, or if a function already works on a copy.
    fn take(&mut self, conn: Conn) -> Option<(usize, Self::Slot)>;

    /// Writes a copy back to its slot, unless the connection has lost the slot in the meantime.
    fn put(&mut self, slot_index: usize, slot: Self::Slot);

    /// Returns the exchange and the text buffer in a copy of a slot.
    fn parts(slot: &mut Self::Slot) -> (&mut Exchange, &mut [u8]);

    /// Returns the connection in a slot and the index of its route, or `Some(None)` if the slot is free. Returns `None`
    /// after the last slot.
    fn at(&self, slot_index: usize) -> Option<Option<(Conn, usize)>>;
}

mod sealed {
    pub trait Sealed {}
}

impl<const N: usize, const TEXT: usize> sealed::Sealed for Server<N, TEXT> {}

#[expect(private_interfaces, reason = "it is used here only")]
impl<const N: usize, const TEXT: usize> Slots for Server<N, TEXT> {
    type Slot = Slot<TEXT>;

    fn add(&mut self, conn: Conn) -> bool {
        let home = conn.index().checked_rem(N).unwrap_or(0);
        let is_free = |slot: &Slot<TEXT>| slot.conn.is_none();
        let slot_index = match self.slots.get(home).is_some_and(is_free) {
            true => Some(home),
            false => self.slots.iter().position(is_free),
        };
        let Some(slot) = slot_index.and_then(|slot_index| self.slots.get_mut(slot_index)) else {
            return false;
        };
        (slot.conn, slot.is_taken, slot.is_new) = (Some(conn), false, true);
        slot.exchange = Exchange::new();
        true
    }

    fn remove_waiting(&mut self) -> Option<Conn> {
        let waits = |slot: &Slot<TEXT>| slot.exchange.awaits_head();
        let mut found = self.slots.iter().position(|slot| waits(slot) && !slot.is_new);
        if found.is_none() {
            self.slots.iter_mut().for_each(|slot| slot.is_new = false);
            found = self.slots.iter().position(waits);
        }
        self.slots.get_mut(found?)?.conn.take()
    }

    fn is_idle(&self, conn: Conn) -> bool {
        let slot = self.find(conn).and_then(|slot_index| self.slots.get(slot_index));
        slot.is_some_and(|slot| slot.exchange.timer == Timer::Idle)
    }

    fn remove(&mut self, conn: Conn) {
        if let Some(slot) = self.find(conn).and_then(|slot_index| self.slots.get_mut(slot_index)) {
            slot.conn = None;
        }
    }

    fn take(&mut self, conn: Conn) -> Option<(usize, Slot<TEXT>)> {
        let slot_index = self.find(conn)?;
        let slot = self.slots.get_mut(slot_index)?;
        if core::mem::replace(&mut slot.is_taken, true) {
            return None;
        }
        Some((slot_index, *slot))
    }

    fn put(&mut self, slot_index: usize, slot: Slot<TEXT>) {
        if let Some(held) = self.slots.get_mut(slot_index)
            && held.conn == slot.conn
        {
            *held = Slot { is_taken: false, ..slot };
        }
    }

    fn parts(slot: &mut Slot<TEXT>) -> (&mut Exchange, &mut [u8]) {
        (&mut slot.exchange, &mut slot.text)
    }

    fn at(&self, slot_index: usize) -> Option<Option<(Conn, usize)>> {
        self.slots.get(slot_index).map(|slot| slot.conn.map(|conn| (conn, slot.exchange.route())))
    }
}
