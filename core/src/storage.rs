//! The memory of a base: all tables and rings, with the capacities in the type.

use crate::memory::{
    ConnSlot, EventSlot, ListenerSlot, Memory, PoolSlot, SourceSlot, TimerSlot, UdpSlot,
};
use crate::table::Slot;

/// Room for an [`EventBase`](crate::EventBase) of the application `A`.
///
/// | parameter | is |
/// |---|---|
/// | `EVENTS` | the number of events that can exist at the same time: timers, signals, readiness of sources, watchers |
/// | `CONNS` | the number of connections that can exist at the same time, plus closed connections with unsent output |
/// | `BYTES` | the number of bytes of all rings together: the rings of connections and of UDP sockets |
/// | `LISTENERS` | the number of listeners that can exist at the same time |
/// | `POOLS` | the number of [pools](crate::Pool) into which the connections and the bytes are divided, 16 at most |
/// | `SOURCES` | the number of [sources](crate::Source) that can exist at the same time |
/// | `UDP` | the number of [UDP sockets](crate::UdpSocket) that can exist at the same time, with the feature `udp` |
///
/// All tables together have 65,535 slots at most; slots above this number are not used. A new storage is all zeros, so
/// a storage in a `static` takes no flash. A connection can be used only if it belongs to a pool:
///
/// ```
/// use picoevent::{EventBase, Pool, Storage};
/// # struct App;
/// const CLIENTS: Pool = Pool::new(4).rings(256, 256);
///
/// let mut storage = Storage::<App, 8, { CLIENTS.conns() }, { CLIENTS.bytes() }>::new();
/// let mut base = EventBase::new(&mut storage);
/// let clients = base.add_pool(CLIENTS)?;
/// # let _ = clients;
/// # Ok::<(), picoevent::SetupError>(())
/// ```
///
/// On a host, use `picoevent_mio::HeapStorage`: it is on the heap, and its size is chosen at run time. A
/// `Box::new(Storage::new())` of some megabytes overflows the stack. The module [`memory`](crate::memory) is for memory
/// in separate parts.
pub struct Storage<
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const BYTES: usize,
    const LISTENERS: usize = 1,
    const POOLS: usize = 1,
    const SOURCES: usize = 0,
    const UDP: usize = 0,
> {
    events: [EventSlot<A>; EVENTS],
    event_timers: [TimerSlot; EVENTS],
    conns: [ConnSlot<A>; CONNS],
    conn_timers: [TimerSlot; CONNS],
    bytes: [u8; BYTES],
    listeners: [ListenerSlot<A>; LISTENERS],
    pools: [PoolSlot; POOLS],
    sources: [SourceSlot; SOURCES],
    udp: [UdpSlot<A>; UDP],
}

impl<
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const BYTES: usize,
    const LISTENERS: usize,
    const POOLS: usize,
    const SOURCES: usize,
    const UDP: usize,
> Storage<A, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES, UDP>
{
    /// Makes an empty storage.
    pub const fn new() -> Self {
        Self {
            events: [const { Slot::EMPTY }; EVENTS],
            event_timers: [TimerSlot::new(); EVENTS],
            conns: [const { Slot::EMPTY }; CONNS],
            conn_timers: [TimerSlot::new(); CONNS],
            bytes: [0; BYTES],
            listeners: [const { Slot::EMPTY }; LISTENERS],
            pools: [const { PoolSlot::new() }; POOLS],
            sources: [const { Slot::EMPTY }; SOURCES],
            udp: [const { UdpSlot::new() }; UDP],
        }
    }
}

impl<
    's,
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const BYTES: usize,
    const LISTENERS: usize,
    const POOLS: usize,
    const SOURCES: usize,
    const UDP: usize,
> From<&'s mut Storage<A, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES, UDP>> for Memory<'s, A>
{
    fn from(
        storage: &'s mut Storage<A, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES, UDP>,
    ) -> Self {
        Self {
            events: &mut storage.events,
            event_timers: &mut storage.event_timers,
            conns: &mut storage.conns,
            conn_timers: &mut storage.conn_timers,
            bytes: &mut storage.bytes,
            listeners: &mut storage.listeners,
            pools: &mut storage.pools,
            sources: &mut storage.sources,
            udp: &mut storage.udp,
        }
    }
}

impl<
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const BYTES: usize,
    const LISTENERS: usize,
    const POOLS: usize,
    const SOURCES: usize,
    const UDP: usize,
> Default for Storage<A, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES, UDP>
{
    fn default() -> Self {
        Self::new()
    }
}
