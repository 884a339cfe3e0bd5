//! The base's tables, and the common numbering of their slots.
//!
//! ```text
//!   0 … events │ … connections │ … listeners │ … sources │ … UDP sockets      65,535 at most
//! ```
//!
//! The slots of all tables are numbered together, and lists refer to a slot by its number. So a link takes two bytes,
//! and the number also determines the table. The number of an event's slot is equal to its index in the table of
//! events.

use crate::conn::ConnSlot;
use crate::event::EventSlot;
use crate::listener::ListenerSlot;
use crate::outbox::Pending;
use crate::queue::{Id, Link, Links, Node, Nodes};
use crate::source::SourceSlot;
use crate::table::Table;
use crate::udp::{UdpIndex, UdpSlot, UdpTable};

pub(crate) struct Tables<'s, A> {
    pub(crate) events: Table<'s, EventSlot<A>>,
    pub(crate) conns: Table<'s, ConnSlot<A>>,
    pub(crate) listeners: Table<'s, ListenerSlot<A>>,
    pub(crate) sources: Table<'s, SourceSlot>,
    pub(crate) udp: UdpTable<'s, A>,
    /// The numbers of the first slots for connections, for listeners and for sources.
    first: [u16; 3],
}

/// The table that contains a slot, and the index of the slot in this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectIndex {
    Event(u16),
    Conn(u16),
    Listener(u16),
    Source(u16),
    Udp(UdpIndex),
}

impl<'s, A> Tables<'s, A> {
    /// Makes the tables. Together the tables use at most 65,535 slots. Further slots are not used.
    pub(crate) fn new(
        events: &'s mut [EventSlot<A>],
        conns: &'s mut [ConnSlot<A>],
        listeners: &'s mut [ListenerSlot<A>],
        sources: &'s mut [SourceSlot],
        udp: &'s mut [UdpSlot<A>],
    ) -> Self {
        let mut number = 0;
        let events = Table::new(events, &mut number);
        let conn = number;
        let conns = Table::new(conns, &mut number);
        let listener = number;
        let listeners = Table::new(listeners, &mut number);
        let first = [conn, listener, number];
        let sources = Table::new(sources, &mut number);
        let udp = UdpTable::new(udp, &mut number);
        Self { events, conns, listeners, sources, udp, first }
    }

    /// Returns the tables shortened to the given numbers of slots, all free; `None` if a table has fewer slots.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(
        self,
        [events, conns, listeners, sources, udp]: [usize; 5],
    ) -> Option<Self> {
        let mut number = 0;
        let events = self.events.shortened(events, &mut number)?;
        let conn = number;
        let conns = self.conns.shortened(conns, &mut number)?;
        let listener = number;
        let listeners = self.listeners.shortened(listeners, &mut number)?;
        let first = [conn, listener, number];
        let sources = self.sources.shortened(sources, &mut number)?;
        let udp = self.udp.shortened(udp, &mut number)?;
        Some(Self { events, conns, listeners, sources, udp, first })
    }

    pub(crate) const fn conn_id(&self, index: u16) -> Id {
        Id::at(self.first[0].wrapping_add(index))
    }

    pub(crate) const fn listener_id(&self, index: u16) -> Id {
        Id::at(self.first[1].wrapping_add(index))
    }

    pub(crate) const fn source_id(&self, index: u16) -> Id {
        Id::at(self.first[2].wrapping_add(index))
    }

    /// Returns the table of a slot, and the index of the slot in this table. For [`Id::NONE`], the returned index does
    /// not exist in the returned table.
    pub(crate) fn object_index(&self, id: Id) -> ObjectIndex {
        let [conn, listener, source] = self.first;
        match id.slot() {
            number if number < conn => ObjectIndex::Event(number),
            number if number < listener => ObjectIndex::Conn(number.wrapping_sub(conn)),
            number if number < source => ObjectIndex::Listener(number.wrapping_sub(listener)),
            number => match self.udp.index_of(number) {
                Some(index) => ObjectIndex::Udp(index),
                None => ObjectIndex::Source(number.wrapping_sub(source)),
            },
        }
    }

    /// Returns a slot's pending actions.
    pub(crate) fn pending(&mut self, id: Id) -> Option<&mut Pending> {
        match self.object_index(id) {
            ObjectIndex::Conn(index) => self.conns.slot_mut(index).map(|slot| &mut slot.pending),
            ObjectIndex::Listener(index) => {
                self.listeners.slot_mut(index).map(|slot| &mut slot.pending)
            }
            ObjectIndex::Source(index) => {
                self.sources.slot_mut(index).map(|slot| &mut slot.pending)
            }
            ObjectIndex::Udp(index) => self.udp.pending(index),
            ObjectIndex::Event(_) => None,
        }
    }
}

impl<A> Nodes for Tables<'_, A> {
    fn node(&mut self, id: Id) -> Option<&mut Node> {
        // The slot is looked up twice, because the borrow checker does not see that the first borrow has ended.
        if self.events.by_id(id).is_some() {
            return self.events.by_id(id).map(|slot| &mut slot.node);
        }
        self.node_of_other(id)
    }
}

/// Lists of connections and the queues use the same link in a slot, because a connection is never on a list and on a
/// queue at the same time.
impl<A> Links for Table<'_, ConnSlot<A>> {
    fn link(&mut self, id: Id) -> Option<&mut Link> {
        self.slot_mut(id.slot()).map(|slot| &mut slot.node.link)
    }
}

impl<A> Tables<'_, A> {
    /// Returns the [`Node`] of a slot that is not in the table of events. Returns `None` for a source, because a source
    /// has no [`Node`].
    pub(crate) fn node_of_other(&mut self, id: Id) -> Option<&mut Node> {
        match self.object_index(id) {
            ObjectIndex::Conn(index) => self.conns.slot_mut(index).map(|slot| &mut slot.node),
            ObjectIndex::Listener(index) => {
                self.listeners.slot_mut(index).map(|slot| &mut slot.node)
            }
            ObjectIndex::Udp(index) => self.udp.node(index),
            ObjectIndex::Event(_) | ObjectIndex::Source(_) => None,
        }
    }
}
