//! Connections that were accepted and not handed to their listener's callback yet.
//!
//! A listener can be disabled or freed between the accept and its callback, even by the callback for
//! another connection. Connections of a disabled listener are held back until it is enabled again;
//! those of a freed one are dropped. O(1) for each connection.

use crate::conn::id_of;
use crate::handle::{Conn, Listener};
use crate::list::{Chain, List};
use crate::{Cx, Fired};

impl<A> Cx<'_, A> {
    /// Prepares the accept callback of a connection whose turn it is, which ends the turn.
    pub(crate) fn hand_over(&mut self, conn: Conn) -> Option<Fired<A>> {
        let state = self.tables.conns.get_mut(conn)?;
        self.active.done(&mut state.turn);
        let listener = state.listener;
        match self.tables.listeners.get_mut(listener).filter(|state| !state.freed) {
            Some(held) if held.enabled => {
                let call = held.on_accept;
                state.set_accepted();
                call.map(|call| Fired::Conn(call, conn))
            }
            Some(_) => {
                state.held_back = true;
                self.with_held_back(listener, |cx, held_back| {
                    held_back.push(&mut cx.tables, Chain::Active, id_of(conn));
                });
                None
            }
            None => {
                self.conn_drop(conn);
                None
            }
        }
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
        let Some(state) = self.tables.conns.get(conn).filter(|state| state.held_back) else {
            return;
        };
        self.with_held_back(state.listener, |cx, held_back| {
            held_back.remove(&mut cx.tables, Chain::Active, id_of(conn));
        });
        if let Some(state) = self.tables.conns.get_mut(conn) {
            state.held_back = false;
        }
    }

    fn pop_held_back(&mut self, listener: Listener) -> Option<Conn> {
        let id = self.with_held_back(listener, |cx, held_back| {
            held_back.pop(&mut cx.tables, Chain::Active)
        })??;
        let (conn, state) = self.tables.conns.at(id.index())?;
        state.held_back = false;
        Some(conn)
    }

    /// Works on a listener's list, whose links stand in the tables as the list itself does.
    fn with_held_back<R>(
        &mut self,
        listener: Listener,
        work: impl FnOnce(&mut Self, &mut List) -> R,
    ) -> Option<R> {
        let mut held_back = self.tables.listeners.get(listener)?.held_back;
        let done = work(self, &mut held_back);
        self.tables.listeners.get_mut(listener)?.held_back = held_back;
        Some(done)
    }
}
