//! The memory of a base in separate parts, instead of one [`Storage`](crate::Storage). `picoevent_mio::HeapStorage`
//! allocates these parts on the heap, with sizes that are known only at run time.
//!
//! ```
//! use picoevent::EventBase;
//! use picoevent::memory::{EventSlot, Memory, TimerSlot};
//! # struct App;
//! let mut events = [EventSlot::new(), EventSlot::new()];
//! let mut event_timers = [TimerSlot::new(); 2];
//! // Two events and nothing else.
//! let memory = Memory { events: &mut events, event_timers: &mut event_timers, ..Memory::default() };
//! let base = EventBase::<App>::over(memory);
//! # let _ = base;
//! ```

pub use crate::conn::{ConnSlot, StaticSlot};
pub use crate::event::EventSlot;
pub use crate::listener::ListenerSlot;
pub use crate::pool::PoolSlot;
pub use crate::source::SourceSlot;
pub use crate::timers::TimerSlot;
pub use crate::udp::UdpSlot;

use crate::table::Slot;

/// The maximum number of slots of all tables of a base together. Slots above this number are not used.
pub const MAX_SLOTS: usize = crate::table::MAX_SLOTS as usize;

/// The maximum size of a ring in bytes: 4,294,967,295 on 64-bit targets, 65,535 on others.
pub const MAX_RING: usize = crate::ring::LONGEST;

/// The parts of a base's memory. Each event and each connection needs a slot and a timer. If the numbers of slots and
/// timers differ, the base uses only the smaller number of both.
///
/// A new slot is all zeros. If another base has used a slot before, the slot keeps its generation. So the handles of
/// the earlier base are stale in the new base.
pub struct Memory<'s, A> {
    /// Slots for events.
    pub events: &'s mut [EventSlot<A>],
    /// Slots for the timers of the events. Each event needs one.
    pub event_timers: &'s mut [TimerSlot],
    /// Slots for connections.
    pub conns: &'s mut [ConnSlot<A>],
    /// Slots for the timers of the connections. Each connection needs one.
    pub conn_timers: &'s mut [TimerSlot],
    /// The bytes of all rings.
    pub bytes: &'s mut [u8],
    /// Slots for pools.
    pub pools: &'s mut [PoolSlot],
    /// Slots for listeners.
    pub listeners: &'s mut [ListenerSlot<A>],
    /// Slots for sources.
    pub sources: &'s mut [SourceSlot],
    /// Slots for UDP sockets. Without the feature `udp`, these slots take no memory.
    pub udp: &'s mut [UdpSlot<A>],
}

impl<A> Default for Memory<'_, A> {
    /// Returns a memory without slots and bytes.
    fn default() -> Self {
        Self {
            events: &mut [],
            event_timers: &mut [],
            conns: &mut [],
            conn_timers: &mut [],
            bytes: &mut [],
            pools: &mut [],
            listeners: &mut [],
            sources: &mut [],
            udp: &mut [],
        }
    }
}

impl<A> Memory<'_, A> {
    /// Shortens `events` and `conns` so that each event and each connection has a timer.
    pub(crate) fn fit(&mut self) {
        let (events, conns) = (self.event_timers.len(), self.conn_timers.len());
        shorten(&mut self.events, events);
        shorten(&mut self.conns, conns);
    }
}

fn shorten<T>(slots: &mut &mut [T], most: usize) {
    let all = core::mem::take(slots);
    let len = all.len().min(most);
    *slots = all.get_mut(..len).unwrap_or_default();
}

impl<A> EventSlot<A> {
    /// Makes a slot for an event.
    pub const fn new() -> Self {
        Slot::EMPTY
    }
}

impl<A> Default for EventSlot<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> ConnSlot<A> {
    /// Makes a slot for a connection.
    pub const fn new() -> Self {
        Slot::EMPTY
    }
}

impl<A> Default for ConnSlot<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> ListenerSlot<A> {
    /// Makes a slot for a listener.
    pub const fn new() -> Self {
        Slot::EMPTY
    }
}

impl<A> Default for ListenerSlot<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl SourceSlot {
    /// Makes a slot for a source.
    pub const fn new() -> Self {
        Slot::EMPTY
    }
}

impl Default for SourceSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> UdpSlot<A> {
    /// Makes a slot for a UDP socket.
    pub const fn new() -> Self {
        Self::EMPTY
    }
}

impl<A> Default for UdpSlot<A> {
    fn default() -> Self {
        Self::new()
    }
}
