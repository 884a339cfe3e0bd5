//! The memory for requests.

use picoevent::Conn;

use crate::exchange::{Exchange, Timer};

/// The memory for `N` connections. Each has `TEXT` bytes for the target and for the header fields that the
/// [`Site`](crate::Site) stores. If the target does not fit, the client gets 414; if a field does not fit, 431. A
/// connection that finds no slot gets 503.
///
/// A WebSocket handshake takes 24 bytes of the text in addition to the target.
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
    /// It was added after the last time that all slots were searched.
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
        let places = self.slots.iter();
        places.fold(0, |held, slot| held.saturating_add(slot.conn.is_some().into()))
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

    /// Frees the slot of a connection that waits for a request or for the rest of a head. Returns the connection. If all
    /// connections wait, a new connection keeps its slot until all other connections were replaced.
    fn remove_waiting(&mut self) -> Option<Conn>;

    /// Returns whether a connection only waits for a request.
    fn is_idle(&self, conn: Conn) -> bool;

    /// Frees a connection's slot.
    fn remove(&mut self, conn: Conn);

    /// Returns the index of a connection's slot, and a copy of the slot to work on. Returns `None` if the connection
    /// has no slot, or if a function already works on a copy.
    fn take(&mut self, conn: Conn) -> Option<(usize, Self::Slot)>;

    /// Stores the copy back.
    fn put(&mut self, place: usize, slot: Self::Slot);

    /// Returns the parts of a copy.
    fn parts(slot: &mut Self::Slot) -> (&mut Exchange, &mut [u8]);

    /// Returns the connection in a slot and the index of its route. Returns `None` after the last slot.
    fn at(&self, place: usize) -> Option<Option<(Conn, usize)>>;
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
        let place = match self.slots.get(home).is_some_and(is_free) {
            true => Some(home),
            false => self.slots.iter().position(is_free),
        };
        let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) else { return false };
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
        let slot = self.find(conn).and_then(|place| self.slots.get(place));
        slot.is_some_and(|slot| slot.exchange.timer == Timer::Idle)
    }

    fn remove(&mut self, conn: Conn) {
        if let Some(slot) = self.find(conn).and_then(|place| self.slots.get_mut(place)) {
            slot.conn = None;
        }
    }

    fn take(&mut self, conn: Conn) -> Option<(usize, Slot<TEXT>)> {
        let place = self.find(conn)?;
        let slot = self.slots.get_mut(place)?;
        if core::mem::replace(&mut slot.is_taken, true) {
            return None;
        }
        Some((place, *slot))
    }

    fn put(&mut self, place: usize, slot: Slot<TEXT>) {
        if let Some(held) = self.slots.get_mut(place)
            && held.conn == slot.conn
        {
            *held = Slot { is_taken: false, ..slot };
        }
    }

    fn parts(slot: &mut Slot<TEXT>) -> (&mut Exchange, &mut [u8]) {
        (&mut slot.exchange, &mut slot.text)
    }

    fn at(&self, place: usize) -> Option<Option<(Conn, usize)>> {
        self.slots.get(place).map(|slot| slot.conn.map(|conn| (conn, slot.exchange.route())))
    }
}
