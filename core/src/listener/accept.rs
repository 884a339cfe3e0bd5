//! Accepted connections that are not yet open for the application.
//!
//! A listener can be disabled or freed between an accept and its callback, also by a callback of another connection.
//! Connections of a disabled listener are held back until it is enabled again. Connections of a freed listener are
//! reset. O(1) for each connection.

use crate::Cx;
use crate::conn::{ConnSlot, flag};
use crate::error::Code;
use crate::queue::Id;

impl<A> Cx<'_, A> {
    /// Opens an accepted connection for the application, when the connection is at the front of the queue. If its
    /// listener is disabled or was freed, removes the connection from the queue and returns `false`.
    pub(crate) fn hand_over(&mut self, index: u16) -> bool {
        let Some((_, slot)) = self.tables.conns.at(index) else { return false };
        let listener = slot.listener;
        match self.tables.listeners.get_mut(listener).filter(|slot| !slot.is_freed()) {
            Some(held) if held.is_enabled() => {
                slot.turn.set(flag::UNACCEPTED, false);
                slot.turn.set(flag::READ_ENABLED, true);
                self.conn_opened(index);
                return true;
            }
            Some(held) => {
                let due = self.queues.done(&mut slot.turn);
                slot.turn.set_due(due);
                slot.turn.set(flag::HELD_BACK, true);
                held.held_back.push(&mut self.tables.conns, Id::at(index));
            }
            None => {
                self.queues.done(&mut slot.turn);
                self.conn_drop(index, Code::ABORTED);
            }
        }
        false
    }

    /// Queues the callbacks of the connections that a listener holds back.
    pub(super) fn release_held_back(&mut self, listener: u16) {
        while let Some(index) = self.pop_held_back(listener) {
            self.conn_queue(index);
        }
    }

    /// Resets the connections that a listener holds back.
    pub(super) fn drop_held_back(&mut self, listener: u16) {
        while let Some(index) = self.pop_held_back(listener) {
            self.conn_drop(index, Code::ABORTED);
        }
    }

    /// Takes a connection off its listener's list, if it is held back.
    pub(crate) fn stop_holding_back(&mut self, index: u16) {
        let held_back = |slot: &&mut ConnSlot<A>| slot.has(flag::HELD_BACK);
        let Some(slot) = self.tables.conns.slot_mut(index).filter(held_back) else { return };
        slot.turn.set(flag::HELD_BACK, false);
        if let Some(held) = self.tables.listeners.get_mut(slot.listener) {
            held.held_back.remove(&mut self.tables.conns, Id::at(index));
        }
    }

    fn pop_held_back(&mut self, listener: u16) -> Option<u16> {
        let held = self.tables.listeners.slot_mut(listener)?;
        let index = held.held_back.pop(&mut self.tables.conns).slot();
        let slot = self.tables.conns.slot_mut(index)?;
        slot.turn.set(flag::HELD_BACK, false);
        Some(index)
    }
}
