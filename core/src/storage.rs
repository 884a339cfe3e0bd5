//! The memory of a base: every table and ring, with the capacities chosen once, in the type.

use crate::memory::{ConnSlot, EventSlot, ListenerSlot, MAX_RING, Memory, SourceSlot};
use crate::table::Slot;

/// Room for an [`EventBase`](crate::EventBase) of the application `A`.
///
/// | parameter | is |
/// |---|---|
/// | `EVENTS` | events that can exist at once: timers, signals, sources' readiness, watchers |
/// | `CONNS` | connections that can exist at once, those being flushed after a close included |
/// | `INPUT` | bytes received and not consumed, for each connection |
/// | `OUTPUT` | bytes written and not sent, for each connection |
/// | `LISTENERS` | listeners that can exist at once |
/// | `SOURCES` | [sources](crate::Source) that can exist at once |
///
/// All tables together have 65,535 slots at most; further slots are not used. A connection's rings
/// have at least one byte, and on a 32-bit target at most 65,535 bytes: another size does not
/// compile. A new storage is all zeros, so a `static` one takes no flash:
///
/// ```
/// use picoevent::{EventBase, Storage};
/// # struct App;
/// let mut storage = Storage::<App, 8, 4, 256, 256>::new();
/// let base = EventBase::new(&mut storage);
/// # let _ = base;
/// ```
///
/// A connection without room for input could never detect the end of its peer's stream:
///
/// ```compile_fail,E0080
/// # use picoevent::Storage;
/// # struct App;
/// let storage = Storage::<App, 8, 4, 0, 256>::new();
/// ```
///
/// On a host, use `picoevent_mio::HeapStorage`: it is on the heap, and its size is chosen at run time.
/// A `Box::new(Storage::new())` of some megabytes overflows the stack. Other kinds of storage are made
/// of [parts](crate::memory).
pub struct Storage<
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const INPUT: usize = 512,
    const OUTPUT: usize = 512,
    const LISTENERS: usize = 1,
    const SOURCES: usize = 0,
> {
    events: [EventSlot<A>; EVENTS],
    event_heap: [u16; EVENTS],
    conns: [ConnSlot<A>; CONNS],
    conn_heap: [u16; CONNS],
    input: [[u8; INPUT]; CONNS],
    output: [[u8; OUTPUT]; CONNS],
    listeners: [ListenerSlot<A>; LISTENERS],
    sources: [SourceSlot; SOURCES],
}

impl<
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const INPUT: usize,
    const OUTPUT: usize,
    const LISTENERS: usize,
    const SOURCES: usize,
> Storage<A, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS, SOURCES>
{
    /// Makes an empty storage.
    pub const fn new() -> Self {
        const {
            assert!(CONNS == 0 || INPUT > 0, "a connection needs room for input: raise INPUT");
            assert!(CONNS == 0 || OUTPUT > 0, "a connection needs room for output: raise OUTPUT");
            assert!(INPUT <= MAX_RING && OUTPUT <= MAX_RING, "a ring is too long for this target");
        }
        Self {
            events: [const { Slot::EMPTY }; EVENTS],
            event_heap: [0; EVENTS],
            conns: [const { Slot::EMPTY }; CONNS],
            conn_heap: [0; CONNS],
            input: [[0; INPUT]; CONNS],
            output: [[0; OUTPUT]; CONNS],
            listeners: [const { Slot::EMPTY }; LISTENERS],
            sources: [const { Slot::EMPTY }; SOURCES],
        }
    }
}

impl<
    's,
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const INPUT: usize,
    const OUTPUT: usize,
    const LISTENERS: usize,
    const SOURCES: usize,
> From<&'s mut Storage<A, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS, SOURCES>> for Memory<'s, A>
{
    fn from(storage: &'s mut Storage<A, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS, SOURCES>) -> Self {
        Self {
            events: &mut storage.events,
            event_heap: &mut storage.event_heap,
            conns: &mut storage.conns,
            conn_heap: &mut storage.conn_heap,
            input: storage.input.as_flattened_mut(),
            output: storage.output.as_flattened_mut(),
            input_len: INPUT,
            output_len: OUTPUT,
            listeners: &mut storage.listeners,
            sources: &mut storage.sources,
        }
    }
}

impl<
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const INPUT: usize,
    const OUTPUT: usize,
    const LISTENERS: usize,
    const SOURCES: usize,
> Default for Storage<A, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS, SOURCES>
{
    fn default() -> Self {
        Self::new()
    }
}
