//! What must be true of each object, as far as it follows from the verbs alone.

use std::collections::VecDeque;

use picoevent::{Conn, Event, FIN_WAIT, Instant, LINGER, Listener, Mode, Signal, Source, What};

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
    pub interest: What,
    pub mode: Mode,
    /// It goes by itself once it has fired.
    pub once: bool,
    pub alive: bool,
    /// It is pending or active, so that a callback may come.
    pub may_fire: bool,
    /// When its timeout passes, if one was set and has not been heard of.
    pub armed: Option<Instant>,
    /// Bits that were given to it by hand since its last callback.
    pub given: What,
    /// Calls for its signal that may still come.
    pub credit: u64,
    /// Its callback ran, and nothing has been done to it since.
    pub spent: bool,
    /// It is a once-event that its callback has made use of again, so that it stays.
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
            interest: What::NONE,
            mode,
            once: false,
            alive: true,
            may_fire: false,
            armed: None,
            given: What::NONE,
            credit: 0,
            spent: false,
            stays: false,
            user: 0,
            level: 4,
            call,
        }
    }

    pub fn is_watcher(&self) -> bool {
        self.made_for == For::Watching
    }

    /// The deadline is about to go: if it has passed, the callback may still be to come.
    pub fn passed_already(&mut self, now: Instant) {
        if self.armed.is_some_and(|at| at <= now) {
            self.given |= What::TIMEOUT;
        }
    }

    /// Nothing can come of it any more, unless something is done to it.
    pub fn quiet(&mut self) {
        (self.may_fire, self.armed, self.given, self.credit) = (false, None, What::NONE, 0);
        self.stays = false;
    }
}

/// Who still knows of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The application holds it.
    Held,
    /// The application has closed it: output, our end of stream and the peer's are left.
    Closing,
    /// The application has let go of it; the back end has not heard so.
    Dropped,
    /// Nobody: the slot is given back.
    Gone,
}

/// A connection.
#[derive(Debug)]
pub struct ConnShadow {
    pub handle: Conn,
    /// Who accepted it.
    pub listener: Option<Listener>,
    pub life: Life,
    pub input: VecDeque<u8>,
    pub output: VecDeque<u8>,
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
    /// Its slot was given to another; the back end has not heard so.
    pub evicted: bool,
    /// Callbacks that may still come, each once: accepted, connected, end of stream, failed.
    pub accept_due: bool,
    pub connect_due: bool,
    pub eof_due: bool,
    pub fail_due: bool,
    /// A timeout was set at some time, for each direction.
    pub timed: [bool; 2],
    /// Each direction was disabled, by a verb or by a callback that says so, and not enabled since.
    pub disabled: [bool; 2],
    pub user: u32,
    pub level: u8,
}

impl ConnShadow {
    pub fn new(handle: Conn, listener: Option<Listener>) -> Self {
        let connecting = listener.is_none();
        Self {
            handle,
            listener,
            life: Life::Held,
            input: VecDeque::new(),
            output: VecDeque::new(),
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
            fail_due: false,
            timed: [false; 2],
            disabled: [true, false],
            user: 0,
            level: 4,
        }
    }
}

impl ConnShadow {
    /// The application closes it, or drops it, which is the same if nothing is lost by that.
    pub fn close(&mut self, now: Instant) {
        self.life = Life::Closing;
        self.input.clear();
        self.limit = now.after(if self.delivered { FIN_WAIT } else { LINGER });
    }

    /// The application drops it.
    pub fn drop(&mut self) {
        self.life = if self.failed { Life::Gone } else { Life::Dropped };
        self.output.clear();
    }

    /// Its slot may go to another.
    pub fn may_linger(&self) -> bool {
        self.life == Life::Closing && self.delivered && !self.eof
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
}

/// A source.
#[derive(Debug)]
pub struct SourceShadow {
    pub handle: Source,
    pub life: Life,
}
