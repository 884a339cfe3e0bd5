//! Accepted connections whose first callback has not run yet.
//!
//! The first callback of a connection runs some time after the accept. In between, another callback can disable or free
//! the listener. Connections of a disabled listener wait in the listener's list `waiting` until the listener is enabled
//! again. Connections of a freed listener are reset. The cost is O(1) for each connection.

use crate::Cx;
use crate::conn::{ConnSlot, flag};
use crate::error::Code;
use crate::queue::Id;

impl<A> Cx<'_, A> {
    /// Prepares an accepted connection, which is at the front of the queue, for its first callback. Returns `true` if
    /// the callback may run. If the listener is disabled, moves the connection to the listener's list `waiting` and
    /// returns `false`. If the listener was freed, resets the connection and returns `false`.
    pub(crate) fn conn_open_accepted(&mut self, index: u16) -> bool {
        let Some((_, slot)) = self.tables.conns.at(index) else { return false };
        let listener = slot.listener;
        match self.tables.listeners.get_mut(listener).filter(|slot| !slot.is_freed()) {
            Some(listener_slot) if listener_slot.is_enabled() => {
                slot.node.set(flag::UNACCEPTED, false);
                slot.node.set(flag::READ_ENABLED, true);
                self.conn_opened(index);
                return true;
            }
            Some(listener_slot) => {
                let due = self.queues.done(&mut slot.node);
                slot.node.set_due(due);
                slot.node.set(flag::WAITING, true);
                listener_slot.waiting.push(&mut self.tables.conns, Id::at(index));
            }
            None => {
                self.queues.done(&mut slot.node);
                self.conn_reset(index, Code::ABORTED);
            }
        }
        false
    }

    /// Queues the connections that wait in a listener's list `waiting`.
    pub(super) fn listener_queue_waiting(&mut self, listener: u16) {
        while let Some(index) = self.listener_pop_waiting(listener) {
            self.conn_queue(index);
        }
    }

    /// Resets the connections that wait in a listener's list `waiting`.
    pub(super) fn listener_reset_waiting(&mut self, listener: u16) {
        while let Some(index) = self.listener_pop_waiting(listener) {
            self.conn_reset(index, Code::ABORTED);
        }
    }

    /// Removes a connection from its listener's list `waiting`, if it is on the list.
    pub(crate) fn conn_stop_waiting(&mut self, index: u16) {
        let is_waiting = |slot: &&mut ConnSlot<A>| slot.has(flag::WAITING);
        let Some(slot) = self.tables.conns.slot_mut(index).filter(is_waiting) else { return };
        slot.node.set(flag::WAITING, false);
        if let Some(listener_slot) = self.tables.listeners.get_mut(slot.listener) {
            listener_slot.waiting.remove(&mut self.tables.conns, Id::at(index));
        }
    }

    fn listener_pop_waiting(&mut self, listener: u16) -> Option<u16> {
        let listener_slot = self.tables.listeners.slot_mut(listener)?;
        let index = listener_slot.waiting.pop(&mut self.tables.conns).slot();
        let slot = self.tables.conns.slot_mut(index)?;
        slot.node.set(flag::WAITING, false);
        Some(index)
    }
}
