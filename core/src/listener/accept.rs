//! Connections that were accepted and not handed to their listener's callback yet.
//!
//! A listener can be disabled or freed between the accept and its callback, even by the callback for
//! another connection. Connections of a disabled listener are held back until it is enabled again;
//! those of a freed one are dropped. O(1) for each connection.

use crate::conn::flag;
use crate::handle::{Conn, Listener};
use crate::queue::{ActiveLinks, Id};
use crate::tables::Place;
use crate::{Cx, Fired};

impl<A> Cx<'_, A> {
    /// Prepares the accept callback of a connection whose turn it is, which ends the turn.
    pub(crate) fn hand_over(&mut self, conn: Conn) -> Option<Fired<A>> {
        let slot = self.tables.conns.get_mut(conn)?;
        let listener = slot.listener;
        self.queues.done(&mut slot.turn);
        match self.tables.listeners.get_mut(listener).filter(|slot| !slot.is_freed()) {
            Some(held) if held.is_enabled() => {
                return held.on_accept.map(|call| Fired::Conn(call, conn));
            }
            Some(held) => {
                slot.set_unaccepted(true);
                slot.turn.set(flag::HELD_BACK, true);
                let mut held_back = held.held_back;
                let id = self.tables.conn_id(conn.slot());
                held_back.push(&mut ActiveLinks(&mut self.tables), id);
                self.set_held_back(listener, held_back);
            }
            None => self.conn_drop(conn),
        }
        None
    }

    /// Gives the connections that a listener holds back their turn.
    pub(super) fn release_held_back(&mut self, listener: Listener) {
        while let Some(conn) = self.pop_held_back(listener) {
            self.conn_queue(conn);
        }
    }

    /// Drops the connections that a listener holds back.
    pub(super) fn drop_held_back(&mut self, listener: Listener) {
        while let Some(conn) = self.pop_held_back(listener) {
            self.conn_drop(conn);
        }
    }

    /// Takes a connection off its listener's list, if it is held back.
    pub(crate) fn stop_holding_back(&mut self, conn: Conn) {
        let held_back = |slot: &&mut _| crate::conn::ConnSlot::has(slot, flag::HELD_BACK);
        let Some(slot) = self.tables.conns.get_mut(conn).filter(held_back) else { return };
        slot.turn.set(flag::HELD_BACK, false);
        let listener = slot.listener;
        let Some(mut list) = self.tables.listeners.get(listener).map(|slot| slot.held_back) else {
            return;
        };
        let id = self.tables.conn_id(conn.slot());
        list.remove(&mut ActiveLinks(&mut self.tables), id);
        self.set_held_back(listener, list);
    }

    fn pop_held_back(&mut self, listener: Listener) -> Option<Conn> {
        let mut list = self.tables.listeners.get(listener)?.held_back;
        let id: Id = list.pop(&mut ActiveLinks(&mut self.tables));
        self.set_held_back(listener, list);
        let Place::Conn(index) = self.tables.place(id) else { return None };
        let (conn, slot) = self.tables.conns.at(index)?;
        slot.turn.set(flag::HELD_BACK, false);
        Some(conn)
    }

    /// Stores a listener's list back. It was copied, because its links are in the tables, too.
    fn set_held_back(&mut self, listener: Listener, list: crate::queue::List) {
        if let Some(slot) = self.tables.listeners.get_mut(listener) {
            slot.held_back = list;
        }
    }
}
