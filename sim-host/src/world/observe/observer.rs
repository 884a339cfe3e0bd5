//! Observers: the interface through which capture files, timelines and the terminal get the events of a simulation.
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
    /// Dropped: no frame passes in this direction.
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
    /// The frame is a second copy.
    pub duplicated: bool,
    /// The frame is overtaken by later frames.
    pub late: bool,
    /// The frame waits in the queue of a slow link.
    pub slowed: bool,
    /// The frame is delayed by jitter.
    pub jittered: bool,
    /// The frame waits for a clog to end.
    pub held: bool,
    /// A bit of the frame is flipped.
    pub flipped: bool,
    /// A byte of the frame is changed, and the checksum is corrected.
    pub forged: bool,
}

/// A frame on the cable.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'f> {
    /// The number of the frame in the simulation. A frame has the same number when it is sent and when it arrives. A
    /// second copy has a different number.
    pub number: u64,
    /// The direction.
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
    /// What an event waits for, and the event's deadline by the device's clock.
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
    /// Returns the name to show to a reader. `function` is the name of the application's function, or `None` if this
    /// name is not known. For a connection, returns [`name`](Self::name), because all callbacks of one kind of
    /// connection have the same function. For another object, returns `function`, or [`name`](Self::name) if `function`
    /// is `None`.
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
    /// The client connects from this port.
    Connects(u16),
    /// The client is served, this number of microseconds after its first connect.
    IsServed(u64),
    /// The client was refused, or lost its connection.
    IsRefused,
    /// The client has ended.
    IsGone,
}

/// Something that happened to a UDP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpClientEvent {
    /// The client sends a request.
    Requests {
        /// The client's port.
        port: u16,
        /// The length of the request in bytes.
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
    /// The connection has ended.
    Ended,
}

/// Receives the events of a simulation. The default methods do nothing. Times are in microseconds
/// of the simulation.
pub trait Observer {
    /// Called when a frame is sent. `_frame` contains the bytes as they were sent.
    fn frame(&mut self, _at: u64, _frame: Frame<'_>, _fate: Fate, _how: Treatment) {}

    /// Called when a frame has arrived. `_frame` contains the bytes as they arrived.
    fn arrived(&mut self, _at: u64, _frame: Frame<'_>) {}

    /// Called when a frame is lost in transit, because the device's link is down at the time at which the frame would
    /// arrive.
    fn lost_in_transit(&mut self, _at: u64, _frame: Frame<'_>) {}

    /// Called when a callback begins.
    fn callback_begins(&mut self, _at: u64, _callback: Callback) {}

    /// Called when the callback that began last has returned.
    fn callback_ends(&mut self, _at: u64) {}

    /// Called with the application's objects. This happens when a callback has returned, and when the loop sleeps.
    fn objects(&mut self, _at: u64, _objects: &[(Object, About)]) {}

    /// Called when a fault begins or ends.
    fn fault(&mut self, _at: u64, _fault: &Fault, _begins: bool) {}

    /// Called when something happened to the client of this number.
    fn client(&mut self, _at: u64, _client: u32, _event: ClientEvent) {}

    /// Called when something happened to the UDP client of this number.
    fn udp_client(&mut self, _at: u64, _client: u32, _event: UdpClientEvent) {}

    /// Called when something happened to a connection to the server at this port. The connections of each server are
    /// numbered from zero.
    fn server(&mut self, _at: u64, _port: u16, _connection: u32, _event: ServerEvent) {}

    /// Called when a fault of the server at this port begins or ends.
    fn server_fault(&mut self, _at: u64, _port: u16, _fault: &ServerFault, _begins: bool) {}

    /// Called for other important events: the end of the faults, an interrupt, the verdict.
    fn mark(&mut self, _at: u64, _line: &str) {}
}

impl Object {
    /// Returns the kind of object: `event`, `conn`, `listener` or `udp`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Conn(_) => "conn",
            Self::Listener(_) => "listener",
            Self::Udp(_) => "udp",
        }
    }

    /// Returns the index of the object's slot in its table.
    pub const fn slot(self) -> usize {
        match self {
            Self::Event(event) => event.index(),
            Self::Conn(conn) => conn.index(),
            Self::Listener(listener) => listener.index(),
            Self::Udp(socket) => socket.index(),
        }
    }
}
