//! The memory of a base on the heap, with capacities that are chosen at run time.

use std::{error, fmt};

use picoevent::Pool;
use picoevent::memory::{
    ConnSlot, EventSlot, ListenerSlot, MAX_SLOTS, Memory, PoolSlot, SourceSlot, TimerSlot, UdpSlot,
};

/// The capacities of an [`EventBase`](picoevent::EventBase).
///
/// The defaults are the same as the defaults of a [`Storage`](picoevent::Storage): one listener, one pool, no source
/// and no UDP socket. The other capacities are 0 by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacities {
    /// The number of events that can exist at the same time: timers, signals, readiness events of sources, watchers.
    pub events: usize,
    /// The number of connections that can exist at the same time, including closed connections whose output is not sent
    /// yet.
    pub conns: usize,
    /// The total number of bytes of all rings of connections and UDP sockets.
    pub bytes: usize,
    /// The number of listeners that can exist at the same time.
    pub listeners: usize,
    /// The number of [pools](picoevent::Pool) into which the connections and the bytes are divided.
    pub pools: usize,
    /// The number of [sources](picoevent::Source) that can exist at the same time.
    pub sources: usize,
    /// The number of [UDP sockets](picoevent::UdpSocket) that can exist at the same time.
    pub udp: usize,
}

/// The memory of an [`EventBase`](picoevent::EventBase) for the application `A`, on the heap.
///
/// The capacities of a [`Storage`](picoevent::Storage) are part of its type. `Box::new(Storage::new())` first makes the
/// storage on the stack, so a storage of several megabytes overflows the stack. A `HeapStorage` is made on the heap:
///
/// ```
/// use picoevent::{EventBase, Pool};
/// use picoevent_mio::{Capacities, HeapStorage};
/// # struct App;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clients = Pool::new(10_000).rings(4096, 512);
/// let capacities = Capacities { events: 8, ..Capacities::of(&[clients]) };
/// let mut storage = HeapStorage::<App>::new(capacities)?;
/// let mut base = EventBase::over(storage.memory());
/// let clients = base.add_pool(clients)?;
/// # let _ = clients;
/// # Ok(())
/// # }
/// ```
///
/// The rings are zeroed memory from the system. The system allocates most pages of this memory only when a connection
/// first uses them.
pub struct HeapStorage<A> {
    events: Box<[EventSlot<A>]>,
    event_timers: Box<[TimerSlot]>,
    conns: Box<[ConnSlot<A>]>,
    conn_timers: Box<[TimerSlot]>,
    bytes: Box<[u8]>,
    listeners: Box<[ListenerSlot<A>]>,
    pools: Box<[PoolSlot]>,
    sources: Box<[SourceSlot]>,
    udp: Box<[UdpSlot<A>]>,
}

impl Default for Capacities {
    fn default() -> Self {
        Self { events: 0, conns: 0, bytes: 0, listeners: 1, pools: 1, sources: 0, udp: 0 }
    }
}

impl Capacities {
    /// Returns the capacities that these pools need: the connections and the bytes of all pools, and one listener for
    /// each pool.
    pub const fn of(pools: &[Pool]) -> Self {
        Self {
            events: 0,
            conns: Pool::all_conns(pools),
            bytes: Pool::all_bytes(pools),
            listeners: pools.len(),
            pools: pools.len(),
            sources: 0,
            udp: 0,
        }
    }

    /// Checks that a base can use these capacities.
    fn check(&self) -> Result<(), CapacityError> {
        let Self { events, conns, bytes, listeners, pools, sources, udp } = *self;
        let slots = [events, conns, listeners, sources, udp];
        let slots = slots.into_iter().fold(0, usize::saturating_add);
        if slots > MAX_SLOTS {
            return Err(CapacityError::TooManySlots(slots));
        }
        if pools > Pool::MOST {
            return Err(CapacityError::TooManyPools(pools));
        }
        // An allocation cannot be larger than `isize::MAX`.
        if bytes > isize::MAX as usize {
            return Err(CapacityError::TooManyBytes(bytes));
        }
        Ok(())
    }
}

impl<A> HeapStorage<A> {
    /// Makes an empty storage. The cost is O(number of slots).
    ///
    /// # Errors
    /// [`CapacityError`], if a base could not use these capacities.
    pub fn new(capacities: Capacities) -> Result<Self, CapacityError> {
        capacities.check()?;
        let Capacities { events, conns, bytes, listeners, pools, sources, udp } = capacities;
        Ok(Self {
            events: slots(events, EventSlot::new),
            event_timers: slots(events, TimerSlot::new),
            conns: slots(conns, ConnSlot::new),
            conn_timers: slots(conns, TimerSlot::new),
            bytes: vec![0; bytes].into(),
            listeners: slots(listeners, ListenerSlot::new),
            pools: slots(pools, PoolSlot::new),
            sources: slots(sources, SourceSlot::new),
            udp: slots(udp, UdpSlot::new),
        })
    }

    /// Borrows the memory, for [`EventBase::over`](picoevent::EventBase::over).
    pub fn memory(&mut self) -> Memory<'_, A> {
        Memory {
            events: &mut self.events,
            event_timers: &mut self.event_timers,
            conns: &mut self.conns,
            conn_timers: &mut self.conn_timers,
            bytes: &mut self.bytes,
            listeners: &mut self.listeners,
            pools: &mut self.pools,
            sources: &mut self.sources,
            udp: &mut self.udp,
        }
    }
}

/// Makes the slots one by one, so that at most one slot is on the stack.
fn slots<T>(number: usize, new: fn() -> T) -> Box<[T]> {
    std::iter::repeat_with(new).take(number).collect()
}

/// The reason why a storage with these [`Capacities`] cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityError {
    /// More bytes than an allocation can have. The value is the number of bytes.
    TooManyBytes(usize),
    /// More pools than a base can have. The value is the number of pools.
    TooManyPools(usize),
    /// All tables together have more slots than handles can address. The value is the number of slots.
    TooManySlots(usize),
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyBytes(bytes) => write!(f, "{bytes} bytes are more than can be allocated"),
            Self::TooManyPools(pools) => {
                write!(f, "{pools} pools are more than {}", Pool::MOST)
            }
            Self::TooManySlots(slots) => write!(
                f,
                "{slots} events, connections, listeners, sources and UDP sockets are more than \
                 {MAX_SLOTS}",
            ),
        }
    }
}

impl error::Error for CapacityError {}
