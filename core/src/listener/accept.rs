//! Connections that were accepted and not handed to their listener's callback yet.
//!
//! A listener can be disabled or freed between the accept and its callback, even by the callback for
//! another connection. Connections of a disabled listener are held back until it is enabled again;
//! those of a freed one are dropped. O(1) for each connection.

use crate::conn::{ConnSlot, flag};
use crate::queue::Id;
use crate::{Cx, Fired};

impl<A> Cx<'_, A> {
    /// Prepares the accept callback of a connection whose turn it is, which ends the turn.
    pub(crate) fn hand_over(&mut self, index: u16) -> Option<Fired<A>> {
        let (conn, slot) = self.tables.conns.at(index)?;
        let listener = slot.listener;
        self.queues.done(&mut slot.turn);
        match self.tables.listeners.get_mut(listener).filter(|slot| !slot.is_freed()) {
            Some(held) if held.is_enabled() => {
                return held.on_accept.map(|call| Fired::Conn(call, conn));
            }
            Some(held) => {
                slot.set_unaccepted(true);
                slot.turn.set(flag::HELD_BACK, true);
                held.held_back.push(&mut self.tables.conns, Id::at(index));
            }
            None => self.conn_drop(index),
        }
        None
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
            self.conn_drop(index);
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
