//! The expected state of each object, derived only from the verbs.

mod lines;
mod output;

use std::collections::VecDeque;

use picoevent::{
    Conn, ConnEnd, Event, EventFlags, FIN_WAIT, Instant, LINGER, Listener, Mode, Signal, Source,
};

use crate::verbs::Kind;

pub use lines::{end_of_line, take_line};
pub use output::Output;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    Nothing,
    Source(Source),
    Signal(Signal),
    Watching,
}

/// The expected state of an event, from its creation until long after its end.
#[derive(Debug)]
pub struct EventShadow {
    pub handle: Event,
    pub made_for: For,
    pub interest: EventFlags,
    pub mode: Mode,
    /// Whether the base frees it after it has fired.
    pub once: bool,
    pub alive: bool,
    /// Whether it is pending or active, so that a callback may run.
    pub may_fire: bool,
    /// The deadline of its timeout, if a timeout was set and has not been reported.
    pub armed: Option<Instant>,
    /// The flags that the application activated since the last callback.
    pub given: EventFlags,
    /// The number of calls for its signal that may still come.
    pub credit: u64,
    /// Whether its callback ran, and nothing has been done to it since.
    pub fired_once: bool,
    /// Whether its callback has added this once-event again, so that it is not freed.
    pub stays: bool,
    pub user: u32,
    pub level: u8,
    /// The index of its callback function.
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

    /// Keeps a timeout that has already passed: its callback may still run. Called before the
    /// deadline is removed.
    pub fn passed_already(&mut self, now: Instant) {
        if self.armed.is_some_and(|at| at <= now) {
            self.given |= EventFlags::TIMEOUT;
        }
    }

    /// Records that no callback can follow without another verb.
    pub fn quiet(&mut self) {
        (self.may_fire, self.armed, self.given, self.credit) = (false, None, EventFlags::NONE, 0);
        self.stays = false;
    }
}

/// How far an object has been released by the application and the back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The application holds it.
    Held,
    /// The application has closed it. Its output, our end of stream or the peer's end of stream is not complete yet.
    Closing,
    /// The application has dropped it, and the back end has not been told yet.
    Dropped,
    /// The back end has released it. After the application has been told of the end, its slot is
    /// free, or it connects again.
    Released,
    /// Its slot is free.
    Gone,
}

/// The expected state of a connection.
#[derive(Debug)]
pub struct ConnShadow {
    pub handle: Conn,
    /// The listener that accepted it.
    pub listener: Option<Listener>,
    pub life: Life,
    pub input: VecDeque<u8>,
    pub output: Output,
    /// Whether the rest of a line that is too long is discarded.
    pub skips: bool,
    pub connecting: bool,
    pub failed: bool,
    pub eof: bool,
    pub finished: bool,
    /// Whether the back end was told to end our stream.
    pub told_end: bool,
    /// Whether the peer has our end of stream.
    pub delivered: bool,
    /// The time from which a closed connection may be reset.
    pub limit: Instant,
    /// Whether another connection has taken its slot, and the back end has not been told yet.
    pub evicted: bool,
    /// Callbacks that may still come, each once: accepted or connected, end of stream, end.
    pub accept_due: bool,
    pub connect_due: bool,
    pub eof_due: bool,
    pub end_due: Option<ConnEnd>,
    /// Whether it is at rest (not connected and not connecting), and the time at which it connects.
    pub rests: bool,
    pub connects_at: Option<Instant>,
    /// The time of a connect that was requested before the connection was at rest. At rest it becomes `connects_at`.
    pub reconnects: Option<Instant>,
    /// Whether it was told to connect again, so that it does not wait for the peer's end of stream.
    pub hurries: bool,
    /// The time of its alarm, and the period in milliseconds; zero for a one-shot alarm.
    pub alarm: Option<(Instant, u64)>,
    pub kind: Kind,
    /// The room and the input that the application waits for; zero for none.
    pub wanted: usize,
    pub awaited: usize,
    /// The index of its pool.
    pub pool: usize,
    /// Whether a timeout was ever set, for each direction.
    pub timed: [bool; 2],
    /// Whether each direction is disabled, by a verb or by the base together with a callback.
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
    /// Records a close by the application: the output is sent first.
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

    /// Records an abort by the application. If no data would be lost, the abort is the same as a close.
    pub fn abort(&mut self, now: Instant, end: ConnEnd) {
        if self.failed {
            self.life = Life::Released;
        } else if !self.connecting && self.eof && self.output.is_empty() {
            self.close_as(now, end);
        } else {
            self.drop(end);
        }
    }

    /// Records an abort with an error by the application: the connection is dropped in every case.
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
        // Nothing is reported about a connection that the application has not received yet.
        self.end_due = (!self.accept_due).then_some(end);
    }

    /// Records that the back end has released it.
    pub fn release(&mut self) {
        self.output.clear();
        self.life = Life::Released;
        if self.end_due.is_none() {
            self.give_back();
        }
    }

    /// Records that the application was told of the end, and the back end has released it.
    pub fn give_back(&mut self) {
        if self.reconnects.is_some() {
            self.rest();
        } else {
            self.life = Life::Gone;
        }
    }

    /// Puts it at rest until it connects again.
    pub fn rest(&mut self) {
        let fresh = Self::new(self.handle, None, self.pool, self.kind);
        let connects_at = self.reconnects;
        *self = Self { connects_at, level: self.level, ..fresh };
    }

    /// Returns whether the base is about to free its slot, or to let it connect again.
    pub fn is_freed(&self) -> bool {
        self.life == Life::Released && self.end_due.is_none()
    }

    /// Returns whether its handle is valid for the application.
    pub fn answers(&self) -> bool {
        self.life == Life::Held || self.life != Life::Gone && self.reconnects.is_some()
    }

    /// Returns whether another connection may take its slot.
    pub fn may_linger(&self) -> bool {
        let is_heard = self.end_due.is_none() && self.reconnects.is_none();
        self.life == Life::Closing && self.delivered && !self.eof && is_heard
    }
}

/// The expected state of a listener.
#[derive(Debug)]
pub struct ListenerShadow {
    pub handle: Listener,
    pub life: Life,
    pub enabled: bool,
    /// Whether the back end has reported a failure that the application has not received yet.
    pub fail_due: bool,
    pub user: u32,
    /// The index of its pool.
    pub pool: usize,
    pub kind: Kind,
    pub limit: usize,
}

/// The expected state of a source.
#[derive(Debug)]
pub struct SourceShadow {
    pub handle: Source,
    pub life: Life,
}
