//! Connections that were accepted and not opened for the application yet.
//!
//! A listener can be disabled or freed between the accept and the callback for it, even by a callback of
//! another connection. Connections of a disabled listener are held back until it is enabled again;
//! those of a freed one are dropped. O(1) for each connection.

use crate::Cx;
use crate::conn::{ConnSlot, flag};
use crate::error::Code;
use crate::queue::Id;

impl<A> Cx<'_, A> {
    /// Hands an accepted connection whose turn it is over to the application. Returns `false`, and ends the
    /// turn, if its listener is disabled or was freed meanwhile.
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

    /// Gives the connections that a listener holds back their turn.
    pub(super) fn release_held_back(&mut self, listener: u16) {
        while let Some(index) = self.pop_held_back(listener) {
            self.conn_queue(index);
        }
    }

    /// Drops the connections that a listener holds back.
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
