//! Connections: byte streams with a ring for input and one for output (libevent's bufferevents).
//!
//! ```text
//!            back end                    application
//!   wire ──▶ input() received(n) ──▶ ring ──▶ peek / read / consume     on_read
//!   wire ◀── output() sent(n)    ◀── ring ◀── write                     on_write
//!            finished / failed / timeout ─────────────────────────────▶ on_event
//! ```
//!
//! * Nothing is read until reading is enabled; writing is enabled from the start (rule B1).
//! * `on_read` runs after input arrived, `on_write` after output was sent and none is left.
//! * What is due is checked when it is called: `on_read` runs only while reading is enabled and there
//!   is input, `on_write` only while writing is enabled and no output is left, a timeout only if the
//!   direction made no progress since. What a disabled direction holds back is called when it is
//!   enabled again.
//! * The end of stream is reported in a later pass than the input before it: what `on_read` wrote has
//!   been offered to the back end by then.
//! * What does not fit in the output ring is refused, never dropped; a full input ring makes the
//!   peer wait.
//! * After the peer's end of stream the input ring can still be read, and output is still sent.
//!
//! The verbs stand in [`ConnMut`], what back ends feed in the module `feed`.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::active::Turn;
use crate::error::ConnError;
use crate::handle::{Conn, Listener, kind};
use crate::list::{Id, Kind};
use crate::outbox::{Action, Mail, note};
use crate::ring::Ring;
use crate::table::Resident;
use crate::{Cx, Fired};

mod feed;
mod tuning;
mod verbs;

pub use tuning::{KEEP_ALIVE, Tuning};
pub use verbs::ConnMut;

/// A connection's callback: the application, the loop, the connection.
pub type OnConn<A> = fn(&mut A, &mut Cx<'_, A>, Conn);

/// A connection's callback for what is not data.
pub type OnConnEvent<A> = fn(&mut A, &mut Cx<'_, A>, Conn, ConnEvent);

/// What happens to a connection beside data (`BEV_EVENT_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnEvent {
    /// An outgoing connection is established.
    Connected,
    /// The peer will send no more. Reading is disabled; writing still works.
    Eof,
    /// Nothing came, or nothing could be sent, for the time set with [`ConnMut::set_timeouts`].
    /// That direction is disabled.
    Timeout(Direction),
    /// The connection has failed; it can only be read out and freed.
    Failed(ConnError),
}

/// One of a connection's two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// From the peer.
    Read,
    /// To the peer.
    Write,
}

/// How far a connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Connecting,
    Open,
    /// The application has closed it; the back end sends what is left.
    Closing,
    Failed,
}

/// Callbacks that are due, in the order they run (rule R2, an accept first of all).
mod due {
    pub(super) const ACCEPTED: u8 = 1 << 0;
    pub(super) const CONNECTED: u8 = 1 << 1;
    pub(super) const READ: u8 = 1 << 2;
    pub(super) const WRITE: u8 = 1 << 3;
    pub(super) const READ_TIMEOUT: u8 = 1 << 4;
    pub(super) const WRITE_TIMEOUT: u8 = 1 << 5;
    pub(super) const EOF: u8 = 1 << 6;
    pub(super) const FAILED: u8 = 1 << 7;

    /// What puts the end of stream off to the next pass.
    pub(super) const BEFORE_EOF: u8 = READ | CONNECTED;
    /// What waits until reading is enabled.
    pub(super) const OF_READING: u8 = READ | READ_TIMEOUT | EOF;
    /// What waits until writing is enabled.
    pub(super) const OF_WRITING: u8 = WRITE | WRITE_TIMEOUT;
}

/// What an address is before it is set. Made of zeros, as a static storage must be to take no flash.
pub(crate) const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

pub(crate) struct ConnState<A> {
    /// Who accepted it; none for an outgoing connection.
    pub(crate) listener: Listener,
    /// It waits for its listener to be enabled again.
    pub(crate) held_back: bool,
    on_read: Option<OnConn<A>>,
    on_write: Option<OnConn<A>>,
    on_event: Option<OnConnEvent<A>>,
    user: u32,
    peer: SocketAddr,
    phase: Phase,
    input: Ring,
    output: Ring,
    read_enabled: bool,
    write_enabled: bool,
    /// The peer will send no more.
    eof: bool,
    /// We will write no more.
    finished: bool,
    tuning: Tuning,
    error: ConnError,
    /// Inactivity timeouts in microseconds; zero for none.
    timeouts: [u64; 2],
    due: u8,
    pub(crate) turn: Turn,
    pub(crate) mail: Mail,
}

impl<A> Resident for ConnState<A> {
    type Kind = kind::Conn;

    const EMPTY: Self = Self {
        listener: Listener::NONE,
        held_back: false,
        on_read: None,
        on_write: None,
        on_event: None,
        user: 0,
        peer: NOWHERE,
        phase: Phase::Connecting,
        input: Ring::EMPTY,
        output: Ring::EMPTY,
        read_enabled: false,
        write_enabled: false,
        eof: false,
        finished: false,
        tuning: Tuning { nagle: false, keep_alive: 0 },
        error: ConnError::Reset,
        timeouts: [0; 2],
        due: 0,
        turn: Turn::EMPTY,
        mail: Mail::EMPTY,
    };

    fn vacate(&mut self) {
        *self = Self { turn: self.turn.vacated(), ..Self::EMPTY };
    }
}

impl<A> ConnState<A> {
    /// The first callback to run, of those that are due and still have their reason; zero for none.
    fn next_due(&self) -> u8 {
        let mut due = self.due;
        if !self.read_enabled {
            due &= !due::OF_READING;
        }
        if !self.write_enabled {
            due &= !due::OF_WRITING;
        }
        due & due.wrapping_neg()
    }

    /// Takes the next callback, but for that of a listener.
    fn take_call(&mut self, conn: Conn) -> Option<Fired<A>> {
        if self.input.len() == 0 {
            self.due &= !due::READ;
        }
        if self.output.len() > 0 {
            self.due &= !due::WRITE;
        }
        let first = self.next_due();
        self.due &= !first;
        let event = match first {
            0 => return None,
            due::READ => return self.on_read.map(|call| Fired::Conn(call, conn)),
            due::WRITE => return self.on_write.map(|call| Fired::Conn(call, conn)),
            due::CONNECTED => ConnEvent::Connected,
            due::READ_TIMEOUT => {
                self.disable(Direction::Read);
                ConnEvent::Timeout(Direction::Read)
            }
            due::WRITE_TIMEOUT => {
                self.disable(Direction::Write);
                ConnEvent::Timeout(Direction::Write)
            }
            due::EOF => {
                self.disable(Direction::Read);
                ConnEvent::Eof
            }
            _ => ConnEvent::Failed(self.error),
        };
        self.on_event.map(|call| Fired::ConnEvent(call, conn, event))
    }

    /// Enables reading. After the end of stream was reported there is nothing to enable.
    const fn enable_reading(&mut self) {
        self.read_enabled = !self.eof || self.due & due::EOF != 0;
    }

    const fn disable(&mut self, direction: Direction) {
        match direction {
            Direction::Read => self.read_enabled = false,
            Direction::Write => self.write_enabled = false,
        }
    }

    /// Leaves the listener's callback behind.
    pub(crate) const fn set_accepted(&mut self) {
        self.due &= !due::ACCEPTED;
    }

    /// Whether its listener's callback has not run yet: the application does not know of it.
    pub(crate) const fn is_unaccepted(&self) -> bool {
        self.due & due::ACCEPTED != 0
    }

    /// Whether the application has set a callback for it.
    const fn hears(&self, due: u8) -> bool {
        match due {
            due::READ => self.on_read.is_some(),
            due::WRITE => self.on_write.is_some(),
            _ => self.on_event.is_some(),
        }
    }

    /// Where its input stands.
    #[cfg(feature = "record")]
    pub(crate) const fn input(&self) -> &Ring {
        &self.input
    }

    /// Whether the application may still use the connection.
    pub(crate) fn is_held(&self) -> bool {
        self.phase != Phase::Closing
    }

    /// Whether input is wanted, as far as the application and the peer are concerned.
    fn wants_input(&self) -> bool {
        self.phase == Phase::Open && self.read_enabled && !self.eof
    }

    /// Whether output goes out, as far as the application is concerned. What a closed connection
    /// still holds goes out even if writing was disabled.
    fn may_send(&self) -> bool {
        match self.phase {
            Phase::Open => self.write_enabled && self.output.len() > 0,
            Phase::Closing => self.output.len() > 0,
            Phase::Connecting | Phase::Failed => false,
        }
    }

    /// Whether something of ours waits for the peer: an answer to a connect, room for output.
    fn awaits_peer(&self) -> bool {
        self.phase == Phase::Connecting || (self.phase == Phase::Open && self.output.len() > 0)
    }
}

// What the verbs, the feed and the dispatch share.
impl<A> Cx<'_, A> {
    /// Prepares the next callback of a connection whose turn it is; the turn ends with the last.
    ///
    /// The end of stream waits for the next pass, so that the back end is offered first what the
    /// callback for the input before it writes.
    pub(crate) fn conn_fire(&mut self, index: u16) -> Option<Fired<A>> {
        let (conn, state) = self.tables.conns.at(index)?;
        if state.is_unaccepted() {
            return self.hand_over(conn);
        }
        let before = state.due;
        let fired = state.take_call(conn);
        let input_came = before & !state.due & due::BEFORE_EOF != 0;
        let eof_waits = input_came && state.due & due::EOF != 0;
        if eof_waits || state.next_due() == 0 {
            self.active.done(&mut state.turn);
            self.conn_activate(conn);
        }
        fired
    }

    /// A timeout of a connection has passed, the one with this number among those of connections;
    /// the direction is disabled when the callback runs (rule M7).
    pub(crate) fn conn_timed_out(&mut self, timer: usize) {
        self.conn_timers.cancel(timer);
        let direction = if timer & 1 == 1 { Direction::Write } else { Direction::Read };
        let Some((conn, state)) = self.tables.conns.at((timer >> 1) as u16) else { return };
        // Due even if nobody hears of it: it disables the direction in its turn.
        state.due |= timeout_of(direction);
        self.conn_activate(conn);
    }

    pub(crate) fn conn_action(&mut self, index: u16, note: u8) -> Option<Action> {
        let (conn, state) = self.tables.conns.at(index)?;
        match note {
            note::OPEN => Some(Action::Connect(conn, state.peer)),
            note::TUNE if state.is_held() => Some(Action::Tune(conn, state.tuning)),
            note::RECEIVE if state.wants_input() => Some(Action::Receive(conn)),
            note::SEND if state.may_send() => Some(Action::Send(conn)),
            note::FINISH => Some(Action::Finish(conn)),
            note::CLOSE => Some(Action::Close(conn)),
            note::DROP => {
                self.tables.conns.remove(conn);
                Some(Action::Abort(conn))
            }
            _ => None,
        }
    }

    /// Makes a callback due, if there is one.
    fn conn_due(&mut self, conn: Conn, due: u8) {
        if let Some(state) = self.tables.conns.get_mut(conn).filter(|state| state.hears(due)) {
            state.due |= due;
            self.conn_activate(conn);
        }
    }

    /// Gives a connection that was accepted a turn, if a callback can run.
    fn conn_activate(&mut self, conn: Conn) {
        let state = self.tables.conns.get(conn);
        if state.is_some_and(|state| state.next_due() != 0 && !state.is_unaccepted()) {
            self.conn_queue(conn);
        }
    }

    /// Gives a connection a turn.
    pub(crate) fn conn_queue(&mut self, conn: Conn) {
        if let Some(state) = self.tables.conns.get_mut(conn) {
            let queued = self.active.activate(&mut state.turn, id_of(conn));
            self.activated(id_of(conn), queued);
        }
    }

    fn conn_post(&mut self, conn: Conn, note: u8) {
        self.outbox.post(&mut self.tables, id_of(conn), note);
    }

    /// Sets a direction's timeout anew, if it is one to count now (rule M5): reading, while input
    /// is wanted and there is room for it; writing, while something is to be sent or connected.
    /// With [`Restart::No`] a timeout that counts already, or has passed, stays; else one that has
    /// passed and was not called is taken back.
    fn conn_retime(&mut self, conn: Conn, direction: Direction, restart: Restart) {
        let Some(state) = self.tables.conns.get_mut(conn) else { return };
        let timeout = state.timeouts.get(direction as usize).copied().unwrap_or_default();
        if timeout == 0 {
            return;
        }
        let room = self.rings.input_len() > state.input.len();
        let counts = match direction {
            Direction::Read => state.wants_input() && room,
            Direction::Write => state.write_enabled && state.awaits_peer(),
        };
        let (owner, passed) = (timer_of(conn, direction), timeout_of(direction));
        if !counts {
            state.due &= !passed;
            self.conn_timers.cancel(owner);
        } else if restart == Restart::Yes
            || !(self.conn_timers.is_armed(owner) || state.due & passed != 0)
        {
            state.due &= !passed;
            let key = self.key(self.now.plus(timeout), owner);
            self.conn_timers.arm(key);
            self.note_added();
        }
    }

    fn conn_untime(&mut self, conn: Conn) {
        for direction in [Direction::Read, Direction::Write] {
            self.conn_timers.cancel(timer_of(conn, direction));
        }
        if let Some(state) = self.tables.conns.get_mut(conn) {
            state.due &= !(due::READ_TIMEOUT | due::WRITE_TIMEOUT);
        }
    }
}

/// Each connection owns two timers.
const fn timer_of(conn: Conn, direction: Direction) -> usize {
    conn.index().saturating_mul(2).saturating_add(direction as usize)
}

/// The callback of a direction's timeout.
const fn timeout_of(direction: Direction) -> u8 {
    match direction {
        Direction::Read => due::READ_TIMEOUT,
        Direction::Write => due::WRITE_TIMEOUT,
    }
}

/// Whether a timeout that counts already starts again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Restart {
    Yes,
    No,
}

pub(crate) const fn id_of(conn: Conn) -> Id {
    Id::new(Kind::Conn, conn.slot())
}
