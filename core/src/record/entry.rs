//! The entries of a recording: one for each call of a back end, with the result that the base returned.

use core::fmt;
use core::net::SocketAddr;

use crate::handle::{Conn, Event, Listener, Source, UdpSocket};
use crate::{
    AcceptError, Action, Direction, End, EventFlags, Failure, Fired, Instant, ListenError, Pool,
    Run, Signal, UdpError,
};

/// One entry of a recording: a call of a back end, or the setup of the base (`Base`, `Pool` and `Seed`). An iteration
/// of the loop ends with [`Entry::Passed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "record"), expect(dead_code, reason = "what is not recorded is not read"))]
pub enum Entry<'e> {
    /// The recording begins. The base has these capacities.
    #[cfg(feature = "record")]
    Base(Sizes),
    /// A pool was added.
    Pool(Pool),
    /// The base's random bytes have this seed.
    Seed([u8; 32]),
    /// A run of the loop begins.
    Begin(Run),
    /// The prepare watchers are called.
    Prepare,
    /// The back end took an action from the base. The first value is the action; `None` if no action was pending. The
    /// second value is the address for a listen, connect or bind action; `None` for other actions.
    Action(Option<Action>, Option<SocketAddr>),
    /// The length of the next wait was computed. The value is `Some` if the loop has ended, and `None` if the loop
    /// continues.
    Wait(Option<End>),
    /// The back end asked for the earliest deadline, with [`EventBase::deadline`](crate::EventBase::deadline).
    Deadline,
    /// A connection was accepted.
    Accepted(Listener, SocketAddr, Result<Conn, AcceptError>),
    /// An outgoing connection was established.
    Connected(Conn),
    /// A connection has this local address.
    Local(Conn, SocketAddr),
    /// A connection received bytes. The second slice follows the first, and may be empty.
    Received(Conn, &'e [u8], &'e [u8]),
    /// Output of a connection was sent: the number of bytes, and their checksum.
    Sent(Conn, usize, u16),
    /// The peer has ended its stream, so no more bytes will arrive.
    PeerFinished(Conn),
    /// A connection failed.
    Failed(Conn, Failure),
    /// All output of a connection and our end of stream are delivered: see
    /// [`EventBase::delivered`](crate::EventBase::delivered).
    Delivered(Conn),
    /// The back end needed the socket of a lingering connection, and
    /// [`EventBase::end_lingering`](crate::EventBase::end_lingering) ended this connection.
    EndLingering,
    /// All listeners were freed, and all UDP sockets and connections were closed.
    CloseAll,
    /// [`EventBase::drain`](crate::EventBase::drain) checked the time limits of the closed connections, and ended the
    /// connections whose limit had passed.
    Overdue,
    /// A listener failed.
    ListenFailed(Listener, ListenError),
    /// A source is ready.
    Ready(Source, EventFlags),
    /// A signal was raised this number of times.
    Raised(Signal, u16),
    /// The loop's time was set.
    Time(Instant),
    /// The loop's time was set between two callbacks, or between two iterations. At the beginning of a recording: the
    /// loop's time.
    TimeInPass(Instant),
    /// The next callback was a callback of this object.
    Call(Called),
    /// A datagram was received.
    Datagram(UdpSocket, SocketAddr, &'e [u8]),
    /// A call of the back end for a UDP socket, except received datagrams.
    Udp(UdpSocket, UdpEntry),
    /// The network has changed. The bytes encode its new state.
    Network(&'e [u8]),
    /// The pass is over, because no further callback of the pass is due.
    Passed,
}

/// The calls of a back end for a UDP socket, except received datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(feature = "record", feature = "udp")),
    expect(dead_code, reason = "nobody reads what is not recorded")
)]
pub enum UdpEntry {
    /// The socket was bound to this address.
    Bound(SocketAddr),
    /// The socket could not be bound.
    BindFailed(UdpError),
    /// A datagram of this length did not fit into the input ring, so the base did not accept it.
    Waits(usize),
    /// A received datagram was dropped.
    Dropped,
    /// The oldest request in the output ring was carried out, or failed with this error. The number is the checksum of
    /// the datagram in the request; 0 if the request is not a datagram.
    Done(u16, Option<UdpError>),
    /// An error that belongs to no request was reported. The socket stays usable.
    Failed(UdpError),
}

/// The object whose callback is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// An event.
    Event(Event),
    /// A connection.
    Conn(Conn),
    /// A listener.
    Listener(Listener),
    /// A UDP socket.
    Udp(UdpSocket),
}

/// The capacities of a base: the parameters of its [`Storage`](crate::Storage).
#[cfg(feature = "record")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The number of events: `EVENTS` of the storage.
    pub events: usize,
    /// The number of connections: `CONNS` of the storage.
    pub conns: usize,
    /// The number of bytes of all rings together: `BYTES` of the storage.
    pub bytes: usize,
    /// The number of listeners: `LISTENERS` of the storage.
    pub listeners: usize,
    /// The number of pools: `POOLS` of the storage.
    pub pools: u16,
    /// The number of sources: `SOURCES` of the storage.
    pub sources: usize,
    /// The number of UDP sockets: `UDP` of the storage.
    pub udp: u16,
}

impl Called {
    #[cfg_attr(not(feature = "record"), expect(dead_code, reason = "as above"))]
    pub(crate) fn of<A>(fired: &Fired<A>) -> Self {
        match *fired {
            Fired::Udp(ref fired) => Self::Udp(fired.socket()),
            Fired::Event(_, event, _) => Self::Event(event),
            Fired::Conn(_, conn, _) => Self::Conn(conn),
            Fired::ListenError(_, listener, _) => Self::Listener(listener),
        }
    }
}

#[cfg(feature = "record")]
impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, conns, bytes, listeners, pools, sources, udp } = self;
        write!(
            f,
            "{events} events, {conns} connections in {pools} pools with {bytes} bytes of rings, \
             {listeners} listeners, {sources} sources"
        )?;
        if *udp == 0 { Ok(()) } else { write!(f, ", {udp} UDP sockets") }
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => write!(f, "event {event:?}"),
            Self::Conn(conn) => write!(f, "conn {conn:?}"),
            Self::Listener(listener) => write!(f, "listener {listener:?}"),
            Self::Udp(socket) => write!(f, "udp {socket:?}"),
        }
    }
}

/// Writes the entry as a readable line.
impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "record")]
            Self::Base(sizes) => write!(f, "a base of {sizes}"),
            Self::Pool(pool) => write!(f, "a pool of {pool}"),
            Self::Seed(_) => write!(f, "the base has a seed"),
            Self::Begin(_) => write!(f, "the loop begins"),
            Self::Prepare => write!(f, "the prepare watchers"),
            Self::Action(Some(action), Some(address)) => {
                write!(f, "requested {action:?} of {address}")
            }
            Self::Action(Some(action), None) => write!(f, "requested {action:?}"),
            Self::Action(None, _) => write!(f, "no further action"),
            Self::Deadline => write!(f, "the back end asks for the deadline"),
            Self::Wait(None) => write!(f, "the loop goes on"),
            Self::Wait(Some(end)) => write!(f, "the loop ends: {end:?}"),
            Self::Accepted(listener, peer, Ok(conn)) => {
                write!(f, "listener {listener:?} accepted conn {conn:?} from {peer}")
            }
            Self::Accepted(listener, peer, Err(error)) => {
                write!(f, "listener {listener:?} did not accept {peer}: {error}")
            }
            Self::Connected(conn) => write!(f, "conn {conn:?} connected"),
            Self::Local(conn, address) => write!(f, "conn {conn:?} is at {address}"),
            Self::Received(conn, first, second) => {
                let amount = first.len().saturating_add(second.len());
                write!(f, "conn {conn:?} received {amount} bytes")
            }
            Self::Sent(conn, amount, sum) => {
                write!(f, "conn {conn:?} sent {amount} bytes (sum {sum:04x})")
            }
            Self::PeerFinished(conn) => write!(f, "conn {conn:?} finished by its peer"),
            Self::Failed(conn, failure) => {
                write!(f, "conn {conn:?} failed: {}", failure.error())?;
                match failure.direction() {
                    Some(Direction::Read) => f.write_str(", when reading"),
                    Some(Direction::Write) => f.write_str(", when writing"),
                    None => Ok(()),
                }
            }
            Self::Delivered(conn) => write!(f, "conn {conn:?} delivered all"),
            Self::CloseAll => write!(f, "everything is closed"),
            Self::Overdue => write!(f, "closed conns whose limit has passed are ended"),
            Self::EndLingering => write!(f, "a lingering conn gave up its socket"),
            Self::ListenFailed(listener, error) => {
                write!(f, "listener {listener:?} failed: {error}")
            }
            Self::Ready(source, what) => write!(f, "source {source:?} ready: {what:?}"),
            Self::Raised(signal, raises) => {
                write!(f, "signal {} raised {raises} times", signal.number())
            }
            Self::Time(now) => write!(f, "the time is {} us", now.as_micros()),
            Self::TimeInPass(now) => write!(f, "the time is {} us, in the pass", now.as_micros()),
            Self::Call(called) => write!(f, "callback of {called}"),
            Self::Datagram(socket, from, data) => {
                write!(f, "udp {socket:?} received {} bytes from {from}", data.len())
            }
            Self::Udp(socket, entry) => write!(f, "udp {socket:?} {entry}"),
            Self::Network(_) => write!(f, "the network has changed"),
            Self::Passed => write!(f, "no further callback"),
        }
    }
}

impl fmt::Display for UdpEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bound(address) => write!(f, "is bound to {address}"),
            Self::BindFailed(error) => write!(f, "cannot be bound: {error}"),
            Self::Waits(length) => write!(f, "has no room for {length} bytes"),
            Self::Dropped => write!(f, "has lost a datagram"),
            Self::Done(sum, None) => write!(f, "has sent (sum {sum:04x})"),
            Self::Done(sum, Some(error)) => write!(f, "has not sent (sum {sum:04x}): {error}"),
            Self::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}
