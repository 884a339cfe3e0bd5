//! The memory of a base on the heap, with capacities that are known only at run time.

use std::{error, fmt};

use picoevent::memory::{
    ConnSlot, EventSlot, ListenerSlot, MAX_RING, MAX_SLOTS, Memory, SourceSlot,
};

/// How much an [`EventBase`](picoevent::EventBase) has room for.
///
/// The defaults are those of a [`Storage`](picoevent::Storage): rings of 512 bytes, one listener and
/// no source. The default for events and connections is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacities {
    /// Events that can exist at once: timers, signals, sources' readiness, watchers.
    pub events: usize,
    /// Connections that can exist at once, including those being flushed after a close.
    pub conns: usize,
    /// Bytes received and not consumed, for each connection.
    pub input: usize,
    /// Bytes written and not sent, for each connection.
    pub output: usize,
    /// Listeners that can exist at once.
    pub listeners: usize,
    /// [Sources](picoevent::Source) that can exist at once.
    pub sources: usize,
}

/// Room for an [`EventBase`](picoevent::EventBase) of the application `A`, on the heap.
///
/// A [`Storage`](picoevent::Storage) has its capacities in its type. `Box::new(Storage::new())` makes
/// it on the stack first, which a storage of some megabytes overflows. This one is made on the heap:
///
/// ```
/// use picoevent::EventBase;
/// use picoevent_mio::{Capacities, HeapStorage};
/// # struct App;
///
/// # fn main() -> Result<(), picoevent_mio::CapacityError> {
/// let capacities = Capacities { events: 8, conns: 10_000, input: 4096, ..Capacities::default() };
/// let mut storage = HeapStorage::<App>::new(capacities)?;
/// let base = EventBase::over(storage.memory());
/// # let _ = base;
/// # Ok(())
/// # }
/// ```
///
/// The system gives zeroed memory for the rings, and allocates most pages only when a connection
/// first uses them.
pub struct HeapStorage<A> {
    events: Box<[EventSlot<A>]>,
    event_heap: Box<[u16]>,
    conns: Box<[ConnSlot<A>]>,
    conn_heap: Box<[u16]>,
    input: Box<[u8]>,
    output: Box<[u8]>,
    listeners: Box<[ListenerSlot<A>]>,
    sources: Box<[SourceSlot]>,
    input_len: usize,
    output_len: usize,
}

impl Default for Capacities {
    fn default() -> Self {
        Self { events: 0, conns: 0, input: 512, output: 512, listeners: 1, sources: 0 }
    }
}

impl Capacities {
    /// Checks that a base can use all of it.
    fn check(&self) -> Result<(), CapacityError> {
        let Self { events, conns, input, output, listeners, sources } = *self;
        let slots = [events, conns, listeners, sources].into_iter().fold(0, usize::saturating_add);
        if slots > MAX_SLOTS {
            return Err(CapacityError::TooManySlots(slots));
        }
        if conns == 0 {
            return Ok(());
        }
        // No allocation may be longer than `isize::MAX`; on a 32-bit machine rings could be.
        let longest = MAX_RING.min(isize::MAX as usize / conns);
        match (input, output) {
            (0, _) => Err(CapacityError::NoInput),
            (_, 0) => Err(CapacityError::NoOutput),
            _ if input.max(output) > longest => Err(CapacityError::RingTooLong { longest }),
            _ => Ok(()),
        }
    }
}

impl<A> HeapStorage<A> {
    /// Makes an empty storage. O(number of slots).
    ///
    /// # Errors
    /// [`CapacityError`], when a base could not use these capacities.
    pub fn new(capacities: Capacities) -> Result<Self, CapacityError> {
        capacities.check()?;
        let Capacities { events, conns, input, output, listeners, sources } = capacities;
        Ok(Self {
            events: slots(events, EventSlot::new),
            event_heap: vec![0; events].into(),
            conns: slots(conns, ConnSlot::new),
            conn_heap: vec![0; conns].into(),
            input: vec![0; conns * input].into(),
            output: vec![0; conns * output].into(),
            listeners: slots(listeners, ListenerSlot::new),
            sources: slots(sources, SourceSlot::new),
            input_len: input,
            output_len: output,
        })
    }

    /// Lends the memory, for [`EventBase::over`](picoevent::EventBase::over).
    pub fn memory(&mut self) -> Memory<'_, A> {
        Memory {
            events: &mut self.events,
            event_heap: &mut self.event_heap,
            conns: &mut self.conns,
            conn_heap: &mut self.conn_heap,
            input: &mut self.input,
            output: &mut self.output,
            input_len: self.input_len,
            output_len: self.output_len,
            listeners: &mut self.listeners,
            sources: &mut self.sources,
        }
    }
}

/// Makes slots one at a time, so that at most one is on the stack.
fn slots<T>(number: usize, new: fn() -> T) -> Box<[T]> {
    std::iter::repeat_with(new).take(number).collect()
}

/// Why a storage with these [`Capacities`] cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityError {
    /// Connections would have no room for input, and would never see their peers' end of stream.
    NoInput,
    /// Connections would have no room for output.
    NoOutput,
    /// A ring is longer than this machine allows for so many connections.
    RingTooLong {
        /// The most bytes that a ring can have with so many connections.
        longest: usize,
    },
    /// All tables together have more slots than handles can address. The value is their number.
    TooManySlots(usize),
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInput => write!(f, "a connection needs room for input: raise `input`"),
            Self::NoOutput => write!(f, "a connection needs room for output: raise `output`"),
            Self::RingTooLong { longest } => {
                write!(f, "a ring can have {longest} bytes: lower `input`, `output` or `conns`")
            }
            Self::TooManySlots(slots) => write!(
                f,
                "{slots} events, connections, listeners and sources are more than {MAX_SLOTS}",
            ),
        }
    }
}

impl error::Error for CapacityError {}
