//! Inspection of a base: its events, connections and listeners, and a text that lists the events.

use core::fmt;

use crate::handle::{Conn, Event, Listener};
use crate::{Cx, EventFlags, Instant, Priority};

/// The state of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EventInfo {
    /// The event.
    pub event: Event,
    /// The conditions that the event waits for.
    pub pending: EventFlags,
    /// The conditions for which the event's callback is due.
    pub active: EventFlags,
    /// The deadline of the event's timeout, if the timeout is armed.
    pub deadline: Option<Instant>,
    /// The event's priority.
    pub priority: Priority,
    /// The application's data word.
    pub user: u32,
}

impl<'s, A> Cx<'s, A> {
    /// Returns the events that are pending or active, each once, in the order of their slots
    /// (`event_base_foreach_event`). The whole iteration costs O(size of the table).
    pub fn events(&self) -> impl Iterator<Item = EventInfo> {
        self.tables.events.iter().filter_map(|(event, state)| {
            let deadline = self.event_deadline(event.slot(), state);
            let timeout = if deadline.is_some() { EventFlags::TIMEOUT } else { EventFlags::NONE };
            let info = EventInfo {
                event,
                pending: state.pending() | timeout,
                active: EventFlags::from_bits(state.node.due()),
                deadline,
                priority: state.node.priority(),
                user: state.user,
            };
            (!info.pending.is_empty() || state.node.is_queued()).then_some(info)
        })
    }

    /// Returns the connections that have not ended, including connections at rest, in the order of their slots.
    /// Accepted connections whose first callback has not run are left out. The whole iteration costs O(size of the
    /// table).
    pub fn conns(&self) -> impl Iterator<Item = Conn> {
        let conns = self.tables.conns.iter();
        let in_use = conns.filter(|(_, state)| state.is_in_use() && !state.is_unaccepted());
        in_use.map(|(conn, _)| conn)
    }

    /// Returns the listeners that have not been freed, in the order of their slots. The whole iteration costs O(size of
    /// the table).
    pub fn listeners(&self) -> impl Iterator<Item = Listener> {
        let listeners = self.tables.listeners.iter().filter(|(_, state)| !state.is_freed());
        listeners.map(|(listener, _)| listener)
    }

    /// Returns a readable text: the loop's time, the counts of added and active events, and a line for each event that
    /// is pending or active (`event_base_dump_events`).
    pub fn dump(&self) -> Dump<'_, 's, A> {
        Dump(self)
    }
}

/// A readable text, made by [`Cx::dump`].
pub struct Dump<'c, 's, A>(&'c Cx<'s, A>);

impl<A> fmt::Display for Dump<'_, '_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.counts();
        write!(
            f,
            "at {} us: {} added, {} active",
            self.0.now().as_micros(),
            counts.added,
            counts.active
        )?;
        for info in self.0.events() {
            write!(f, "\n  {info}")?;
            if let Some(deadline) = info.deadline {
                write!(f, ", in {} us", deadline.since(self.0.now()).as_micros())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for EventInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, pending, active, priority, user, .. } = self;
        write!(
            f,
            "event {event:?} user {user} priority {}: pending {pending:?}",
            priority.level()
        )?;
        if active.is_empty() { Ok(()) } else { write!(f, ", active {active:?}") }
    }
}
