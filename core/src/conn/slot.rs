//! The state in a connection's slot. The connection's rings and its entry in the heap of timers are stored elsewhere.

use super::firing::due;
use super::local::Local;
use super::{OnConn, Settings, Tuning};
use crate::Instant;
use crate::address::Address;
use crate::error::Code;
use crate::handle::{Conn, Listener, kind};
use crate::outbox::Pending;
use crate::pool::{Pools, Rings};
use crate::queue::Node;
use crate::ring::{Lines, Ring, Searched};
use crate::table::{Head, Slot};

/// The flags of a connection, in the word of its [`Node`].
///
/// | state | flags |
/// |---|---|
/// | at rest | `RELEASED`, `RESTING` |
/// | connecting | none of the flags in this table |
/// | open | `OPEN` |
/// | failed; `ended` has not run yet | `RELEASED`, `FINISHED` |
/// | closed or aborted by the application | `CLOSING`, `FINISHED` |
/// | closed or aborted, and the back end has dropped the socket | `CLOSING`, `FINISHED`, `RELEASED` |
pub(crate) mod flag {
    use crate::queue::Node;

    pub(crate) const READ_ENABLED: u32 = 1 << Node::FLAGS;
    pub(crate) const WRITE_ENABLED: u32 = READ_ENABLED << 1;
    /// The peer has ended its stream.
    pub(crate) const EOF: u32 = READ_ENABLED << 2;
    /// No more output can be written: the application has ended its stream or closed the connection, or the connection
    /// has failed.
    pub(crate) const FINISHED: u32 = READ_ENABLED << 3;
    /// The connection's listener is disabled. The connection waits in the listener's list `waiting` until the
    /// listener is enabled again.
    pub(crate) const WAITING: u32 = READ_ENABLED << 4;
    /// See [`Tuning::nagle`](super::Tuning::nagle).
    pub(crate) const NAGLE: u32 = READ_ENABLED << 5;

    /// The connection is established, and neither closed nor failed.
    pub(crate) const OPEN: u32 = READ_ENABLED << 6;
    /// The application has closed or aborted the connection, or its callback `ended` was called: see `closing.rs`.
    pub(crate) const CLOSING: u32 = READ_ENABLED << 7;

    /// The base has requested that the back end sends our end of stream (FIN).
    pub(crate) const END_SENT: u32 = READ_ENABLED << 8;
    /// The back end has reported that our end of stream and all output before it are
    /// [delivered](crate::EventBase::delivered).
    pub(crate) const DELIVERED: u32 = READ_ENABLED << 9;
    /// The connection is closed, and waits only for its peer's end of stream: see `closing.rs`.
    pub(crate) const LINGERING: u32 = READ_ENABLED << 10;
    /// The connection was accepted, but its first callback has not run, so the application does not know the
    /// connection.
    pub(crate) const UNACCEPTED: u32 = READ_ENABLED << 11;

    // Bits 24 to 27 are the index of the connection's pool.

    /// The connection is an outgoing connection at rest: it has no socket and is not connecting.
    pub(crate) const RESTING: u32 = 1 << 28;
    /// The back end has no socket for the connection any more.
    pub(crate) const RELEASED: u32 = 1 << 29;
    /// The connection reconnects after it has ended.
    pub(crate) const RECONNECTS: u32 = 1 << 30;
    /// The remaining bytes of an overlong line are discarded.
    pub(crate) const SKIPS_LINE: u32 = 1 << 31;
}

/// The settings of connections below a filter. The room for an answer is zero, so the callbacks for input run even if
/// the output is full.
static BELOW_FILTER: Settings = Settings::new().room(0).idle(core::time::Duration::ZERO);

/// Room for one connection, in a [`Memory`](crate::memory::Memory).
pub struct ConnSlot<A> {
    /// The time at which each direction last made progress or began to wait.
    pub(super) last_progress: [Instant; 2],
    /// The time of the application's alarm; zero if the alarm is not set. For a connection at rest, the connect time.
    pub(super) alarm_at: Instant,
    /// The timeout of each direction in milliseconds; zero for none.
    pub(super) timeouts: [u32; 2],
    /// The period of the application's alarm in milliseconds; zero for a one-shot alarm.
    pub(super) alarm_every: u32,
    pub(crate) node: Node,
    head: Head,
    /// The listener that accepted the connection; [`Listener::NONE`] for an outgoing connection.
    pub(crate) listener: Listener,
    pub(super) call: Option<OnConn<A>>,
    settings: Option<&'static Settings>,
    pub(super) peer: Address,
    pub(super) local: Local,
    pub(super) input: Ring,
    pub(super) output: Ring,
    /// See [`Tuning::keep_alive`].
    keep_alive: u16,
    /// While the connection is connecting or open, this is the output room that the application waits for, or zero.
    /// After the end, this is the [`Code`] of the end.
    room_or_end: u16,
    /// Either the number of input bytes that were already searched for an end of line, or the number of input bytes
    /// that the application waits for.
    searched: Searched,
    pub(crate) pending: Pending,
}

impl<A> Slot for ConnSlot<A> {
    type Kind = kind::Conn;

    const EMPTY: Self = Self {
        last_progress: [Instant::ZERO; 2],
        alarm_at: Instant::ZERO,
        timeouts: [0; 2],
        alarm_every: 0,
        node: Node::EMPTY,
        head: Head::EMPTY,
        listener: Listener::UNSET,
        call: None,
        settings: None,
        peer: Address::EMPTY,
        local: Local::NONE,
        input: Ring::EMPTY,
        output: Ring::EMPTY,
        keep_alive: 0,
        room_or_end: 0,
        searched: Searched::NOTHING,
        pending: Pending::EMPTY,
    };

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn renew(&mut self) {
        self.node = Node::EMPTY;
        self.pending = Pending::EMPTY;
    }
}

impl<A> ConnSlot<A> {
    /// Initializes the slot of a new connection from a pool.
    pub(super) fn begin(&mut self, pool: u8, settings: &'static Settings, call: OnConn<A>) {
        (self.call, self.settings) = (Some(call), Some(settings));
        (self.listener, self.peer) = (Listener::NONE, Address::EMPTY);
        self.node = self.node.begin(0, pool);
        self.begin_again();
    }

    /// Resets the slot to its initial state: connecting, with empty rings.
    pub(super) fn begin_again(&mut self) {
        let (pool, priority) = (self.pool(), self.node.priority());
        self.node = self.node.begin(flag::READ_ENABLED | flag::WRITE_ENABLED, pool);
        let _ = self.node.set_priority(priority);
        self.begin_timeouts();
        (self.alarm_at, self.alarm_every, self.room_or_end) = (Instant::ZERO, 0, 0);
        (self.input, self.output) = (Ring::EMPTY, Ring::EMPTY);
        (self.searched, self.local) = (Searched::NOTHING, Local::NONE);
        self.set_tuning(Tuning::DEFAULT);
    }

    /// Sets the timeouts to the timeouts in the connection's settings.
    fn begin_timeouts(&mut self) {
        self.timeouts = self.settings.map_or([0; 2], |settings| [settings.idle, settings.stall]);
    }

    pub(super) fn settings(&self) -> Option<&'static Settings> {
        self.settings
    }

    pub(super) fn set_settings(&mut self, settings: &'static Settings) {
        self.settings = Some(settings);
        self.begin_timeouts();
    }

    /// Returns the index of the connection's pool.
    pub(crate) const fn pool(&self) -> u8 {
        self.node.interest() & 0b1111
    }

    /// Returns the pool and the settings, which determine the position and the length of the rings.
    pub(crate) const fn rings(&self) -> Rings {
        Rings { pool: self.pool(), settings: self.settings }
    }

    /// Changes the state of a connection from at rest to connecting.
    pub(super) const fn leave_rest(&mut self) {
        self.node.set(flag::RESTING | flag::RELEASED, false);
    }

    /// Puts a filter above the connection. From now on the filter's function is the connection's callback.
    pub(super) fn attach_filter(&mut self, above: Conn, call: OnConn<A>) {
        (self.call, self.settings) = (Some(call), Some(&BELOW_FILTER));
        // A connection below a filter has no timeouts. So `last_progress[0]` need not store the time of the last input,
        // and stores the handle of the connection above.
        self.timeouts = [0; 2];
        // The filter must get each byte, even if the application waited for more.
        self.searched = Searched::NOTHING;
        self.last_progress[0] = Instant::from_micros(above.bits().into());
        self.take_alarm();
    }

    /// Returns the connection above the filter, if this connection is below a filter.
    pub(super) fn above(&self) -> Option<Conn> {
        let is_below = self.settings.is_some_and(|settings| core::ptr::eq(settings, &BELOW_FILTER));
        is_below.then(|| Conn::from_bits(self.last_progress[0].as_micros() as u32))
    }

    pub(super) const fn tuning(&self) -> Tuning {
        Tuning { nagle: self.has(flag::NAGLE), keep_alive: self.keep_alive }
    }

    pub(super) const fn set_tuning(&mut self, tuning: Tuning) {
        self.node.set(flag::NAGLE, tuning.nagle);
        self.keep_alive = tuning.keep_alive;
    }

    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.node.has(flags)
    }

    /// Returns the input ring.
    #[cfg(feature = "record")]
    pub(crate) const fn input(&self) -> &Ring {
        &self.input
    }

    /// Returns whether the application may still use the connection.
    pub(crate) fn is_in_use(&self) -> bool {
        !self.has(flag::CLOSING)
    }

    pub(super) fn is_open(&self) -> bool {
        self.has(flag::OPEN)
    }

    /// Returns whether input can be read: the application has not closed the connection.
    pub(super) fn is_readable(&self) -> bool {
        // A failed connection is `RELEASED` in its `ended` callback, and its input can still be read there.
        self.has(flag::OPEN | flag::RELEASED)
    }

    /// Returns the state of the line that is being received.
    pub(super) fn lines(&self) -> Lines {
        Lines { searched: self.searched, skips: self.has(flag::SKIPS_LINE) }
    }

    pub(super) fn set_lines(&mut self, lines: Lines) {
        self.node.set(flag::SKIPS_LINE, lines.skips);
        self.searched = lines.searched;
    }

    /// Returns the number of input bytes that were searched, or that the application waits for.
    pub(super) const fn searched(&self) -> Searched {
        self.searched
    }

    /// Stores the number of input bytes that were searched, or that the application waits for.
    pub(super) const fn set_searched(&mut self, searched: Searched) {
        self.searched = searched;
    }

    /// Returns the callbacks for which the output ring has enough room:
    ///
    /// * `NEED_ANSWER_ROOM`, if there is room for an answer,
    /// * `WRITE`, if there is the room that the application waits for. If the application waits for no room: if the
    ///   unsent output does not exceed the low mark.
    #[inline(never)]
    pub(super) fn due_with_room(&self, pools: &Pools<'_>) -> u8 {
        let Some(settings) = self.settings else { return 0 };
        let room = pools.output_len(self.rings()).saturating_sub(self.output.len());
        let mut due = if room >= usize::from(settings.room) { due::NEED_ANSWER_ROOM } else { 0 };
        let wanted = if self.has_failed() { 0 } else { usize::from(self.room_or_end) };
        let may_write = match wanted {
            0 => self.output.len() <= settings.output_low(),
            _ => room >= wanted,
        };
        if may_write {
            due |= due::WRITE;
        }
        due
    }

    /// Sets the room that the application waits for, at most 65,535 bytes; zero for none. Does nothing after the
    /// connection has failed, because the field `room_or_end` then stores the [`Code`] of the end. After the failure a
    /// `writable` callback may still be due, and this function is called before that callback.
    pub(super) fn set_room_wanted(&mut self, room: usize) {
        if !self.has_failed() {
            self.room_or_end = u16::try_from(room).unwrap_or(u16::MAX);
        }
    }

    /// Returns whether the connection has failed, or the back end has dropped its socket.
    const fn has_failed(&self) -> bool {
        self.has(flag::RELEASED) && !self.has(flag::RESTING)
    }

    /// Returns how the connection ended. The result is valid only after the end.
    pub(super) const fn end(&self) -> Code {
        Code::from_bits(self.room_or_end)
    }

    /// Sets how the connection ended.
    pub(super) const fn set_end(&mut self, end: Code) {
        self.room_or_end = end.bits();
    }

    /// Sets the alarm to `delay` milliseconds from `now`. If `period` is not zero, the alarm repeats every `period`
    /// milliseconds.
    pub(super) fn set_alarm(&mut self, now: Instant, delay: u32, period: u32) {
        self.alarm_at = now.plus_millis(delay).max(Instant::from_micros(1));
        self.alarm_every = period;
    }

    /// Cancels the alarm. Returns whether an alarm was set, or its callback was due.
    pub(super) fn take_alarm(&mut self) -> bool {
        self.clear_due(due::ALARM);
        self.alarm_every = 0;
        core::mem::replace(&mut self.alarm_at, Instant::ZERO) > Instant::ZERO
    }

    /// Returns whether no more output can be written.
    pub(super) fn is_finished(&self) -> bool {
        self.has(flag::FINISHED)
    }

    /// Sets the flags of a connection that the application can no longer use.
    pub(super) const fn set_closing(&mut self) {
        self.node.set(flag::OPEN | flag::RESTING, false);
        self.node.set(flag::CLOSING | flag::FINISHED, true);
    }

    /// Returns whether bytes may be transferred in a direction. `enabled` is the flag that is set while the direction
    /// is enabled. A closed connection still sends its output and receives the peer's end of stream, even if the
    /// directions are disabled.
    fn may_move(&self, enabled: u32) -> bool {
        if self.has(flag::CLOSING) {
            !self.is_over()
        } else {
            self.has(flag::OPEN) && self.has(enabled)
        }
    }

    /// Returns whether the connection accepts input. Does not check whether the ring has room.
    pub(super) fn wants_input(&self) -> bool {
        !self.has(flag::EOF) && self.may_move(flag::READ_ENABLED)
    }

    /// Returns whether there is output that may be sent.
    pub(super) fn may_send(&self) -> bool {
        self.output.len() > 0 && self.may_move(flag::WRITE_ENABLED)
    }

    /// Returns whether the connection waits for the peer: for an answer to a connect, for room for output, or for the
    /// peer's end of stream.
    pub(super) fn awaits_peer(&self) -> bool {
        !self.has(flag::RELEASED) && (!self.has(flag::OPEN) || self.output.len() > 0)
    }
}
