//! Observers: the interface of capture files, timelines and the terminal to a simulation.
//!
//! Without an observer each event costs one comparison.

use std::net::SocketAddr;

use picoevent::{Conn, Event, EventFlags, Instant, Listener, UdpSocket};

use crate::world::choices::fault::Fault;
use crate::world::choices::trouble::Trouble;
use crate::world::observe::function::Function;

/// The direction of a frame.
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
    /// Arrives at this time, in microseconds of the simulation.
    Arrives(u64),
    /// Lost by chance.
    Lost,
    /// Dropped: nothing passes in its direction.
    Partitioned,
    /// Dropped: the device's link is down.
    LinkDown,
    /// Dropped: longer than the MTU.
    TooLong,
    /// Dropped: too much is waiting before it.
    QueueFull,
}

/// What was done to a frame that arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// It is the second copy.
    pub duplicated: bool,
    /// It is overtaken by later frames.
    pub late: bool,
    /// It waits for its turn on a slow link.
    pub slowed: bool,
    /// It is delayed by jitter.
    pub jittered: bool,
    /// It waits for a clog to end.
    pub held: bool,
    /// A bit is flipped.
    pub flipped: bool,
    /// A byte is changed and the checksum corrected.
    pub forged: bool,
}

/// A frame on the cable.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'f> {
    /// Its number in its simulation. It is the same when the frame is sent and when it arrives; a
    /// second copy has another number.
    pub number: u64,
    /// Its direction.
    pub direction: Direction,
    /// The frame, from the Ethernet header on.
    pub bytes: &'f [u8],
}

/// An object in a table of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// An event.
    Event(Event),
    /// A connection.
    Conn(Conn),
    /// A listener.
    Listener(Listener),
    /// A UDP socket.
    Udp(UdpSocket),
}

/// The state of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// What an event waits for, and its deadline by the device's clock.
    Waits(EventFlags, Option<Instant>),
    /// The peer of a connection.
    With(SocketAddr),
    /// The address of a listener or a UDP socket.
    At(SocketAddr),
}

/// A callback of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// What kind of object it belongs to, and why it is called: `timer`, `readable`.
    pub name: &'static str,
    /// The object.
    pub object: Object,
    /// The application's function.
    pub function: Function,
}

impl Callback {
    /// Returns what a reader is shown: the name of the application's function, `function`, if it is known.
    /// All callbacks of connections of a kind have one function, so for these it is why they are called.
    pub fn title<'n>(&'n self, function: Option<&'n str>) -> &'n str {
        match self.object {
            Object::Conn(_) => self.name,
            _ => function.unwrap_or(self.name),
        }
    }
}

/// News of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It connects from this port.
    Connects(u16),
    /// It has been served, so many microseconds after its first connect.
    IsServed(u64),
    /// It was refused, or it lost its connection.
    IsRefused,
    /// It has ended.
    IsGone,
}

/// News of a UDP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpNews {
    /// It asks.
    Asks {
        /// From this port.
        port: u16,
        /// The length of its request in bytes.
        length: usize,
        /// It has asked the same before, and was not answered in time.
        again: bool,
    },
    /// All its requests were answered, so many microseconds after the first one.
    IsServed(u64),
}

/// News of a connection to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerNews {
    /// It was accepted; it comes from this port of the device.
    Accepted(u16),
    /// It has ended.
    Ended,
}

/// Receives what happens in a simulation. The default of every method does nothing. Times are in
/// microseconds of the simulation.
pub trait Observer {
    /// Called when a frame is sent, with the frame as it was sent.
    fn frame(&mut self, _at: u64, _frame: Frame<'_>, _fate: Fate, _how: Treatment) {}

    /// Called when a frame has arrived, with the frame as it arrived.
    fn arrived(&mut self, _at: u64, _frame: Frame<'_>) {}

    /// Called when a frame is lost after all: the device's link is down when the frame should
    /// arrive.
    fn lost_in_transit(&mut self, _at: u64, _frame: Frame<'_>) {}

    /// Called when a callback begins.
    fn callback_begins(&mut self, _at: u64, _callback: Callback) {}

    /// Called when the last callback has returned.
    fn callback_ends(&mut self, _at: u64) {}

    /// Called with the application's objects, when a callback has returned and when the loop
    /// sleeps.
    fn objects(&mut self, _at: u64, _objects: &[(Object, About)]) {}

    /// Called when a fault begins or ends.
    fn fault(&mut self, _at: u64, _fault: &Fault, _begins: bool) {}

    /// Called when something happened to the client of this number.
    fn client(&mut self, _at: u64, _client: u32, _news: News) {}

    /// Called when something happened to the UDP client of this number.
    fn udp_client(&mut self, _at: u64, _client: u32, _news: UdpNews) {}

    /// Called when something happened to a connection to the server at this port; its connections are
    /// numbered from zero.
    fn server(&mut self, _at: u64, _port: u16, _connection: u32, _news: ServerNews) {}

    /// Called when a trouble of the server at this port begins or ends.
    fn trouble(&mut self, _at: u64, _port: u16, _trouble: &Trouble, _begins: bool) {}

    /// Called for anything else worth a line: the end of the faults, the interrupt, the verdict.
    fn mark(&mut self, _at: u64, _line: &str) {}
}

impl Object {
    /// Returns its kind: `event`, `conn` or `listener`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Conn(_) => "conn",
            Self::Listener(_) => "listener",
            Self::Udp(_) => "udp",
        }
    }

    /// Returns its slot in its table.
    pub const fn slot(self) -> usize {
        match self {
            Self::Event(event) => event.index(),
            Self::Conn(conn) => conn.index(),
            Self::Listener(listener) => listener.index(),
            Self::Udp(socket) => socket.index(),
        }
    }
}
