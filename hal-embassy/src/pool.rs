//! The pool: all sockets of a loop, and what each is used for.

use core::task::Waker;

use heapless::VecView;
use picoevent::{Conn, EventBase, Instant};

use crate::connects::Outgoing;
use crate::conns;
use crate::env::Env;
use crate::listeners::Listening;
use crate::ready::{self, Ready};
use crate::slot::{Role, Slot};
use crate::socket::Phase;

pub(crate) struct Pool<'r, 'n> {
    pub(crate) slots: &'r mut [Slot<'n>],
    /// The listeners that are enabled.
    pub(crate) listeners: &'r mut VecView<Listening>,
    pub(crate) env: Env<'n>,
    pub(crate) backlog: usize,
    pub(crate) outgoing: Outgoing,
    pub(crate) ready: Ready,
    /// The slots to look at next even without news; see [`ready::mask`].
    pub(crate) marked: u32,
    /// The slots whose wakers must be set before the task sleeps.
    pub(crate) unwatched: u32,
    /// The slots that have a time limit.
    pub(crate) bounded: u32,
    /// Whether the slots must be sorted again even if the looks at them change nothing.
    pub(crate) unsorted: bool,
    /// Whether a connection waits for the base to have room.
    pub(crate) crowded: bool,
    /// When to look again even without news.
    pub(crate) alarm: Instant,
}

/// The kind of socket that [`Pool::oldest`] looks for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// A free socket. One that may still have to send a last answer (TIME-WAIT) counts as younger
    /// than all others.
    Free,
    /// A connection that waits for an enabled listener.
    Waiting,
    /// A socket that listens for a listener with at least so many.
    Spare(usize),
    /// A socket whose peer has everything and has not sent its end of stream yet.
    Finished,
}

impl<'n> Pool<'_, 'n> {
    /// Looks at the sockets that have news or whose time limit has passed, feeds their changes to
    /// the base, and gives free sockets to the listeners.
    pub(crate) fn look<A>(&mut self, base: &mut EventBase<'_, A>, task: &Waker) {
        let news = self.ready.take(task);
        let mut due = news | core::mem::take(&mut self.marked);
        let is_late = self.alarm <= self.env.now;
        let mut changed =
            core::mem::take(&mut self.unsorted) || is_late || self.crowded && base.has_room();
        if due == 0 && !changed {
            return;
        }
        if self.env.network.look(news) {
            due = u32::MAX;
        }
        if is_late {
            due |= self.bounded;
        }
        // In reverse order: a handshake affects the listening sockets before it.
        for index in (0..self.slots.len()).rev() {
            if due & ready::mask(index) != 0 {
                let Some(slot) = self.slots.get_mut(index) else { return };
                // `sort` checks whether it still owes its reset.
                slot.changed = slot.role == Role::Resetting;
                self.look_at(index, base);
                changed |= self.slots.get(index).is_some_and(|slot| slot.changed);
            }
        }
        self.unwatched |= due;
        if changed {
            self.sort();
            self.take_turns();
            self.hand_over(base);
            self.fill();
        }
    }

    #[inline(never)]
    fn look_at<A>(&mut self, index: usize, base: &mut EventBase<'_, A>) {
        let env = &self.env;
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.role {
            Role::Listening(listener) => self.look_at_listening(index, listener, base),
            Role::Waiting(_) if matches!(slot.socket.phase(), Phase::Closed | Phase::Done) => {
                slot.abort(env.until);
            }
            Role::Connecting(conn)
            | Role::Queued(conn)
            | Role::Open(conn)
            | Role::Closing(conn) => conns::look(slot, conn, base, env),
            Role::Lingering | Role::Finished => {
                slot.socket.discard();
                match slot.socket.phase() {
                    Phase::Closed | Phase::Done => slot.abort(env.until),
                    Phase::Finished if slot.role == Role::Lingering => {
                        slot.serve(Role::Finished, env.now);
                    }
                    _ if slot.until(&env.limits) <= env.now => slot.abort(env.until),
                    _ => {}
                }
            }
            Role::Free | Role::Waiting(_) | Role::Resetting => {}
        }
    }

    /// Sorts the slots by their current role: counts those that listen, stops those that must not,
    /// frees those that owe nothing more, and sets the alarm.
    fn sort(&mut self) {
        (self.bounded, self.crowded, self.alarm) = (0, false, Instant::MAX);
        self.listeners.iter_mut().for_each(Listening::recount);
        for index in (0..self.slots.len()).rev() {
            self.sort_listening(index);
            let Some(slot) = self.slots.get_mut(index) else { return };
            match slot.role {
                Role::Free | Role::Listening(_) | Role::Open(_) => continue,
                Role::Waiting(_) => {
                    self.crowded = true;
                    continue;
                }
                // A socket that owes nothing becomes free in the turn that drops its connection:
                // nothing would wake the task for it later.
                Role::Resetting if !slot.socket.owes_reset() || slot.time <= self.env.now => {
                    // Sockets that may still have to send an answer are used after all others.
                    let answers = slot.socket.phase() == Phase::Done;
                    let time = if answers { self.env.now.as_micros() | 1 } else { 0 };
                    slot.serve(Role::Free, Instant::from_micros(time));
                    continue;
                }
                _ => {}
            }
            self.bounded |= ready::mask(index);
            self.alarm = self.alarm.min(slot.until(&self.env.limits));
        }
    }

    /// Returns the slot of a connection of the base, and marks it for the next look.
    #[inline(never)]
    pub(crate) fn slot_of(&mut self, conn: Conn) -> Option<&mut Slot<'n>> {
        let index = self.slots.iter().position(|slot| slot.conn() == Some(conn))?;
        self.marked |= ready::mask(index);
        self.slots.get_mut(index)
    }

    /// Returns the slot with the earliest time, of those from `first` on that match `wanted`.
    #[inline(never)]
    pub(crate) fn oldest(&self, wanted: Wanted, first: usize) -> Option<usize> {
        let (mut oldest, mut earliest) = (None, Instant::MAX);
        for (index, slot) in self.slots.iter().enumerate() {
            if index < first || oldest.is_some() && earliest <= slot.time {
                continue;
            }
            let suits = match (wanted, slot.role) {
                (Wanted::Free, Role::Free) | (Wanted::Finished, Role::Finished) => true,
                (Wanted::Waiting, Role::Waiting(of)) => self.has_listening(of, 0),
                // A client may have connected since the last look.
                (Wanted::Spare(least), Role::Listening(of)) => {
                    slot.socket.phase() == Phase::Listening && self.has_listening(of, least)
                }
                _ => false,
            };
            if suits {
                (oldest, earliest) = (Some(index), slot.time);
            }
        }
        oldest
    }
}
