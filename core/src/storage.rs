//! The memory of a base: every table and ring, with the capacities chosen once, in the type.

use crate::common::Common;
use crate::conn::ConnState;
use crate::event::EventState;
use crate::listener::ListenerState;
use crate::source::SourceState;
use crate::table::Slot;
use crate::timer::{Deadline, Key};

/// Room for an [`EventBase`](crate::EventBase) of the application `A`.
///
/// | parameter | is |
/// |---|---|
/// | `EVENTS` | events that can exist at once: timers, signals, sources' readiness, watchers |
/// | `CONNS` | connections that can exist at once, those being flushed after a close included |
/// | `INPUT` | bytes received and not consumed, for each connection |
/// | `OUTPUT` | bytes written and not sent, for each connection |
/// | `LISTENERS` | listeners that can exist at once |
/// | `COMMON` | durations that can have a list of their own, see [`CommonTimeout`](crate::CommonTimeout) |
///
/// Tables have 65,535 slots at most; what goes beyond is not used. A new storage is all zeros, so a
/// `static` one takes no flash:
///
/// ```
/// use picoevent::{EventBase, Storage};
/// # struct App;
/// let mut storage = Storage::<App, 8, 4, 256, 256>::new();
/// let base = EventBase::new(&mut storage);
/// # let _ = base;
/// ```
pub struct Storage<
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const INPUT: usize = 512,
    const OUTPUT: usize = 512,
    const LISTENERS: usize = 1,
    const COMMON: usize = 1,
> {
    pub(crate) events: [Slot<EventState<A>>; EVENTS],
    pub(crate) event_heap: [Key; EVENTS],
    pub(crate) event_deadlines: [Deadline; EVENTS],
    pub(crate) commons: [Common; COMMON],
    pub(crate) sources: [Slot<SourceState>; EVENTS],
    pub(crate) listeners: [Slot<ListenerState<A>>; LISTENERS],
    pub(crate) conns: [Slot<ConnState<A>>; CONNS],
    pub(crate) conn_heap: [[Key; 2]; CONNS],
    pub(crate) conn_deadlines: [[Deadline; 2]; CONNS],
    pub(crate) input: [[u8; INPUT]; CONNS],
    pub(crate) output: [[u8; OUTPUT]; CONNS],
}

impl<
    A,
    const EVENTS: usize,
    const CONNS: usize,
    const INPUT: usize,
    const OUTPUT: usize,
    const LISTENERS: usize,
    const COMMON: usize,
> Storage<A, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS, COMMON>
{
    /// Makes an empty storage.
    pub const fn new() -> Self {
        Self {
            events: [const { Slot::EMPTY }; EVENTS],
            event_heap: [const { Key::EMPTY }; EVENTS],
            event_deadlines: [const { Deadline::EMPTY }; EVENTS],
            commons: [const { Common::EMPTY }; COMMON],
            sources: [const { Slot::EMPTY }; EVENTS],
            listeners: [const { Slot::EMPTY }; LISTENERS],
            conns: [const { Slot::EMPTY }; CONNS],
            conn_heap: [const { [const { Key::EMPTY }; 2] }; CONNS],
            conn_deadlines: [const { [const { Deadline::EMPTY }; 2] }; CONNS],
            input: [[0; INPUT]; CONNS],
            output: [[0; OUTPUT]; CONNS],
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
    const COMMON: usize,
> Default for Storage<A, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS, COMMON>
{
    fn default() -> Self {
        Self::new()
    }
}
