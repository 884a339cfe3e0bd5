//! The socket table: all sockets of an adapter, and what each socket is used for.

use embassy_net::Stack;
use heapless::VecView;
use picoevent::{Action, Conn, ConnError, EventBase, Instant, Tuning};

use crate::config::Config;
use crate::conns::{self, Directions};
use crate::env::Env;
use crate::listeners::Listening;
use crate::network::Network;
use crate::ready::{self, Ready};
use crate::slot::{Ends, ListenerIndex, Role, Slot};
use crate::socket::Phase;
use crate::time::{self, Clock, Stamp};
use crate::udp::Udp;

pub(crate) struct SocketTable<'r, 'n> {
    pub(crate) slots: &'r mut [Slot<'n>],
    /// The listeners, enabled or disabled.
    pub(crate) listeners: &'r mut VecView<Listening>,
    pub(crate) state: &'r mut State<'n>,
    pub(crate) udp: Udp<'r, 'n>,
}

/// The state of the socket table apart from its slots.
pub(crate) struct State<'n> {
    pub(crate) env: Env<'n>,
    pub(crate) clock: Clock,
    /// The largest number of sockets that listen for one listener at the same time.
    pub(crate) backlog: u16,
    pub(crate) ready: Ready,
    /// The bits of the sockets that have changed and were not examined yet; see [`ready::mask`].
    pub(crate) changed: u32,
    /// The bits of the sockets whose wakers must be set before the task sleeps.
    pub(crate) unwatched: u32,
    /// The bits of the sockets whose roles have a time limit.
    pub(crate) time_limited: u32,
    /// Whether the role of a slot has changed, so that the roles must be reviewed; see [`SocketTable::review_roles`].
    pub(crate) roles_changed: bool,
    /// Whether a connection may be waiting for the base to have room.
    pub(crate) may_have_waiting: bool,
    /// When to examine the sockets with a time limit again, even if no socket has changed.
    alarm: Instant,
    /// The time from the last call of [`SocketTable::review_roles`] to the alarm.
    time_to_alarm: u32,
    /// True until the first poll of the loop: the stack may not have run since the sockets were opened. Used only if
    /// there are UDP sockets.
    #[cfg_attr(not(feature = "udp"), expect(dead_code, reason = "there are no UDP sockets"))]
    pub(crate) stack_has_not_run: bool,
    /// The deadline of the wait that was begun last.
    sleeps_until: Stamp,
    /// How often the task may still yield if it is polled late after this wait; zero if the wait has no deadline.
    yields: u8,
}

/// If the task is polled more than this time after its deadline, in units of [`Stamp`], it yields first, so that the
/// stack's task can run.
const LATE: i32 = time::millis(5).cast_signed();

/// How often the task yields then. embassy-executor polls the task that was woken last first. So a task that yields
/// once may run again before the stack's task.
const YIELDS: u8 = 2;

impl<'n> State<'n> {
    pub(crate) fn new(stack: Stack<'n>, config: &Config) -> Self {
        Self {
            env: Env {
                network: Network::new(stack),
                timeout: config.timeout.map_or(time::NEVER, time::age),
                outgoing: config.outgoing,
                now: 0,
            },
            clock: Clock::UNSHIFTED,
            backlog: u16::try_from(config.backlog).unwrap_or(u16::MAX),
            ready: Ready::new(),
            changed: 0,
            unwatched: 0,
            time_limited: 0,
            roles_changed: true,
            may_have_waiting: false,
            alarm: Instant::MAX,
            time_to_alarm: time::NEVER,
            stack_has_not_run: true,
            sleeps_until: 0,
            yields: 0,
        }
    }

    /// Returns whether the task must yield now. A long callback, or another task, may have kept the executor busy, and
    /// frames that have arrived meanwhile are still in the driver. The stack must receive them before timers are due:
    /// they may contain input that came before a deadline.
    pub(crate) fn lets_stack_run(&mut self) -> bool {
        if self.yields == 0 {
            return false;
        }
        // If the deadline was more than 38 hours away, the delay may seem large. Then the task yields without need.
        let delay = time::stamp(self.clock.now()).wrapping_sub(self.sleeps_until);
        let is_late = delay.cast_signed() > LATE;
        self.yields = if is_late { self.yields.wrapping_sub(1) } else { 0 };
        is_late
    }

    /// Stores the deadline of a wait that begins. [`Instant::MAX`] means that there is no deadline.
    pub(crate) fn sleep_until(&mut self, until: Instant) {
        self.sleeps_until = time::stamp(until);
        self.yields = if until < Instant::MAX { YIELDS } else { 0 };
    }

    /// Sets the alarm to the time `left` after the last call of [`SocketTable::review_roles`], if that time is earlier
    /// than the present alarm.
    pub(crate) fn set_alarm_within(&mut self, left: u32) {
        self.time_to_alarm = self.time_to_alarm.min(left);
    }
}

impl<'n> SocketTable<'_, 'n> {
    /// Carries out an action that the base requests.
    pub(crate) fn act<A>(&mut self, action: Action, base: &mut EventBase<'_, A>) {
        self.state.env.now = time::stamp(base.now());
        match action {
            Action::Listen(listener) => self.listen(listener, base),
            Action::Ignore(listener) => self.stop_listening(listener, false),
            Action::Unlisten(listener) => self.stop_listening(listener, true),
            Action::Connect(conn) => self.connect(conn, base),
            Action::Tune(conn, tuning) => {
                if let Some(slot) = self.slot_of(conn) {
                    slot.socket.tune(tuning);
                }
            }
            Action::Receive(conn) => self.move_bytes(conn, Directions::Both, base),
            Action::Send(conn) => self.move_bytes(conn, Directions::Output, base),
            Action::End(conn) => {
                if let Some(slot) = self.slot_of(conn) {
                    slot.ends.set(Ends::OUTPUT, true);
                    slot.socket.close();
                }
            }
            Action::Close(conn) => self.leave_to_stack(conn),
            Action::Reset(conn) => {
                self.state.roles_changed = true;
                let now = self.state.env.now;
                if let Some(slot) = self.slot_of(conn) {
                    slot.abort(now);
                }
            }
            Action::Udp(socket, action) => self.act_udp(socket, action, base),
            // Signals come through triggers. A source is a file descriptor of a host, so this back end has no sources.
            Action::Interest(..) | Action::Forget(_) | Action::Catch(_) | Action::Release(_) => {}
        }
    }

    /// Examines the sockets that have changed or whose time limit has passed, and reports their changes to the base.
    pub(crate) fn check_sockets<A>(&mut self, base: &mut EventBase<'_, A>) {
        let now = base.now();
        self.state.env.now = time::stamp(now);
        let changed = core::mem::take(&mut self.state.changed);
        let mut due = changed;
        if self.state.alarm <= now {
            due |= self.state.time_limited;
            self.state.roles_changed = true;
        }
        due |= self.timed_out_udp();
        if due == 0 {
            return;
        }
        if self.state.env.network.check(changed) {
            (due, self.state.roles_changed) = (u32::MAX, true);
        }
        self.state.unwatched |= due;
        // From the last socket to the first: a handshake affects the listening sockets with a lower index.
        let mut end = self.slots.len();
        while let Some(index) = ready::last_before(end, due) {
            self.check_socket(index, base);
            end = index;
        }
        self.check_udp(due, base);
        if self.state.may_have_waiting {
            self.hand_over(base);
        }
    }

    /// Makes free sockets listen, if the roles of slots have changed. Hands waiting connections over to the base, if
    /// the base has room now. Returns the time at which to examine the sockets again, even if no socket has changed.
    pub(crate) fn arrange<A>(&mut self, base: &mut EventBase<'_, A>) -> Instant {
        let now = base.now();
        self.state.env.now = time::stamp(now);
        if self.state.may_have_waiting {
            self.hand_over(base);
        }
        if core::mem::take(&mut self.state.roles_changed) {
            self.review_roles();
            self.schedule_connects();
            while let Some(evicted) = self.fill_backlogs(base) {
                base.failed(evicted, ConnError::NoSocket);
            }
            self.state.alarm = time::after(now, self.state.time_to_alarm);
        }
        self.state.alarm.min(self.udp_deadline(now))
    }

    #[inline(never)]
    fn check_socket<A>(&mut self, index: usize, base: &mut EventBase<'_, A>) {
        let env = &self.state.env;
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.role {
            Role::Open(conn) => {
                conns::check(slot, conn, base, env);
                // If the role is still `Open`, only bytes have moved, and the slots need not be reviewed.
                if matches!(slot.role, Role::Open(_)) {
                    return;
                }
            }
            Role::Listening(listener_index) | Role::Handshake(listener_index) => {
                self.check_listening(index, listener_index, base);
            }
            Role::Waiting(_) if conns::is_dead(slot, env) => slot.abort(env.now),
            Role::Connecting(conn) | Role::Queued(conn) | Role::Offline(conn) => {
                conns::check_connecting(slot, conn, base, env);
            }
            // `review_roles` checks whether the socket still has to send its reset.
            Role::Ending => {}
            Role::Free | Role::Resting | Role::Waiting(_) => return,
        }
        self.state.roles_changed = true;
    }

    /// Reviews the current role of each slot: counts the sockets that listen, stops the listening sockets that must
    /// not listen now, frees the sockets that have nothing left to send, and finds the time of the alarm.
    #[inline(never)]
    pub(crate) fn review_roles(&mut self) {
        (self.state.time_limited, self.state.time_to_alarm) = (0, time::NEVER);
        self.listeners.iter_mut().for_each(Listening::reset_counts);
        for index in (0..self.slots.len()).rev() {
            let Some(slot) = self.slots.get_mut(index) else { return };
            let now = self.state.env.now;
            let left = match slot.role {
                // A socket that has no reset to send must be freed now: no later change of the socket would wake the
                // task.
                Role::Ending => slot.free_if_done(now),
                Role::Connecting(_) | Role::Queued(_) | Role::Offline(_) => {
                    Some(self.state.env.timeout.saturating_sub(slot.age(now)))
                }
                Role::Handshake(listener_index) => {
                    let age = slot.age(now);
                    self.review_handshake(index, listener_index, age)
                }
                Role::Listening(listener_index) => {
                    self.review_listening(index, listener_index);
                    None
                }
                Role::Free | Role::Resting | Role::Waiting(_) | Role::Open(_) => None,
            };
            if let Some(left) = left {
                self.state.time_limited |= ready::mask(index);
                self.state.set_alarm_within(left);
            }
        }
    }

    /// Returns the slot of a connection of the base; `None` if the connection has no slot. Also sets the bit of the
    /// slot's socket in `unwatched`, so that the wakers of the socket are set again before the task sleeps.
    pub(crate) fn slot_of(&mut self, conn: Conn) -> Option<&mut Slot<'n>> {
        let index = self.index_of(conn);
        self.slots.get_mut(index)
    }

    /// Returns the index of the slot of a connection of the base, or the number of slots if the connection has no slot.
    /// Also sets the bit of the slot's socket in `unwatched`, so that the wakers of the socket are set again before the
    /// task sleeps.
    #[inline(never)]
    fn index_of(&mut self, conn: Conn) -> usize {
        let index = self.slots.iter().position(|slot| slot.conn() == Some(conn));
        self.state.unwatched |= index.map_or(0, ready::mask);
        index.unwrap_or(self.slots.len())
    }

    /// Moves the bytes of a connection that has room for input or has output.
    fn move_bytes<A>(&mut self, conn: Conn, directions: Directions, base: &mut EventBase<'_, A>) {
        let index = self.index_of(conn);
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.role {
            Role::Queued(_) => self.connect_now(conn),
            Role::Open(_) => {
                conns::pump(slot, conn, directions, base, &self.state.env);
                self.state.roles_changed |= !matches!(slot.role, Role::Open(_));
            }
            _ => {}
        }
    }

    /// Leaves the socket of a closed connection to the stack: the base no longer needs the connection.
    pub(crate) fn leave_to_stack(&mut self, conn: Conn) {
        self.state.roles_changed = true;
        if let Some(slot) = self.slot_of(conn) {
            slot.set_role(Role::Ending, slot.time);
        }
    }

    /// Returns whether a closed socket has something to send: a reset, or datagrams.
    pub(crate) fn has_pending_output(&self) -> bool {
        self.udp_is_sending() || self.has_pending_reset()
    }

    fn has_pending_reset(&self) -> bool {
        let is_ending = |slot: &&Slot<'_>| matches!(slot.role, Role::Ending);
        self.slots.iter().filter(is_ending).any(|slot| slot.socket.has_pending_reset())
    }

    /// Returns the index of the best socket from the index `first` on; `None` if there is none. A socket in the role
    /// [`Role::Free`] is best, and a socket in the role [`Role::Resting`] is the second choice. The third choice is a
    /// socket that listens for a listener with at least `least` listening sockets, if the bit of its pool is set in
    /// `givers`. If `least` is at most two, the fourth choice is a socket that only waits for its peer's end of stream,
    /// if it has no connection of the base, or the bit of its pool is set in `givers`. If `least` is at most one, which
    /// is so for a connect, the fifth choice is a client that waits to be accepted, and the sixth a socket that has to
    /// send a reset. Among several sockets of the same choice, returns the socket with the earliest [`Slot::time`].
    pub(crate) fn candidate(&self, first: u16, least: u16, givers: u16) -> Option<usize> {
        let (mut best, mut lowest, mut oldest) = (usize::MAX, u8::MAX, 0);
        for (index, slot) in self.slots.iter().enumerate().skip(first.into()) {
            let gives = givers & 1_u16.wrapping_shl(slot.pool.into()) != 0;
            let rank = match slot.role {
                Role::Free => 0,
                Role::Resting => 1,
                // A client may have connected since the loop examined the socket last.
                Role::Listening(listener_index)
                    if self.vacant(listener_index) >= least
                        && gives
                        && slot.socket.phase() == Phase::Listening =>
                {
                    2
                }
                Role::Open(_) if least <= 2 && gives && slot.ends.has(Ends::LINGERS) => 3,
                Role::Ending if least <= 2 && slot.socket.phase() == Phase::Finished => 3,
                // A connection of the base comes before a client that the base has not accepted.
                Role::Waiting(_) if least <= 1 => 4,
                // The socket only has to send a reset, which is not sent then.
                Role::Ending if least <= 1 && slot.socket.phase() == Phase::Closed => 5,
                _ => continue,
            };
            let age = slot.age(self.state.env.now);
            if rank < lowest || rank == lowest && age > oldest {
                (best, lowest, oldest) = (index, rank, age);
            }
        }
        (lowest < u8::MAX).then_some(best)
    }

    /// Drops the connection of a socket, so that the socket can be used for another purpose. If the connection belongs
    /// to the base, returns the connection: the caller must report to the base that the connection has failed.
    pub(crate) fn evict(&mut self, index: usize) -> Option<Conn> {
        let slot = self.slots.get_mut(index)?;
        self.state.unwatched |= ready::mask(index);
        if let Role::Listening(listener_index) = slot.role
            && let Some(entry) = self.listeners.get_mut(usize::from(listener_index))
        {
            entry.vacant = entry.vacant.wrapping_sub(1);
        }
        let evicted = slot.conn();
        slot.abort(self.state.env.now);
        slot.socket.tune(Tuning::DEFAULT);
        evicted
    }

    fn vacant(&self, listener_index: ListenerIndex) -> u16 {
        self.listeners.get(usize::from(listener_index)).map_or(0, |entry| entry.vacant)
    }
}
