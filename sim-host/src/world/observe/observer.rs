//! Those who look on: what a capture file, a timeline or a person at a terminal gets to see.
//!
//! A simulation without an observer pays one comparison for each of these.

use std::net::SocketAddr;

use picoevent::{Conn, Event, Instant, Listener, What};

use crate::world::choices::fault::Fault;
use crate::world::observe::function::Function;

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the peers to the device.
    ToDevice,
    /// From the device to the peers.
    ToPeer,
}

/// What the cable does with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It will arrive at this time, in microseconds of the simulation.
    Arrives(u64),
    /// It is lost by chance.
    Lost,
    /// Nothing passes in its direction.
    Partitioned,
    /// The device's link is down.
    LinkDown,
    /// It is longer than what passes.
    TooLong,
    /// Too much is waiting before it.
    QueueFull,
}

/// What was done to a frame that arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// It is the second copy.
    pub duplicated: bool,
    /// It is overtaken.
    pub late: bool,
    /// It waits for its turn on a slow link.
    pub slowed: bool,
    /// It takes a little longer, by chance.
    pub jittered: bool,
    /// It waits for a clog to go.
    pub held: bool,
    /// A bit is flipped.
    pub flipped: bool,
    /// A byte was changed, and the checksum made to fit.
    pub forged: bool,
}

/// A frame on the cable.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'f> {
    /// Its number in its simulation; the same when it is sent and when it arrives, and another for a
    /// second copy.
    pub number: u64,
    /// Which way it goes.
    pub way: Direction,
    /// It, from the Ethernet header on.
    pub bytes: &'f [u8],
}

/// What lives in a table of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// An event.
    Event(Event),
    /// A connection.
    Conn(Conn),
    /// A listener.
    Listener(Listener),
}

/// What can be said of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// What an event waits for, and until when by the device's clock.
    Waits(What, Option<Instant>),
    /// With whom a connection is.
    With(SocketAddr),
    /// Where a listener listens.
    At(SocketAddr),
}

/// A callback of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// What kind of object it belongs to, and why it is called: `conn data`, `conn eof`.
    pub name: &'static str,
    /// The object.
    pub object: Object,
    /// The application's function.
    pub function: Function,
}

/// News of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It calls from this port.
    Calls(u16),
    /// It has what it wanted, so many microseconds after it called first.
    IsServed(u64),
    /// It was turned away, or lost its connection.
    IsTurnedAway,
    /// It is gone and comes no more.
    IsGone,
}

/// Sees what happens in a simulation. Every method does nothing unless it is written; times are in
/// microseconds of the simulation.
pub trait Observer {
    /// A frame is sent, as its sender sent it.
    fn frame(&mut self, _at: u64, _frame: Frame<'_>, _fate: Fate, _how: Treatment) {}

    /// A frame has arrived, as it arrived.
    fn arrived(&mut self, _at: u64, _frame: Frame<'_>) {}

    /// A frame under way is lost after all: the device's link is down when it should arrive.
    fn fell(&mut self, _at: u64, _frame: Frame<'_>) {}

    /// A callback begins.
    fn callback_begins(&mut self, _at: u64, _callback: Callback) {}

    /// The callback that began last has returned.
    fn callback_ends(&mut self, _at: u64) {}

    /// What the application has, when a callback has returned and when the loop sleeps.
    fn objects(&mut self, _at: u64, _objects: &[(Object, About)]) {}

    /// A fault begins or ends.
    fn fault(&mut self, _at: u64, _fault: &Fault, _begins: bool) {}

    /// There is news of the client of this number.
    fn client(&mut self, _at: u64, _client: u32, _news: News) {}

    /// Something else worth a line: the end of the faults, the interrupt, the verdict.
    fn mark(&mut self, _at: u64, _line: &str) {}
}

impl Object {
    /// What it is: `event`, `conn` or `listener`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Conn(_) => "conn",
            Self::Listener(_) => "listener",
        }
    }

    /// Its slot in its table.
    pub const fn slot(self) -> usize {
        match self {
            Self::Event(event) => event.index(),
            Self::Conn(conn) => conn.index(),
            Self::Listener(listener) => listener.index(),
        }
    }
}
