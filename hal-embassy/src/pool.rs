//! The pool: all sockets of a loop, and which of them serves whom.

use core::task::Context;

use heapless::VecView;
use picoevent::{Conn, EventBase, Instant};

use crate::config::Config;
use crate::conns;
use crate::listeners::Listening;
use crate::network::Network;
use crate::slot::{Role, Slot};
use crate::socket::Phase;
use crate::time::Moment;

pub(crate) struct Pool<'r, 'n> {
    pub(crate) slots: &'r mut [Slot<'n>],
    /// The listeners that are enabled.
    pub(crate) listeners: &'r mut VecView<Listening>,
    pub(crate) network: Network<'n>,
    pub(crate) config: Config,
    pub(crate) moment: Moment,
    /// When to look again though nothing happens.
    pub(crate) alarm: Instant,
}

impl<'n> Pool<'_, 'n> {
    /// Looks what has become of each socket, feeds it to the base, and gives sockets that are free
    /// to the listeners.
    pub(crate) fn look<A>(&mut self, base: &mut EventBase<'_, A>, cx: &mut Context<'_>) {
        self.network.look();
        self.alarm = Instant::MAX;
        self.listeners.iter_mut().for_each(Listening::recount);
        // The last first: a handshake concerns the listening sockets before it.
        for index in (0..self.slots.len()).rev() {
            self.look_at(index, base, cx);
        }
        self.take_turns(cx);
        self.hand_over(base);
        self.fill(cx);
    }

    fn look_at<A>(&mut self, index: usize, base: &mut EventBase<'_, A>, cx: &mut Context<'_>) {
        let moment = self.moment;
        let now = moment.now;
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.role {
            Role::Listening(listener) => self.look_at_listening(index, listener, base),
            Role::Waiting(_) if matches!(slot.socket.phase(), Phase::Closed | Phase::Done) => {
                slot.abort(moment);
            }
            Role::Connecting(conn)
            | Role::Queued(conn)
            | Role::Open(conn)
            | Role::Closing(conn) => {
                conns::look(slot, conn, base, &self.network, &self.config, moment, cx);
            }
            Role::Lingering | Role::Finished => {
                slot.socket.discard(cx);
                match slot.socket.phase() {
                    Phase::Closed | Phase::Done => slot.abort(moment),
                    Phase::Finished if slot.role == Role::Lingering => {
                        slot.serve(Role::Finished, now);
                    }
                    _ if slot.until(&self.config) <= now => slot.abort(moment),
                    _ => {}
                }
            }
            Role::Free | Role::Waiting(_) | Role::Resetting => {}
        }
        let Some(slot) = self.slots.get_mut(index) else { return };
        // Looked at last, so that a socket which owes nothing is free in the turn that drops its
        // connection: nothing would wake the task for it.
        if slot.role == Role::Resetting && (!slot.socket.owes_reset() || slot.time <= now) {
            // Those that may still have an answer to give are used after all others.
            let answers = slot.socket.phase() == Phase::Done;
            let time = if answers { now.as_micros() | 1 } else { 0 };
            slot.serve(Role::Free, Instant::from_micros(time));
        }
        self.alarm = self.alarm.min(slot.until(&self.config));
    }

    /// The slot of a connection of the base.
    #[inline(never)]
    pub(crate) fn slot_of(&mut self, conn: Conn) -> Option<&mut Slot<'n>> {
        self.slots.iter_mut().find(|slot| slot.conn() == Some(conn))
    }

    /// A free socket; one that may still have a last answer to give (TIME-WAIT) only if there is
    /// no other, the oldest of those first.
    pub(crate) fn free(&self) -> Option<usize> {
        self.oldest(&|_, slot| slot.role == Role::Free)
    }

    /// A socket, from `first` on, whose peer has everything and only has to end; the one that has
    /// waited longest.
    pub(crate) fn finished(&self, first: usize) -> Option<usize> {
        self.oldest(&|index, slot| first <= index && slot.role == Role::Finished)
    }

    /// Of the slots that suit, the one with the earliest time.
    #[inline(never)]
    pub(crate) fn oldest(&self, suits: &dyn Fn(usize, &Slot<'n>) -> bool) -> Option<usize> {
        let mut oldest = None;
        for (index, slot) in self.slots.iter().enumerate() {
            if oldest.is_none_or(|(time, _)| slot.time < time) && suits(index, slot) {
                oldest = Some((slot.time, index));
            }
        }
        oldest.map(|(_, index)| index)
    }
}
