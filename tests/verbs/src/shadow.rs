//! The shadow of each object: its expected state, derived only from the calls of the application and the reports of the
//! back end.

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
pub enum WaitsFor {
    Nothing,
    Source(Source),
    Signal(Signal),
    Watcher,
}

/// The expected state of an event, from its creation until some time after its end.
#[derive(Debug)]
pub struct EventShadow {
    pub handle: Event,
    pub waits_for: WaitsFor,
    pub interest: EventFlags,
    pub mode: Mode,
    /// Whether the base frees the event after it has fired.
    pub once: bool,
    pub alive: bool,
    /// Whether the event is pending or active, so that its callback may run.
    pub may_fire: bool,
    /// The deadline of the event's timeout, if a timeout was set and has not been reported.
    pub deadline: Option<Instant>,
    /// The flags that the application activated since the last callback.
    pub activated: EventFlags,
    /// The number of callbacks for the event's signal that may still run.
    pub signal_calls_left: u64,
    /// Whether the callback of a once-event has run, while the model does not know yet whether the base has freed the
    /// event.
    pub fired_once: bool,
    /// Whether the callback of a once-event has added the event again, so that it is not freed.
    pub is_added_again: bool,
    pub user: u32,
    pub level: u8,
    /// The index of the event's callback function.
    pub call: u8,
}

impl EventShadow {
    pub fn new(handle: Event, waits_for: WaitsFor, mode: Mode, call: u8) -> Self {
        Self {
            handle,
            waits_for,
            interest: EventFlags::NONE,
            mode,
            once: false,
            alive: true,
            may_fire: false,
            deadline: None,
            activated: EventFlags::NONE,
            signal_calls_left: 0,
            fired_once: false,
            is_added_again: false,
            user: 0,
            level: 4,
            call,
        }
    }

    pub fn is_watcher(&self) -> bool {
        self.waits_for == WaitsFor::Watcher
    }

    /// Records that the callback for a timeout may still run if the timeout has already passed. Called before the
    /// deadline is removed.
    pub fn record_passed_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|at| at <= now) {
            self.activated |= EventFlags::TIMEOUT;
        }
    }

    /// Records that no callback can run before the application changes the event again.
    pub fn set_idle(&mut self) {
        (self.may_fire, self.deadline, self.activated, self.signal_calls_left) =
            (false, None, EventFlags::NONE, 0);
        self.is_added_again = false;
    }
}

/// The stages in the life of an object, until the application and the back end have released it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The application holds the object.
    Held,
    /// The application has closed the connection. Output is still unsent, or one of the two streams has not ended yet.
    Closing,
    /// The application has freed or aborted the object. The base has not yet requested the action that releases it in
    /// the back end.
    Dropped,
    /// The back end has released the connection. When the end of the connection has been reported to the application,
    /// the slot is free, or the connection connects again.
    Released,
    /// The slot of the object is free.
    Gone,
}

/// The expected state of a connection.
#[derive(Debug)]
pub struct ConnShadow {
    pub handle: Conn,
    /// The listener that accepted the connection.
    pub listener: Option<Listener>,
    pub life: Life,
    pub input: VecDeque<u8>,
    pub output: Output,
    /// Whether the rest of a line that was too long must still be discarded.
    pub skips_line: bool,
    pub connecting: bool,
    pub failed: bool,
    pub eof: bool,
    pub finished: bool,
    /// Whether the base has requested the end of the device's stream.
    pub end_requested: bool,
    /// Whether the device's end of stream was reported as delivered.
    pub delivered: bool,
    /// The time from which a closed connection may be reset.
    pub limit: Instant,
    /// Whether another connection has taken the slot, and the base has not yet requested the close of this connection.
    pub evicted: bool,
    /// Callbacks that may still run, each once: accepted, connected, end of stream, and end of the connection.
    pub accept_due: bool,
    pub connect_due: bool,
    pub eof_due: bool,
    pub end_due: Option<ConnEnd>,
    /// Whether the connection is at rest (not connected and not connecting). `connect_at` is the time of its next
    /// connect.
    pub is_resting: bool,
    pub connect_at: Option<Instant>,
    /// The time of a connect that was requested before the connection was at rest. When the connection comes to rest,
    /// this time is copied to `connect_at`.
    pub reconnect_at: Option<Instant>,
    /// Whether the application has requested another connect. If so, the connection does not wait for the peer's end of
    /// stream.
    pub ignores_peer_end: bool,
    /// The time of the connection's alarm, and its period in milliseconds. The period of a one-shot alarm is zero.
    pub alarm: Option<(Instant, u64)>,
    pub kind: Kind,
    /// `wanted_room`: the application waits for this number of free bytes in the output. `awaited_input`: the
    /// application waits for this number of bytes in the input. Zero means that the application does not wait.
    pub wanted_room: usize,
    pub awaited_input: usize,
    /// The index of the connection's pool.
    pub pool: usize,
    /// Whether a timeout was ever set, for each direction.
    pub had_timeout: [bool; 2],
    /// Whether each direction is disabled. The application can disable a direction. The base disables a direction when
    /// it reports the direction's timeout or end of stream.
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
            skips_line: false,
            connecting,
            failed: false,
            eof: false,
            finished: false,
            end_requested: false,
            delivered: false,
            limit: Instant::MAX,
            evicted: false,
            accept_due: !connecting,
            connect_due: false,
            eof_due: false,
            end_due: None,
            is_resting: connecting,
            connect_at: None,
            reconnect_at: None,
            ignores_peer_end: false,
            alarm: None,
            kind,
            wanted_room: 0,
            awaited_input: 0,
            pool,
            had_timeout: [false, kind.connect > 0],
            disabled: [!connecting, false],
            level: 4,
        }
    }
}

impl ConnShadow {
    /// Records that the application has closed the connection. The output is still sent, unless the connection has
    /// failed or is at rest.
    pub fn close(&mut self, now: Instant) {
        if self.failed {
            self.input.clear();
            self.life = Life::Released;
        } else if self.connecting && (self.is_resting || self.output.is_empty()) {
            self.drop(ConnEnd::Closed);
        } else {
            self.close_as(now, ConnEnd::Closed);
        }
    }

    /// Records that the application has aborted the connection. If no data would be lost, the abort is the same as a
    /// close.
    pub fn abort(&mut self, now: Instant, end: ConnEnd) {
        if self.failed {
            self.life = Life::Released;
        } else if !self.connecting && self.eof && self.output.is_empty() {
            self.close_as(now, end);
        } else {
            self.drop(end);
        }
    }

    /// Records that the application has aborted the connection with an error. The connection is dropped in every case.
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
        self.life = if self.is_resting { Life::Released } else { Life::Dropped };
        self.output.clear();
        self.leave(end);
    }

    fn leave(&mut self, end: ConnEnd) {
        (self.is_resting, self.connect_at, self.alarm) = (false, None, None);
        // Nothing is reported about a connection that the application has not received yet.
        self.end_due = (!self.accept_due).then_some(end);
    }

    /// Records that the back end has released the connection.
    pub fn release(&mut self) {
        self.output.clear();
        self.life = Life::Released;
        if self.end_due.is_none() {
            self.free_or_reconnect();
        }
    }

    /// Records that the end was reported to the application and the back end has released the connection.
    pub fn free_or_reconnect(&mut self) {
        if self.reconnect_at.is_some() {
            self.set_resting();
        } else {
            self.life = Life::Gone;
        }
    }

    /// Records that the connection is at rest until its next connect.
    pub fn set_resting(&mut self) {
        let next_number = Self::new(self.handle, None, self.pool, self.kind);
        let connect_at = self.reconnect_at;
        *self = Self { connect_at, level: self.level, ..next_number };
    }

    /// Returns whether the base is about to free the connection's slot, or to let the connection connect again.
    pub fn is_freed(&self) -> bool {
        self.life == Life::Released && self.end_due.is_none()
    }

    /// Returns whether the connection's handle is valid for the application.
    pub fn is_valid(&self) -> bool {
        self.life == Life::Held || self.life != Life::Gone && self.reconnect_at.is_some()
    }

    /// Returns whether another connection may take the slot of this connection.
    pub fn may_linger(&self) -> bool {
        let is_reported = self.end_due.is_none() && self.reconnect_at.is_none();
        self.life == Life::Closing && self.delivered && !self.eof && is_reported
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
    /// The index of the pool for the listener's connections.
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
