//! The test programs, as plain data. Each program runs on libevent and on picoevent.
//!
//! A program is a flat list of lines, so that the shrinker can leave out any line. The shrinker also drops lines about
//! an event if no line makes this event.
//!
//! ```text
//! event 0 timer persist             a timer with the number 0
//! event 1 source 2 rw edge drain    waits for source 2; its callback ends what was reported
//! watcher 7 prepare
//! conn 28 prio 3                    an open connection, at the priority 3
//! pair 28 29                        the connections 28 and 29 are each other's peers, without sockets
//! at 12 ready 2 r                   at 12 ms source 2 becomes readable
//! at 15 peer 28 send 5              at 15 ms the connection's peer sends five bytes
//! on 0 1 add 1 5                    the second callback of event 0 adds event 1 with 5 ms
//! main add 0 10                     outside of the loop: adds event 0 with 10 ms
//! on 28 0 consume 28 3              the first callback of the connection takes three bytes of its input
//! main run 0                        runs the loop
//! ```

mod text;

use parse_display::{Display, FromStr};
use strum::IntoStaticStr;

use text::{Dash, Letters};

/// The number of an event, watcher or connection in its program.
pub type Id = u8;

/// The number of possible ids. All ids are below this number.
pub const MAX_ID: usize = 32;
/// The maximum number of sources. Their numbers start at 0.
pub const SOURCES: usize = 8;
/// The number of the first connection. All numbers of connections are below [`MAX_ID`].
pub const FIRST_CONN: usize = 28;
/// The maximum number of connections in a program. Each connection has a virtual socket. A poll reports sockets and
/// sources by number: the numbers of the sockets follow the numbers of the sources.
pub const CONNS: usize = MAX_ID - FIRST_CONN;
/// The limit for signal numbers. All signal numbers are below this limit.
pub const SIGNALS: usize = 32;
/// The number of priorities. The priorities start at 0.
pub const LEVELS: usize = 8;

/// The maximum number of callbacks. A program with more callbacks is stopped, at the same point on libevent, picoevent
/// and the model.
pub const MOST_CALLS: u32 = 80;
/// The maximum number of polls. A program with more polls is stopped.
pub const MOST_POLLS: u32 = 160;

/// The capacity in bytes of a connection's input and output, and of its virtual socket's output.
pub const INPUT: usize = 12;
pub const OUTPUT: usize = 16;
pub const SEND_BUFFER: usize = 6;

/// The bits of conditions. They are the same in libevent and picoevent.
pub mod bits {
    pub const TIMEOUT: u8 = 0x01;
    pub const READ: u8 = 0x02;
    pub const WRITE: u8 = 0x04;
    pub const SIGNAL: u8 = 0x08;
    pub const EDGE: u8 = 0x20;
    /// A bit that has no meaning in libevent or picoevent.
    pub const CUSTOM: u8 = 0x40;
    pub const CLOSED: u8 = 0x80;
    /// The conditions of a source.
    pub const IO: u8 = READ | WRITE | CLOSED;
    /// The result bits of `event_pending`.
    pub const PENDING: u8 = IO | TIMEOUT | SIGNAL;
}

/// Run modes, in libevent's bits.
pub mod run {
    pub const ONCE: u8 = 1;
    pub const NONBLOCK: u8 = 2;
    pub const NO_EXIT_ON_EMPTY: u8 = 4;
}

/// A program: its lines in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    pub lines: Vec<Line>,
}

/// One line of a program.
#[derive(Clone, Debug, PartialEq, Eq, Display, FromStr)]
pub enum Line {
    /// The dispatch limit.
    #[display("{0}")]
    Limit(Limit),
    /// A common timeout in milliseconds. Common timeouts are numbered in the order of their lines.
    #[display("common {0}")]
    Common(u64),
    /// An event, made at the start.
    #[display("{0}")]
    Event(EventDecl),
    /// A watcher, added at the start.
    #[display("watcher {0} {1}")]
    Watcher(Id, WatcherKind),
    /// A connection, open from the start.
    #[display("{0}")]
    Conn(ConnDecl),
    /// A pair: each of these two connections is the peer of the other.
    #[display("pair {0} {1}")]
    Pair(Id, Id),
    /// Something that happens outside of the loop, at a time in milliseconds.
    #[display("at {0} {1}")]
    At(u64, ExternalEvent),
    /// A step outside of the loop.
    #[display("main {0}")]
    Main(Op),
    /// A step in a callback: the id of the event, watcher or connection, the number of the call, and the step. The
    /// first call has the number 0.
    #[display("on {0} {1} {2}")]
    On(Id, u32, Op),
}

/// The dispatch limit of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, FromStr)]
#[display("limit {callbacks} {time} {priority}")]
pub struct Limit {
    #[display(with = Dash)]
    pub callbacks: Option<u32>,
    /// The maximum time in milliseconds.
    #[display(with = Dash)]
    pub time: Option<u64>,
    pub priority: u8,
}

/// The declaration of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventDecl {
    pub id: Id,
    pub waits: WaitsFor,
    /// The conditions for which the event waits on its source.
    pub what: u8,
    pub edge: bool,
    pub persist: bool,
    /// Whether each add makes a new event. The new event is freed when it has fired.
    pub once: bool,
    /// Whether the event's callback clears the reported conditions of the source, like a callback that reads all data.
    pub drain: bool,
    pub priority: Option<u8>,
}

/// The declaration of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, FromStr)]
#[display("conn {id} prio {priority}")]
pub struct ConnDecl {
    pub id: Id,
    pub priority: u8,
}

/// An action of a connection's peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, FromStr)]
pub enum PeerAction {
    /// Sends this number of bytes to the connection.
    #[display("send {0}")]
    Send(usize),
    /// Takes up to this number of bytes that the socket holds for the peer.
    #[display("take {0}")]
    Take(usize),
    /// Ends the peer's stream.
    #[display("end")]
    End,
    /// Resets the connection. The bytes in transit in both directions are lost.
    #[display("reset")]
    Reset,
}

/// The source or signal that an event waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitsFor {
    #[default]
    Nothing,
    Source(u8),
    Signal(u8),
}

/// The kind of a watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, FromStr)]
#[display(style = "lowercase")]
pub enum WatcherKind {
    Prepare,
    Check,
}

/// Something that happens outside of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, FromStr)]
pub enum ExternalEvent {
    /// Sets the conditions for which the source is ready.
    #[display("ready {0} {1}")]
    Ready(u8, #[display(with = Letters)] u8),
    /// Raises the signal this number of times.
    #[display("raise {0} {1}")]
    Raise(u8, u16),
    #[display("peer {0} {1}")]
    Peer(Id, PeerAction),
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, FromStr, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
#[display(style = "lowercase")]
pub enum Op {
    #[display("add {0} {1}")]
    Add(Id, Timeout),
    #[display("del {0}")]
    Del(Id),
    #[strum(to_string = "act")]
    #[display("act {0} {1}")]
    Activate(Id, #[display(with = Letters)] u8),
    #[strum(to_string = "prio")]
    #[display("prio {0} {1}")]
    Priority(Id, u8),
    #[strum(to_string = "notimer")]
    #[display("notimer {0}")]
    RemoveTimer(Id),
    #[display("free {0}")]
    Free(Id),
    /// Makes a freed event again.
    #[display("make {0}")]
    Make(Id),
    /// Queries the conditions for which an event is pending, its deadline and its priority.
    #[strum(to_string = "ask")]
    #[display("ask {0}")]
    Query(Id),
    Counts,
    /// Queries the peaks, and clears them.
    Peaks,
    /// Lists all events.
    All,
    /// Queries whether an exit or a break was requested.
    Got,
    #[display("exit {0}")]
    Exit(#[display(with = Dash)] Option<u64>),
    Break,
    Continue,
    /// Lets this number of milliseconds pass.
    #[strum(to_string = "take")]
    #[display("take {0}")]
    PassTime(u64),
    /// Updates the loop's time.
    #[strum(to_string = "look")]
    #[display("look")]
    UpdateNow,
    #[display("ready {0} {1}")]
    Ready(u8, #[display(with = Letters)] u8),
    #[display("raise {0} {1}")]
    Raise(u8, u16),
    #[display("peer {0} {1}")]
    Peer(Id, PeerAction),
    /// Writes this number of bytes to a connection.
    #[display("write {0} {1}")]
    Write(Id, usize),
    /// Writes as many bytes as fit, up to this number.
    #[strum(to_string = "some")]
    #[display("some {0} {1}")]
    WriteSome(Id, usize),
    /// Requests the write callback when this number of bytes is free in the output.
    #[display("room {0} {1}")]
    Room(Id, usize),
    /// Takes up to this number of bytes from the input of a connection.
    #[display("consume {0} {1}")]
    Consume(Id, usize),
    /// Enables directions of a connection.
    #[display("enable {0} {1}")]
    Enable(Id, #[display(with = Letters)] u8),
    #[display("disable {0} {1}")]
    Disable(Id, #[display(with = Letters)] u8),
    /// Sets the timeouts for reading and writing, in milliseconds.
    #[display("timeouts {0} {1} {2}")]
    Timeouts(Id, #[display(with = Dash)] Option<u64>, #[display(with = Dash)] Option<u64>),
    /// Requests the callback for input again.
    #[display("again {0}")]
    Again(Id),
    /// Requests the callback for output again.
    #[display("refill {0}")]
    Refill(Id),
    /// Sets the low and the high mark of a direction.
    #[display("marks {0} {1} {2} {3}")]
    Marks(Id, #[display(with = Letters)] u8, usize, usize),
    /// Queries the numbers of bytes in a connection's input and output, and its enabled directions.
    #[display("state {0}")]
    State(Id),
    /// Ends the output stream of a connection of a pair.
    #[display("finish {0}")]
    Finish(Id),
    /// Drops a connection at once.
    #[display("abort {0}")]
    Abort(Id),
    #[display("watch {0}")]
    Watch(Id),
    #[display("unwatch {0}")]
    Unwatch(Id),
    /// Runs the loop. Only possible outside of callbacks.
    #[display("run {0}")]
    Run(u8),
}

/// The timeout with which an event is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, FromStr)]
pub enum Timeout {
    #[display("-")]
    None,
    /// A timeout in milliseconds.
    #[display("{0}")]
    After(u64),
    /// A common timeout, by its number.
    #[display("c{0}")]
    Common(usize),
}

/// Returns the number of a connection's virtual socket.
pub fn socket(id: Id) -> usize {
    usize::from(id) - FIRST_CONN
}

/// Returns the number under which a connection's socket is reported.
pub fn socket_source(id: Id) -> u8 {
    (SOURCES + socket(id)) as u8
}

impl Op {
    /// Returns the name of the step.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the event, watcher or connection on which the step acts, if there is one.
    pub fn id(self) -> Option<Id> {
        match self {
            Self::Add(id, _)
            | Self::Del(id)
            | Self::Activate(id, _)
            | Self::Priority(id, _)
            | Self::RemoveTimer(id)
            | Self::Free(id)
            | Self::Make(id)
            | Self::Query(id)
            | Self::Peer(id, _)
            | Self::Write(id, _)
            | Self::WriteSome(id, _)
            | Self::Room(id, _)
            | Self::Consume(id, _)
            | Self::Enable(id, _)
            | Self::Disable(id, _)
            | Self::Timeouts(id, ..)
            | Self::Again(id)
            | Self::Refill(id)
            | Self::Marks(id, ..)
            | Self::State(id)
            | Self::Finish(id)
            | Self::Abort(id)
            | Self::Watch(id)
            | Self::Unwatch(id) => Some(id),
            _ => None,
        }
    }
}

impl Line {
    /// Returns the step in the line.
    pub fn op(&self) -> Option<Op> {
        match self {
            Self::Main(op) | Self::On(_, _, op) => Some(*op),
            _ => None,
        }
    }
}

/// A program that is prepared for a run. Declarations are stored by id, and the steps of callbacks by id and number of
/// the call.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub limit: Option<Limit>,
    pub commons: Vec<u64>,
    /// Events and watchers in the order in which they are made.
    pub declared: Vec<Id>,
    pub decls: [Option<EventDecl>; MAX_ID],
    pub watchers: [Option<WatcherKind>; MAX_ID],
    pub conns: Vec<ConnDecl>,
    pub pairs: Vec<(Id, Id)>,
    pub external_events: Vec<(u64, ExternalEvent)>,
    pub main: Vec<Op>,
    scripts: Vec<((Id, u32), Vec<Op>)>,
}

impl Plan {
    /// Reads the lines in order.
    pub fn new(program: &Program) -> Self {
        let mut plan = Self::default();
        for line in &program.lines {
            match line {
                Line::Limit(limit) => plan.limit = Some(*limit),
                Line::Common(ms) => plan.commons.push(*ms),
                Line::Event(decl) => {
                    plan.decls[usize::from(decl.id)] = Some(*decl);
                    plan.declared.push(decl.id);
                }
                Line::Watcher(id, when) => {
                    plan.watchers[usize::from(*id)] = Some(*when);
                    plan.declared.push(*id);
                }
                Line::Conn(decl) => plan.conns.push(*decl),
                Line::Pair(one, other) => plan.pairs.push((*one, *other)),
                Line::At(time, event) => plan.external_events.push((*time, *event)),
                Line::Main(op) => plan.main.push(*op),
                Line::On(id, firing, op) => match plan.scripts.last_mut() {
                    Some((key, script)) if *key == (*id, *firing) => script.push(*op),
                    _ => plan.scripts.push(((*id, *firing), vec![*op])),
                },
            }
        }
        plan
    }

    pub fn decl(&self, id: Id) -> Option<&EventDecl> {
        self.decls.get(usize::from(id))?.as_ref()
    }

    /// Returns the other connection of a pair, or `None` if the connection belongs to no pair.
    pub fn partner(&self, id: Id) -> Option<Id> {
        self.pairs.iter().find_map(|(one, other)| match id {
            _ if id == *one => Some(*other),
            _ if id == *other => Some(*one),
            _ => None,
        })
    }

    /// Returns the steps of a callback.
    pub fn script(&self, id: Id, firing: u32) -> impl Iterator<Item = Op> {
        let scripts = self.scripts.iter().filter(move |(key, _)| *key == (id, firing));
        scripts.flat_map(|(_, script)| script.iter().copied())
    }
}
