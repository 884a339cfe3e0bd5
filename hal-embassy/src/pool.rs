//! The pool: all sockets of an adapter, and the use of each.

use embassy_net::Stack;
use heapless::VecView;
use picoevent::{Action, Conn, ConnError, EventBase, Instant, Tuning};

use crate::config::Config;
use crate::conns::{self, Part};
use crate::env::Env;
use crate::listeners::Listening;
use crate::network::Network;
use crate::ready::{self, Ready};
use crate::slot::{Ends, Place, Role, Slot};
use crate::socket::Phase;
use crate::time::{self, Clock};
use crate::udp::Udp;

pub(crate) struct Pool<'r, 'n> {
    pub(crate) slots: &'r mut [Slot<'n>],
    /// The listeners, enabled or disabled.
    pub(crate) listeners: &'r mut VecView<Listening>,
    pub(crate) state: &'r mut State<'n>,
    pub(crate) udp: Udp<'r, 'n>,
}

/// The state of a pool apart from its slots.
pub(crate) struct State<'n> {
    pub(crate) env: Env<'n>,
    pub(crate) clock: Clock,
    /// The largest number of sockets without a client for each listener.
    pub(crate) backlog: u16,
    pub(crate) ready: Ready,
    /// The sockets with news that were not looked at yet; see [`ready::mask`].
    pub(crate) news: u32,
    /// The slots whose wakers must be set before the task sleeps; see [`ready::mask`].
    pub(crate) unwatched: u32,
    /// The slots that have a time limit.
    pub(crate) bounded: u32,
    /// Whether the roles of slots have changed, so that they must be sorted again.
    pub(crate) unsorted: bool,
    /// Whether a connection may be waiting for the base to have room.
    pub(crate) crowded: bool,
    /// When to look again, even without news.
    alarm: Instant,
    /// The time from the last sorting of the slots to the alarm.
    left: u32,
    /// A lingering connection that has lost its socket to a listener or a connect; the base does
    /// not know that yet.
    pub(crate) ousted: Option<Conn>,
    /// The stack has not run since the sockets were opened, which matters to UDP sockets only.
    #[cfg_attr(not(feature = "udp"), expect(dead_code, reason = "there are no UDP sockets"))]
    pub(crate) is_new: bool,
}

impl<'n> State<'n> {
    pub(crate) fn new(stack: Stack<'n>, config: &Config) -> Self {
        Self {
            env: Env {
                network: Network::new(stack),
                timeout: config.timeout.map_or(time::NEVER, time::age),
                outgoing: config.outgoing,
                now: 0,
            },
            clock: Clock::PLAIN,
            backlog: u16::try_from(config.backlog).unwrap_or(u16::MAX),
            ready: Ready::new(),
            news: 0,
            unwatched: 0,
            bounded: 0,
            unsorted: true,
            crowded: false,
            alarm: Instant::MAX,
            left: time::NEVER,
            ousted: None,
            is_new: true,
        }
    }

    /// Sets the alarm to the time `left` after the last sorting, if this is earlier than the present alarm.
    pub(crate) fn ring_in(&mut self, left: u32) {
        self.left = self.left.min(left);
    }
}

impl<'n> Pool<'_, 'n> {
    /// Does an action of the base.
    #[inline(never)]
    pub(crate) fn act<A>(&mut self, action: Action, base: &mut EventBase<'_, A>) {
        self.state.env.now = time::stamp(base.now());
        match action {
            Action::Listen(listener) => self.listen(listener, base),
            Action::Ignore(listener) => self.ignore(listener, false),
            Action::Unlisten(listener) => self.ignore(listener, true),
            Action::Connect(conn) => self.connect(conn, base),
            Action::Tune(conn, tuning) => {
                if let Some(slot) = self.slot_of(conn) {
                    slot.socket.tune(tuning);
                }
            }
            Action::Receive(conn) => self.move_bytes(conn, Part::Both, base),
            Action::Send(conn) => self.move_bytes(conn, Part::Output, base),
            Action::End(conn) => {
                if let Some(slot) = self.slot_of(conn) {
                    slot.ends.set(Ends::OUTPUT, true);
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
    pub(crate) fn look<A>(&mut self, base: &mut EventBase<'_, A>) {
        let now = base.now();
        self.state.env.now = time::stamp(now);
        let news = core::mem::take(&mut self.state.news);
        let mut due = news;
        if self.state.alarm <= now {
            due |= self.state.bounded;
            self.state.unsorted = true;
        }
        due |= self.late_udp();
        if due == 0 {
            return;
        }
        if self.state.env.network.look(news) {
            (due, self.state.unsorted) = (u32::MAX, true);
        }
        self.state.unwatched |= due;
        // In reverse order: a handshake affects the listening sockets before it.
        let mut end = self.slots.len();
        while let Some(index) = ready::last_before(end, due) {
            self.look_at(index, base);
            end = index;
        }
        self.look_at_udp(due, base);
        if self.state.crowded {
            self.hand_over(base);
        }
    }

    /// Makes free sockets listen, if the roles of slots have changed. Hands waiting connections over to the base, if
    /// the base has room now. Returns the time at which to look again, even without news.
    pub(crate) fn arrange<A>(&mut self, base: &mut EventBase<'_, A>) -> Instant {
        let now = base.now();
        self.state.env.now = time::stamp(now);
        if self.state.crowded {
            self.hand_over(base);
        }
        if core::mem::take(&mut self.state.unsorted) {
            self.sort();
            self.take_turns();
            while let Some(ousted) = self.fill(base) {
                base.failed(ousted, ConnError::NoSocket);
            }
            self.state.alarm = time::after(now, self.state.left);
        }
        self.state.alarm.min(self.udp_deadline(now))
    }

    #[inline(never)]
    fn look_at<A>(&mut self, index: usize, base: &mut EventBase<'_, A>) {
        let env = &self.state.env;
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.role {
            Role::Open(conn) => {
                conns::look(slot, conn, base, env);
                // Moving bytes does not change the role.
                if matches!(slot.role, Role::Open(_)) {
                    return;
                }
            }
            Role::Listening(place) | Role::Handshake(place) => {
                self.look_at_listening(index, place, base);
            }
            Role::Waiting(_) if conns::is_dead(slot, env) => slot.abort(env.now),
            Role::Connecting(conn) | Role::Queued(conn) | Role::Offline(conn) => {
                conns::look_at_connecting(slot, conn, base, env);
            }
            // `sort` checks whether the socket still has to send its reset.
            Role::Ending => {}
            Role::Free | Role::Resting | Role::Waiting(_) => return,
        }
        self.state.unsorted = true;
    }

    /// Sorts the slots by their current role: counts the sockets that listen, stops the listening sockets that must
    /// not listen now, frees the sockets that have nothing left to send, and finds the time of the alarm.
    #[inline(never)]
    pub(crate) fn sort(&mut self) {
        (self.state.bounded, self.state.left) = (0, time::NEVER);
        self.listeners.iter_mut().for_each(Listening::recount);
        for index in (0..self.slots.len()).rev() {
            let Some(slot) = self.slots.get_mut(index) else { return };
            let now = self.state.env.now;
            let left = match slot.role {
                // A socket without a reset to send becomes free in the turn that drops its
                // connection: nothing would wake the task for it later.
                Role::Ending => slot.release(now),
                Role::Connecting(_) | Role::Queued(_) | Role::Offline(_) => {
                    Some(self.state.env.timeout.saturating_sub(slot.age(now)))
                }
                Role::Handshake(place) => {
                    let age = slot.age(now);
                    self.sort_handshake(index, place, age)
                }
                Role::Listening(place) => {
                    self.sort_listening(index, place);
                    None
                }
                Role::Free | Role::Resting | Role::Waiting(_) | Role::Open(_) => None,
            };
            if let Some(left) = left {
                self.state.bounded |= ready::mask(index);
                self.state.ring_in(left);
            }
        }
    }

    /// Returns the slot of a connection of the base; `None` if the connection has no slot. The wakers of the slot's
    /// socket are set again before the task sleeps.
    pub(crate) fn slot_of(&mut self, conn: Conn) -> Option<&mut Slot<'n>> {
        let index = self.place_of(conn);
        self.slots.get_mut(index)
    }

    /// Returns the index of the slot of a connection of the base, or the number of slots if there
    /// is none. Its wakers are set again before the task sleeps.
    #[inline(never)]
    fn place_of(&mut self, conn: Conn) -> usize {
        let index = self.slots.iter().position(|slot| slot.conn() == Some(conn));
        self.state.unwatched |= index.map_or(0, ready::mask);
        index.unwrap_or(self.slots.len())
    }

    /// Moves the bytes of a connection that wants input or has output.
    fn move_bytes<A>(&mut self, conn: Conn, part: Part, base: &mut EventBase<'_, A>) {
        let index = self.place_of(conn);
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.role {
            Role::Queued(_) => self.hurry(conn),
            Role::Open(_) => {
                conns::pump(slot, conn, part, base, &self.state.env);
                self.state.unsorted |= !matches!(slot.role, Role::Open(_));
            }
            _ => {}
        }
    }

    /// Leaves the socket of a closed connection to the stack: the base no longer needs the connection.
    pub(crate) fn leave(&mut self, conn: Conn) {
        self.state.unsorted = true;
        if let Some(slot) = self.slot_of(conn) {
            slot.serve(Role::Ending, slot.time);
        }
    }

    /// Returns whether a closed socket has something to send: a reset, or datagrams.
    pub(crate) fn owes_something(&self) -> bool {
        self.udp_is_sending() || self.owes_reset()
    }

    fn owes_reset(&self) -> bool {
        let is_ending = |slot: &&Slot<'_>| matches!(slot.role, Role::Ending);
        self.slots.iter().filter(is_ending).any(|slot| slot.socket.owes_reset())
    }

    /// Returns the index of the best socket from the index `first` on; `None` if there is none. A free socket is
    /// best. The second choice is a socket that listens for a listener with at least `least` listening sockets. If
    /// `least` is at most two, the third choice is a socket that only waits for its peer's end of stream. Among
    /// equally good sockets, returns the socket whose time is the earliest.
    #[inline(never)]
    pub(crate) fn candidate(&self, first: u16, least: u16) -> Option<usize> {
        let (mut best, mut lowest, mut oldest) = (usize::MAX, u8::MAX, 0);
        for (index, slot) in self.slots.iter().enumerate().skip(first.into()) {
            let rank = match slot.role {
                Role::Free => 0,
                Role::Resting => 1,
                // A client may have connected since the last look.
                Role::Listening(place)
                    if self.vacant(place) >= least && slot.socket.phase() == Phase::Listening =>
                {
                    2
                }
                Role::Open(_) if least <= 2 && slot.ends.has(Ends::LINGERS) => 3,
                Role::Ending if least <= 2 && slot.socket.phase() == Phase::Finished => 3,
                _ => continue,
            };
            let age = slot.age(self.state.env.now);
            if rank < lowest || rank == lowest && age > oldest {
                (best, lowest, oldest) = (index, rank, age);
            }
        }
        (lowest < u8::MAX).then_some(best)
    }

    /// Drops the connection of a socket, so that the socket can be used for another purpose. If the connection
    /// belongs to the base, returns it: the base does not know yet that the connection is dropped.
    pub(crate) fn take(&mut self, index: usize) -> Option<Conn> {
        let slot = self.slots.get_mut(index)?;
        self.state.unwatched |= ready::mask(index);
        if let Role::Listening(place) = slot.role
            && let Some(held) = self.listeners.get_mut(usize::from(place))
        {
            held.vacant = held.vacant.wrapping_sub(1);
        }
        let ousted = slot.conn();
        slot.abort(self.state.env.now);
        slot.socket.tune(Tuning::DEFAULT);
        ousted
    }

    fn vacant(&self, place: Place) -> u16 {
        self.listeners.get(usize::from(place)).map_or(0, |held| held.vacant)
    }
}
