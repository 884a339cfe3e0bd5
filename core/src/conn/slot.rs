//! What a connection's slot keeps, besides its rings and its place in the heap of timers.

use super::{OnConn, OnConnEvent, Tuning};
use crate::Instant;
use crate::address::Address;
use crate::error::Code;
use crate::handle::{Listener, kind};
use crate::outbox::Pending;
use crate::queue::Turn;
use crate::ring::Ring;
use crate::table::{Head, Slot};
use crate::timers::Alarm;

/// The state of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Connecting,
    Open,
    /// The application has closed or dropped it; see `closing.rs`.
    Closing,
    Failed,
}

/// The flags of a connection, in the word of its [`Turn`].
pub(crate) mod flag {
    use crate::queue::Turn;

    pub(crate) const READ_ENABLED: u32 = 1 << Turn::FLAGS;
    pub(crate) const WRITE_ENABLED: u32 = READ_ENABLED << 1;
    /// The peer will send no more.
    pub(crate) const EOF: u32 = READ_ENABLED << 2;
    /// We will write no more.
    pub(crate) const FINISHED: u32 = READ_ENABLED << 3;
    /// It waits for its listener to be enabled again.
    pub(crate) const HELD_BACK: u32 = READ_ENABLED << 4;
    /// See [`Tuning::nagle`](super::Tuning::nagle).
    pub(crate) const NAGLE: u32 = READ_ENABLED << 5;

    /// The connection's state: two bits, both zero while it is being opened.
    pub(crate) const PHASE: u32 = 0b11 * OPEN;
    pub(crate) const OPEN: u32 = READ_ENABLED << 6;
    pub(crate) const CLOSING: u32 = 0b10 * OPEN;
    pub(crate) const FAILED: u32 = 0b11 * OPEN;

    /// The back end was asked to send our end of the stream.
    pub(crate) const END_SENT: u32 = READ_ENABLED << 8;
    /// The peer has our end of the stream, and all before it.
    pub(crate) const DELIVERED: u32 = READ_ENABLED << 9;
    /// It is on the list of connections that wait for their peer's end of stream only.
    pub(crate) const LINGERING: u32 = READ_ENABLED << 10;
}

/// Room for one connection, in a [`Memory`](crate::memory::Memory).
pub struct ConnSlot<A> {
    /// When the earlier of its timeouts may pass: its key in the heap of timers.
    pub(crate) alarm: Alarm,
    /// When each direction last made progress, or began to wait.
    pub(super) last: [Instant; 2],
    /// How long each direction may be idle, in milliseconds; zero forever.
    pub(super) timeouts: [u32; 2],
    pub(crate) turn: Turn,
    head: Head,
    /// The listener that accepted it; none for an outgoing connection.
    pub(crate) listener: Listener,
    pub(super) on_read: Option<OnConn<A>>,
    pub(super) on_write: Option<OnConn<A>>,
    pub(super) on_event: Option<OnConnEvent<A>>,
    pub(super) user: u32,
    pub(super) peer: Address,
    pub(super) input: Ring,
    pub(super) output: Ring,
    /// See [`Tuning::keep_alive`].
    keep_alive: u16,
    pub(super) error: Code,
    pub(crate) pending: Pending,
}

impl<A> Slot for ConnSlot<A> {
    type Kind = kind::Conn;

    const EMPTY: Self = Self {
        alarm: Alarm::EMPTY,
        last: [Instant::ZERO; 2],
        timeouts: [0; 2],
        turn: Turn::EMPTY,
        head: Head::EMPTY,
        listener: Listener::UNSET,
        on_read: None,
        on_write: None,
        on_event: None,
        user: 0,
        peer: Address::EMPTY,
        input: Ring::EMPTY,
        output: Ring::EMPTY,
        keep_alive: 0,
        error: Code::EMPTY,
        pending: Pending::EMPTY,
    };

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn renew(&mut self) {
        (self.turn, self.alarm) = (Turn::EMPTY, Alarm::EMPTY);
        self.pending = Pending::EMPTY;
    }
}

impl<A> ConnSlot<A> {
    /// Begins a connection in a slot that has just been taken. Its place in the heap of timers is kept:
    /// the stale key of an earlier connection may still be there.
    pub(super) fn begin(&mut self, phase: Phase, peer: Address) {
        self.turn = self.turn.begin(flag::WRITE_ENABLED, 0);
        self.timeouts = [0; 2];
        (self.on_read, self.on_write, self.on_event) = (None, None, None);
        (self.user, self.listener) = (0, Listener::NONE);
        (self.input, self.output) = (Ring::EMPTY, Ring::EMPTY);
        self.peer = peer;
        self.set_phase(phase);
        self.set_tuning(Tuning::DEFAULT);
    }

    pub(super) const fn phase(&self) -> Phase {
        match self.turn.state & flag::PHASE {
            flag::OPEN => Phase::Open,
            flag::CLOSING => Phase::Closing,
            flag::FAILED => Phase::Failed,
            _ => Phase::Connecting,
        }
    }

    pub(super) const fn set_phase(&mut self, phase: Phase) {
        self.turn.set(flag::PHASE, false);
        self.turn.set(
            match phase {
                Phase::Connecting => 0,
                Phase::Open => flag::OPEN,
                Phase::Closing => flag::CLOSING,
                Phase::Failed => flag::FAILED,
            },
            true,
        );
    }

    pub(super) const fn tuning(&self) -> Tuning {
        Tuning { nagle: self.has(flag::NAGLE), keep_alive: self.keep_alive }
    }

    pub(super) const fn set_tuning(&mut self, tuning: Tuning) {
        self.turn.set(flag::NAGLE, tuning.nagle);
        self.keep_alive = tuning.keep_alive;
    }

    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.turn.has(flags)
    }

    /// Returns the input ring.
    #[cfg(feature = "record")]
    pub(crate) const fn input(&self) -> &Ring {
        &self.input
    }

    /// Returns whether the application may still use the connection.
    pub(crate) fn is_held(&self) -> bool {
        self.phase() != Phase::Closing
    }

    /// Returns whether nothing can be written any more.
    pub(super) fn is_finished(&self) -> bool {
        self.has(flag::FINISHED) || self.phase() == Phase::Failed
    }

    /// Returns whether input is wanted, as far as the application and the peer are concerned. That of a
    /// closed connection is wanted for its end.
    pub(super) fn wants_input(&self) -> bool {
        let wanted = match self.phase() {
            Phase::Open => self.has(flag::READ_ENABLED),
            Phase::Closing => !self.is_over(),
            Phase::Connecting | Phase::Failed => false,
        };
        wanted && !self.has(flag::EOF)
    }

    /// Returns whether output is to be sent, as far as the application is concerned. A closed connection
    /// sends its remaining output even if writing was disabled.
    pub(super) fn may_send(&self) -> bool {
        match self.phase() {
            Phase::Open => self.has(flag::WRITE_ENABLED) && self.output.len() > 0,
            Phase::Closing => self.output.len() > 0,
            Phase::Connecting | Phase::Failed => false,
        }
    }

    /// Returns whether it waits for the peer: for an answer to a connect, for room for output, or for the
    /// end.
    pub(super) fn awaits_peer(&self) -> bool {
        match self.phase() {
            Phase::Connecting | Phase::Closing => true,
            Phase::Open => self.output.len() > 0,
            Phase::Failed => false,
        }
    }
}
