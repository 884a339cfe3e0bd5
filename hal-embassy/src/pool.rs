//! The pool: all sockets of a loop, and which of them serves whom.

use core::net::SocketAddr;
use core::task::Context;
use core::time::Duration;

use heapless::VecView;
use picoevent::{Conn, ConnError, EventBase, Instant};

use crate::address;
use crate::config::Config;
use crate::conns;
use crate::listeners::Listening;
use crate::network::Network;
use crate::slot::{Ends, Role, Slot};
use crate::socket::Phase;
use crate::time::Moment;

pub(crate) struct Pool<'r, 'n> {
    pub(crate) slots: &'r mut [Slot<'n>],
    /// The listeners that are enabled.
    pub(crate) listeners: &'r mut VecView<Listening>,
    pub(crate) network: Network<'n>,
    pub(crate) config: Config,
    pub(crate) moment: Moment,
}

impl<'n> Pool<'_, 'n> {
    /// Looks what has become of each socket, feeds it to the base, and gives sockets that are free
    /// to the listeners.
    pub(crate) fn look<A>(&mut self, base: &mut EventBase<'_, A>, cx: &mut Context<'_>) {
        self.network.look();
        self.listeners.iter_mut().for_each(|held| held.vacant = 0);
        for index in 0..self.slots.len() {
            self.look_at(index, base, cx);
        }
        self.hand_over(base);
        self.fill(cx);
    }

    fn look_at<A>(&mut self, index: usize, base: &mut EventBase<'_, A>, cx: &mut Context<'_>) {
        let moment = self.moment;
        let now = moment.now;
        let Some(slot) = self.slots.get_mut(index) else { return };
        match (slot.role, slot.socket.phase()) {
            (Role::Listening(listener), Phase::Listening) => {
                match self.listeners.iter_mut().find(|held| held.listener == listener) {
                    Some(held) => held.vacant = held.vacant.saturating_add(1),
                    None => slot.abort(moment),
                }
            }
            (Role::Listening(_) | Role::Lingering, Phase::Handshake) => {}
            (Role::Listening(_) | Role::Waiting(_), Phase::Closed | Phase::Done) => {
                slot.abort(moment);
            }
            (Role::Listening(listener), _) => slot.serve(Role::Waiting(listener), now),
            (Role::Waiting(_), _) => {}
            (Role::Connecting(conn) | Role::Open(conn) | Role::Closing(conn), _) => {
                conns::look(slot, conn, base, &self.network, &self.config, moment, cx);
            }
            (Role::Lingering, phase) => {
                slot.socket.discard(cx);
                if phase == Phase::Finished {
                    slot.time = slot.time.min(now.after(self.config.fin_wait));
                }
                let over = matches!(phase, Phase::Closed | Phase::Done);
                if over || slot.time <= now {
                    slot.abort(moment);
                }
            }
            (Role::Free | Role::Resetting, _) => {}
        }
        // Looked at last, so that a socket which owes nothing is free in the turn that drops its
        // connection: nothing would wake the task for it.
        if slot.role == Role::Resetting && (!slot.socket.owes_reset() || slot.time <= now) {
            // Those that may still have an answer to give are used after all others.
            let answers = slot.socket.phase() == Phase::Done;
            let time = if answers { now.after(Duration::from_micros(1)) } else { Instant::ZERO };
            slot.serve(Role::Free, time);
        }
    }

    /// Opens a connection with a free socket, or with one that listens.
    ///
    /// # Errors
    /// Why it can not be opened.
    pub(crate) fn connect(
        &mut self,
        conn: Conn,
        peer: SocketAddr,
        cx: &mut Context<'_>,
    ) -> Result<(), ConnError> {
        let endpoint = address::peer_endpoint(peer).ok_or(ConnError::AddressInvalid)?;
        if !self.network.reaches(peer) {
            return Err(ConnError::Unreachable);
        }
        let moment = self.moment;
        let index = self.free().or_else(|| self.spare(0)).ok_or(ConnError::NoSocket)?;
        let slot = self.slots.get_mut(index).ok_or(ConnError::NoSocket)?;
        slot.abort(moment);
        slot.socket.connect(endpoint, cx)?;
        slot.ends = Ends::default();
        slot.serve(Role::Connecting(conn), moment.now);
        Ok(())
    }

    /// The slot of a connection of the base.
    pub(crate) fn slot_of(&mut self, conn: Conn) -> Option<&mut Slot<'n>> {
        self.slots.iter_mut().find(|slot| slot.conn() == Some(conn))
    }

    /// A free socket; one that may still have a last answer to give (TIME-WAIT) only if there is
    /// no other, the oldest of those first.
    pub(crate) fn free(&self) -> Option<usize> {
        let free = self.slots.iter().enumerate().filter(|(_, slot)| slot.role == Role::Free);
        free.min_by_key(|(_, slot)| slot.time).map(|(index, _)| index)
    }

    /// When the next slot is given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.slots.iter().filter_map(Slot::deadline).min()
    }
}
