//! The pool: all sockets of an adapter, and what each is used for.

use core::task::Waker;

use embassy_net::Stack;
use heapless::VecView;
use picoevent::{Action, Conn, EventBase, Instant};

use crate::config::Config;
use crate::connects::Outgoing;
use crate::conns::{self, Part};
use crate::env::Env;
use crate::listeners::Listening;
use crate::network::Network;
use crate::ready::{self, Ready};
use crate::slot::{Role, Slot};
use crate::socket::Phase;
use crate::time::micros;
use crate::udp::Udp;

pub(crate) struct Pool<'r, 'n> {
    pub(crate) slots: &'r mut [Slot<'n>],
    /// The listeners that are enabled.
    pub(crate) listeners: &'r mut VecView<Listening>,
    pub(crate) state: &'r mut State<'n>,
    pub(crate) udp: Udp<'r, 'n>,
}

/// What a pool keeps beside its slots.
pub(crate) struct State<'n> {
    pub(crate) env: Env<'n>,
    pub(crate) backlog: usize,
    pub(crate) outgoing: Outgoing,
    pub(crate) ready: Ready,
    /// News wakes the task that is polled.
    pub(crate) registered: bool,
    /// The slots whose wakers must be set before the task sleeps; see [`ready::mask`].
    pub(crate) unwatched: u32,
    /// The slots that have a time limit.
    pub(crate) bounded: u32,
    /// Whether the roles of slots have changed, so that they must be sorted again.
    pub(crate) unsorted: bool,
    /// Whether a connection waits for the base to have room.
    pub(crate) crowded: bool,
    /// When to look again even without news.
    pub(crate) alarm: Instant,
    /// A lingering connection whose socket was taken from it; the base does not know that yet.
    pub(crate) ousted: Option<Conn>,
    /// The stack has not run since the sockets were opened.
    pub(crate) is_new: bool,
}

impl<'n> State<'n> {
    pub(crate) fn new(stack: Stack<'n>, config: &Config) -> Self {
        Self {
            env: Env {
                network: Network::new(stack),
                timeout: config.timeout.map_or(u64::MAX, micros),
                now: Instant::ZERO,
            },
            backlog: config.backlog,
            outgoing: config.outgoing,
            ready: Ready::new(),
            registered: false,
            unwatched: 0,
            bounded: 0,
            unsorted: true,
            crowded: false,
            alarm: Instant::MAX,
            ousted: None,
            is_new: true,
        }
    }
}

/// The kind of socket that [`Pool::oldest`] looks for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// A free socket. One that may still have to send a last answer (TIME-WAIT) counts as younger
    /// than all others.
    Free,
    /// A socket that listens for a listener with at least so many.
    Spare(usize),
    /// A socket that waits for its peer's end of stream only.
    Lingering,
}

impl<'n> Pool<'_, 'n> {
    /// Does an action of the base.
    #[inline(never)]
    pub(crate) fn act<A>(&mut self, action: Action, base: &mut EventBase<'_, A>) {
        self.state.env.now = base.now();
        match action {
            Action::Listen(listener) => {
                if let Some(address) = base.address_of(listener)
                    && let Err(error) = self.listen(listener, address, base)
                {
                    base.listen_failed(listener, error);
                }
            }
            Action::Ignore(listener) => self.ignore(listener),
            Action::Unlisten(listener) => self.unlisten(listener),
            Action::Connect(conn) => {
                if let Some(peer) = base.peer_of(conn)
                    && let Err(error) = self.connect(conn, peer, base)
                {
                    base.failed(conn, error);
                }
            }
            Action::Tune(conn, tuning) => {
                if let Some(slot) = self.slot_of(conn) {
                    slot.socket.tune(tuning);
                }
            }
            Action::Receive(conn) => self.move_bytes(conn, Part::Both, base),
            Action::Send(conn) => self.move_bytes(conn, Part::Output, base),
            Action::End(conn) => {
                if let Some(slot) = self.slot_of(conn) {
                    slot.ends.output = true;
                    slot.socket.close();
                }
            }
            Action::Close(conn) => self.leave(conn),
            Action::Reset(conn) => {
                self.state.unsorted = true;
                let now = self.state.env.now;
                if let Some(slot) = self.slot_of(conn) {
                    slot.abort(now);
                }
            }
            Action::Udp(socket, action) => self.act_udp(socket, action, base),
            // Signals come through triggers, and there are no sources.
            Action::Interest(..) | Action::Forget(_) | Action::Catch(_) | Action::Release(_) => {}
        }
    }

    /// Looks at the sockets that have news or whose time limit has passed, and feeds their changes to the
    /// base.
    pub(crate) fn look<A>(&mut self, base: &mut EventBase<'_, A>, task: &Waker) {
        self.state.env.now = base.now();
        self.state.registered = true;
        let news = self.state.ready.take(task);
        let is_late = self.state.alarm <= self.state.env.now;
        let mut due = if is_late { news | self.state.bounded } else { news };
        self.state.unsorted |= is_late;
        if due != 0 {
            if self.state.env.network.look(news) {
                (due, self.state.unsorted) = (u32::MAX, true);
            }
            // In reverse order: a handshake affects the listening sockets before it.
            for index in (0..self.slots.len()).rev() {
                if due & ready::mask(index) != 0 {
                    let Some(slot) = self.slots.get_mut(index) else { return };
                    // `sort` checks whether it still owes its reset.
                    slot.changed = slot.role == Role::Ending;
                    self.look_at(index, base);
                    self.state.unsorted |= self.slots.get(index).is_some_and(|slot| slot.changed);
                }
            }
            self.state.unwatched |= due;
        }
        self.look_at_udp(due, base);
        self.hand_over(base);
    }

    /// Gives free sockets to the listeners, if anything has changed. Returns when to look again even
    /// without news.
    pub(crate) fn arrange<A>(&mut self, base: &mut EventBase<'_, A>) -> Instant {
        self.state.env.now = base.now();
        if core::mem::take(&mut self.state.unsorted) {
            self.sort();
            self.take_turns();
            self.fill(base);
        }
        let can_accept = self.state.crowded && self.next_client(base).is_some();
        if can_accept { Instant::ZERO } else { self.state.alarm.min(self.udp_deadline()) }
    }

    /// Makes news wake the task. Returns whether there is news already.
    pub(crate) fn register(&mut self, task: &Waker) -> bool {
        !core::mem::replace(&mut self.state.registered, true) && self.state.ready.register(task)
    }

    #[inline(never)]
    fn look_at<A>(&mut self, index: usize, base: &mut EventBase<'_, A>) {
        let env = &self.state.env;
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.role {
            Role::Listening(listener) => self.look_at_listening(index, listener, base),
            Role::Waiting(_) if conns::is_dead(slot, env) => slot.abort(env.now),
            Role::Connecting(conn) | Role::Queued(conn) | Role::Open(conn) => {
                conns::look(slot, conn, base, env);
            }
            Role::Free | Role::Waiting(_) | Role::Ending => {}
        }
    }

    /// Sorts the slots by their current role: counts those that listen, stops those that must not,
    /// frees those that owe nothing more, and sets the alarm.
    pub(crate) fn sort(&mut self) {
        (self.state.bounded, self.state.crowded, self.state.alarm) = (0, false, Instant::MAX);
        self.listeners.iter_mut().for_each(Listening::recount);
        for index in (0..self.slots.len()).rev() {
            self.sort_listening(index);
            let Some(slot) = self.slots.get_mut(index) else { return };
            match slot.role {
                Role::Free | Role::Listening(_) | Role::Open(_) => continue,
                Role::Waiting(_) => {
                    self.state.crowded = true;
                    continue;
                }
                // A socket that owes nothing becomes free in the turn that drops its connection:
                // nothing would wake the task for it later.
                Role::Ending => {
                    if slot.release(&self.state.env) {
                        continue;
                    }
                }
                Role::Connecting(_) | Role::Queued(_) => {}
            }
            self.state.bounded |= ready::mask(index);
            self.state.alarm = self.state.alarm.min(slot.until(&self.state.env));
        }
    }

    /// Returns the slot of a connection of the base, which is watched again before the task sleeps.
    pub(crate) fn slot_of(&mut self, conn: Conn) -> Option<&mut Slot<'n>> {
        let index = self.place_of(conn);
        self.slots.get_mut(index)
    }

    /// Returns the place of the slot of a connection of the base, which is watched again before the task
    /// sleeps; the place after the last if there is none.
    #[inline(never)]
    fn place_of(&mut self, conn: Conn) -> usize {
        let index = self.slots.iter().position(|slot| slot.conn() == Some(conn));
        self.state.unwatched |= index.map_or(0, ready::mask);
        index.unwrap_or(self.slots.len())
    }

    /// Moves the bytes of a connection, which wants input or has output.
    fn move_bytes<A>(&mut self, conn: Conn, part: Part, base: &mut EventBase<'_, A>) {
        let index = self.place_of(conn);
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.role {
            Role::Queued(_) => self.hurry(conn),
            Role::Open(_) => {
                slot.changed = false;
                conns::pump(slot, conn, part, base, &self.state.env);
                self.state.unsorted |= slot.changed;
            }
            _ => {}
        }
    }

    /// Leaves the socket of a connection to the stack: there is nothing left to do for it.
    pub(crate) fn leave(&mut self, conn: Conn) {
        self.state.unsorted = true;
        if let Some(slot) = self.slot_of(conn) {
            slot.serve(Role::Ending, slot.time);
        }
    }

    /// Returns whether a socket that was closed has something to send: a reset, or datagrams.
    pub(crate) fn owes_something(&self) -> bool {
        self.udp_is_sending() || self.owes_reset()
    }

    fn owes_reset(&self) -> bool {
        self.slots.iter().any(|slot| slot.role == Role::Ending && slot.socket.owes_reset())
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
                (Wanted::Free, Role::Free) => true,
                // A client may have connected since the last look.
                (Wanted::Spare(least), Role::Listening(of)) => {
                    slot.socket.phase() == Phase::Listening && self.has_listening(of, least)
                }
                (Wanted::Lingering, Role::Open(_)) => slot.ends.lingers,
                (Wanted::Lingering, Role::Ending) => slot.socket.phase() == Phase::Finished,
                _ => false,
            };
            if suits {
                (oldest, earliest) = (Some(index), slot.time);
            }
        }
        oldest
    }
}
