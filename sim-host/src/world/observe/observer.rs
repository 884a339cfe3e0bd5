//! Observers: the interface through which capture files, timelines and the terminal see a
//! simulation.
//!
//! Without an observer each event costs one comparison.

use std::net::SocketAddr;

use picoevent::{Conn, Event, EventFlags, Instant, Listener, UdpSocket};

use crate::world::choices::fault::Fault;
use crate::world::choices::server_fault::ServerFault;
use crate::world::observe::function::Function;

/// The direction of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the peers to the device.
    ToDevice,
    /// From the device to the peers.
    ToPeer,
}

/// What happens to a frame on the cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Arrives at this time, in microseconds of the simulation.
    Arrives(u64),
    /// Lost by chance.
    Lost,
    /// Dropped: no frame passes in its direction.
    Partitioned,
    /// Dropped: the device's link is down.
    LinkDown,
    /// Dropped: longer than the MTU.
    TooLong,
    /// Dropped: the queue of the slow link is full.
    QueueFull,
}

/// What was done to a frame that arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// It is a second copy.
    pub duplicated: bool,
    /// It is overtaken by later frames.
    pub late: bool,
    /// It waited in the queue of a slow link.
    pub slowed: bool,
    /// It was delayed by jitter.
    pub jittered: bool,
    /// It waited for a clog to end.
    pub held: bool,
    /// A bit was flipped.
    pub flipped: bool,
    /// A byte was changed and the checksum corrected.
    pub forged: bool,
}

/// A frame on the cable.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'f> {
    /// Its number in its simulation. The number stays the same from sending to arrival. A second
    /// copy has a different number.
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
    /// The kind of object and the reason for the call, such as `timer` or `readable`.
    pub name: &'static str,
    /// The object.
    pub object: Object,
    /// The application's function.
    pub function: Function,
}

impl Callback {
    /// Returns the name to show to a reader. This is `function`, the name of the application's function, or
    /// [`name`](Self::name) if `function` is `None`. All callbacks of one kind of connection have the same function, so
    /// for a connection it is always [`name`](Self::name).
    pub fn title<'n>(&'n self, function: Option<&'n str>) -> &'n str {
        match self.object {
            Object::Conn(_) => self.name,
            _ => function.unwrap_or(self.name),
        }
    }
}

/// Something that happened to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// It connects from this port.
    Connects(u16),
    /// It has been served, this number of microseconds after its first connect.
    IsServed(u64),
    /// It was refused, or it lost its connection.
    IsRefused,
    /// It has ended.
    IsGone,
}

/// Something that happened to a UDP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpClientEvent {
    /// It sends a request.
    Requests {
        /// The client's port.
        port: u16,
        /// The length of its request in bytes.
        length: usize,
        /// The client has sent the same request before, and the request was not answered in time.
        again: bool,
    },
    /// All requests of the client were answered, this number of microseconds after the first request.
    IsServed(u64),
}

/// Something that happened to a connection to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// The server has accepted the connection, which comes from this port of the device.
    Accepted(u16),
    /// It has ended.
    Ended,
}

/// Receives the events of a simulation. The default methods do nothing. Times are in microseconds
/// of the simulation.
pub trait Observer {
    /// Called when a frame is sent. `_frame` has the bytes as they were sent.
    fn frame(&mut self, _at: u64, _frame: Frame<'_>, _fate: Fate, _how: Treatment) {}

    /// Called when a frame has arrived. `_frame` has the bytes as they arrived.
    fn arrived(&mut self, _at: u64, _frame: Frame<'_>) {}

    /// Called when a frame is lost on its way: the device's link is down at the time of its
    /// arrival.
    fn lost_in_transit(&mut self, _at: u64, _frame: Frame<'_>) {}

    /// Called when a callback begins.
    fn callback_begins(&mut self, _at: u64, _callback: Callback) {}

    /// Called when the callback that began last has returned.
    fn callback_ends(&mut self, _at: u64) {}

    /// Called with the application's objects, when a callback has returned and when the loop
    /// sleeps.
    fn objects(&mut self, _at: u64, _objects: &[(Object, About)]) {}

    /// Called when a fault begins or ends.
    fn fault(&mut self, _at: u64, _fault: &Fault, _begins: bool) {}

    /// Called when something happened to the client of this number.
    fn client(&mut self, _at: u64, _client: u32, _event: ClientEvent) {}

    /// Called when something happened to the UDP client of this number.
    fn udp_client(&mut self, _at: u64, _client: u32, _event: UdpClientEvent) {}

    /// Called when something happened to a connection to the server at this port; its connections are
    /// numbered from zero.
    fn server(&mut self, _at: u64, _port: u16, _connection: u32, _event: ServerEvent) {}

    /// Called when a fault of the server at this port begins or ends.
    fn server_fault(&mut self, _at: u64, _port: u16, _fault: &ServerFault, _begins: bool) {}

    /// Called for other important events: the end of the faults, an interrupt, the verdict.
    fn mark(&mut self, _at: u64, _line: &str) {}
}

impl Object {
    /// Returns its kind: `event`, `conn`, `listener` or `udp`.
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
