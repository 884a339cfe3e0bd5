//! What must be true of each object, as far as it follows from the verbs alone.

mod lines;
mod output;

use std::collections::VecDeque;

use picoevent::{
    Conn, ConnEnd, Event, EventFlags, FIN_WAIT, Instant, LINGER, Listener, Mode, Signal, Source,
};

use crate::verbs::Kind;

pub use lines::{end_of_line, take_line};
pub use output::Output;

/// What an event was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    Nothing,
    Source(Source),
    Signal(Signal),
    Watching,
}

/// An event, from its making to long after its end.
#[derive(Debug)]
pub struct EventShadow {
    pub handle: Event,
    pub made_for: For,
    pub interest: EventFlags,
    pub mode: Mode,
    /// It goes by itself once it has fired.
    pub once: bool,
    pub alive: bool,
    /// It is pending or active, so that a callback may come.
    pub may_fire: bool,
    /// When its timeout passes, if one was set and has not been reported.
    pub armed: Option<Instant>,
    /// Bits that were given to it by hand since its last callback.
    pub given: EventFlags,
    /// Calls for its signal that may still come.
    pub credit: u64,
    /// Its callback ran, and nothing has been done to it since.
    pub fired_once: bool,
    /// Its callback has used this once-event again, so it is not freed.
    pub stays: bool,
    pub user: u32,
    pub level: u8,
    /// Which of the functions is its callback.
    pub call: u8,
}

impl EventShadow {
    pub fn new(handle: Event, made_for: For, mode: Mode, call: u8) -> Self {
        Self {
            handle,
            made_for,
            interest: EventFlags::NONE,
            mode,
            once: false,
            alive: true,
            may_fire: false,
            armed: None,
            given: EventFlags::NONE,
            credit: 0,
            fired_once: false,
            stays: false,
            user: 0,
            level: 4,
            call,
        }
    }

    pub fn is_watcher(&self) -> bool {
        self.made_for == For::Watching
    }

    /// Called before the deadline is removed: if it has passed, the callback may still come.
    pub fn passed_already(&mut self, now: Instant) {
        if self.armed.is_some_and(|at| at <= now) {
            self.given |= EventFlags::TIMEOUT;
        }
    }

    /// No callback can follow any more, unless a verb is called.
    pub fn quiet(&mut self) {
        (self.may_fire, self.armed, self.given, self.credit) = (false, None, EventFlags::NONE, 0);
        self.stays = false;
    }
}

/// Whether the application and the back end still know an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The application holds it.
    Held,
    /// The application has closed it: output, our end of stream and the peer's are left.
    Closing,
    /// The application has dropped it, and the back end has not been told yet.
    Dropped,
    /// The back end is done with it. Its slot is given back, or it connects again, when the application has
    /// heard of the end.
    Released,
    /// The slot is given back.
    Gone,
}

/// A connection.
#[derive(Debug)]
pub struct ConnShadow {
    pub handle: Conn,
    /// The listener that accepted it.
    pub listener: Option<Listener>,
    pub life: Life,
    pub input: VecDeque<u8>,
    pub output: Output,
    /// The rest of an overlong line is discarded.
    pub skips: bool,
    pub connecting: bool,
    pub failed: bool,
    pub eof: bool,
    pub finished: bool,
    /// The back end was told to end our side.
    pub told_end: bool,
    /// The peer has the end of our side.
    pub delivered: bool,
    /// When a closed connection may be reset.
    pub limit: Instant,
    /// Another connection has taken its slot, and the back end has not been told yet.
    pub evicted: bool,
    /// Callbacks that may still come, each once: that it was accepted or connected, the end of stream, the
    /// end.
    pub accept_due: bool,
    pub connect_due: bool,
    pub eof_due: bool,
    pub end_due: Option<ConnEnd>,
    /// It is at rest, and when it connects.
    pub rests: bool,
    pub connects_at: Option<Instant>,
    /// When it connects again.
    pub reconnects: Option<Instant>,
    /// It was told to connect again, so it does not wait for the peer's end.
    pub hurries: bool,
    /// When its alarm rings, and how often in milliseconds; zero for once.
    pub alarm: Option<(Instant, u64)>,
    pub kind: Kind,
    /// The room that is waited for, and the input; zero for none.
    pub wanted: usize,
    pub awaited: usize,
    /// The place of its pool.
    pub pool: usize,
    /// A timeout was set at some time, for each direction.
    pub timed: [bool; 2],
    /// Each direction was disabled, by a verb or by a callback that says so, and not enabled since.
    pub disabled: [bool; 2],
    pub level: u8,
}

impl ConnShadow {
    pub fn new(handle: Conn, listener: Option<Listener>, pool: usize, kind: Kind) -> Self {
        let connecting = listener.is_none();
        Self {
            handle,
            listener,
            life: Life::Held,
            input: VecDeque::new(),
            output: Output::default(),
            skips: false,
            connecting,
            failed: false,
            eof: false,
            finished: false,
            told_end: false,
            delivered: false,
            limit: Instant::MAX,
            evicted: false,
            accept_due: !connecting,
            connect_due: false,
            eof_due: false,
            end_due: None,
            rests: connecting,
            connects_at: None,
            reconnects: None,
            hurries: false,
            alarm: None,
            kind,
            wanted: 0,
            awaited: 0,
            pool,
            timed: [false; 2],
            disabled: [!connecting, false],
            level: 4,
        }
    }
}

impl ConnShadow {
    /// The application closes it: output first.
    pub fn close(&mut self, now: Instant) {
        if self.failed {
            self.input.clear();
            self.life = Life::Released;
        } else if self.connecting && (self.rests || self.output.is_empty()) {
            self.drop(ConnEnd::Closed);
        } else {
            self.close_as(now, ConnEnd::Closed);
        }
    }

    /// The application aborts it, which is as if it closed it if nothing is lost by that.
    pub fn abort(&mut self, now: Instant, end: ConnEnd) {
        if self.failed {
            self.life = Life::Released;
        } else if !self.connecting && self.eof && self.output.is_empty() {
            self.close_as(now, end);
        } else {
            self.drop(end);
        }
    }

    /// The application aborts it with an error: it is dropped in any case.
    pub fn abort_with(&mut self, end: ConnEnd) {
        if self.failed {
            self.life = Life::Released;
        } else {
            self.drop(end);
        }
    }

    pub fn close_as(&mut self, now: Instant, end: ConnEnd) {
        self.life = Life::Closing;
        self.input.clear();
        self.limit = now.after(if self.delivered { FIN_WAIT } else { LINGER });
        self.leave(end);
    }

    fn drop(&mut self, end: ConnEnd) {
        self.life = if self.rests { Life::Released } else { Life::Dropped };
        self.output.clear();
        self.leave(end);
    }

    fn leave(&mut self, end: ConnEnd) {
        (self.rests, self.connects_at, self.alarm) = (false, None, None);
        // Of one that was not handed over, nothing is reported.
        self.end_due = (!self.accept_due).then_some(end);
    }

    /// The back end is done with it.
    pub fn release(&mut self) {
        self.output.clear();
        self.life = Life::Released;
        if self.end_due.is_none() {
            self.give_back();
        }
    }

    /// The application has heard of the end, and the back end is done with it.
    pub fn give_back(&mut self) {
        if self.reconnects.is_some() {
            self.rest();
        } else {
            self.life = Life::Gone;
        }
    }

    /// It rests until it connects again.
    pub fn rest(&mut self) {
        let fresh = Self::new(self.handle, None, self.pool, self.kind);
        let connects_at = self.reconnects;
        *self = Self { connects_at, level: self.level, ..fresh };
    }

    /// The base is about to give its slot back, or to let it connect again.
    pub fn is_freed(&self) -> bool {
        self.life == Life::Released && self.end_due.is_none()
    }

    /// Returns whether the application reaches it by its handle.
    pub fn answers(&self) -> bool {
        self.life == Life::Held || self.life != Life::Gone && self.reconnects.is_some()
    }

    /// Returns whether another connection may take its slot.
    pub fn may_linger(&self) -> bool {
        let is_heard = self.end_due.is_none() && self.reconnects.is_none();
        self.life == Life::Closing && self.delivered && !self.eof && is_heard
    }
}

/// A listener.
#[derive(Debug)]
pub struct ListenerShadow {
    pub handle: Listener,
    pub life: Life,
    pub enabled: bool,
    /// A failure was fed and not heard of.
    pub fail_due: bool,
    pub user: u32,
    /// The place of its pool.
    pub pool: usize,
    pub kind: Kind,
    pub limit: usize,
}

/// A source.
#[derive(Debug)]
pub struct SourceShadow {
    pub handle: Source,
    pub life: Life,
}
