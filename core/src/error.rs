//! The errors: one small type for each group of methods.

use core::fmt;

use crate::Direction;

/// The handle's object was freed, or has ended, and its slot may hold another object.
///
/// Nothing was changed. A callback that uses a stored handle must expect this error, because the object can be freed
/// before the callback runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StaleError;

/// A table has no free slot. Existing objects are unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FullError {
    /// The event table is full. Its size is `EVENTS` of the storage.
    Events,
    /// The connection table is full. Its size is `CONNS` of the storage.
    Conns,
    /// The listener table is full. Its size is `LISTENERS` of the storage.
    Listeners,
    /// The source table is full. Its size is `SOURCES` of the storage.
    Sources,
    /// The table of UDP sockets is full. Its size is `UDP` of the storage.
    Udp,
}

/// The priority was not changed: the callback is already due at the old priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StillActiveError;

/// There are no random bytes: the base has no [seed](crate::EventBase::seed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnseededError;

/// Why an event was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AddError {
    /// The source the event waits for was closed.
    SourceClosed,
    /// This event is edge-triggered and other events of its source are level-triggered, or this event is
    /// level-triggered and other events of its source are edge-triggered.
    MixedEdge,
}

/// Why [`Cx::once`](crate::Cx::once) made no event. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum OnceError {
    /// There is no slot for the event.
    Full(FullError),
    /// The interest contains none of `READ`, `WRITE` and `CLOSED`, so the event would wait for nothing.
    NoInterest,
    /// The event cannot wait for this source.
    Add(AddError),
}

/// Why the base did not take an accepted connection. The back end still owns the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AcceptError {
    /// The listener was freed.
    NoListener,
    /// The listener's pool has no free connection, or the listener has reached its limit.
    Full,
}

/// Why a pool, a listener or an outgoing connection was not made. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SetupError {
    /// A table has no free slot.
    Full(FullError),
    /// The pool table is full. Its size is `POOLS` of the storage.
    Pools,
    /// The storage has fewer connections left than the pool needs.
    Conns {
        /// The number of connections of the storage that are in no pool yet.
        left: usize,
    },
    /// The storage has fewer bytes left than the rings of the pool take.
    Bytes {
        /// The number of bytes of the storage that no ring uses yet.
        left: usize,
    },
    /// The size of a ring is out of range. A connection's ring has at least 1 byte, and a UDP socket's ring has at
    /// least [`UdpRings::LEAST`](crate::UdpRings::LEAST) bytes. No ring has more than
    /// [`MAX_RING`](crate::memory::MAX_RING) bytes.
    RingSize,
    /// The pool ID belongs to no pool of this base.
    NoPool,
    /// All connections of the pool are in use.
    PoolFull,
    /// The output rings of the pool, or their high mark, are smaller than the [room](crate::Protocol::ROOM) that an
    /// answer of the protocol needs.
    Room,
    /// The output rings of the pool, or their high mark, are smaller than the [busy
    /// text](crate::Settings::busy).
    Busy,
    /// A mark is not possible. A low mark must not be above its high mark or above the size of the ring. A high mark
    /// must not be zero or less than the number of bytes that the ring holds now.
    Marks,
    /// The base already has slots for static bytes: [`Cx::set_static_slots`](crate::Cx::set_static_slots) was called
    /// before.
    Statics,
    /// The pool is [in memory](crate::Pool::in_memory), so its connections have no sockets. Listeners and outgoing
    /// connections need a pool with sockets.
    MemoryPool,
    /// The pool is not [in memory](crate::Pool::in_memory). Pairs and connections above filters need a pool in memory.
    NeedsMemoryPool,
    /// No filter can be put above the connection: the connection already has a filter, has ended, or is at rest (it has
    /// no socket and does not connect now).
    NotFiltered,
}

impl From<FullError> for SetupError {
    fn from(full: FullError) -> Self {
        Self::Full(full)
    }
}

/// Why a connection does not connect. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnectError {
    /// The connection is connecting or open. It can connect again in its `ended` callback.
    InUse,
    /// A listener has accepted the connection.
    Accepted,
    /// The connection has ended, and its handle is stale.
    Ended,
    /// The connection is in memory, and has no socket: see [`Pool::in_memory`](crate::Pool::in_memory).
    InMemory,
}

/// Why a line was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LineError {
    /// The line is longer than the buffer, or than the input ring.
    TooLong,
    /// The line is not UTF-8.
    NotText,
}

/// Why bytes were not written. No byte was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WriteError {
    /// The ring has room for `room` bytes only.
    Full {
        /// The number of bytes that would fit now.
        room: usize,
    },
    /// The bytes are longer than the ring, and can never fit.
    TooLong {
        /// The size of the ring in bytes.
        size: usize,
    },
    /// The sending side is finished, or the connection has failed or ended. For
    /// [`prepend`](crate::ConnMut::prepend): the connection is not open yet, or was closed.
    Finished,
    /// The function that filled the reserved room returned more bytes than were reserved.
    Unreserved,
    /// No slot is free for static bytes.
    Statics,
}

/// Why a connection ended, or could not be established.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConnError {
    /// The peer reset the connection.
    #[default]
    Reset,
    /// There is no listener at the address.
    Refused,
    /// The peer did not answer within the stack's time limit.
    TimedOut,
    /// There is no route to the address.
    Unreachable,
    /// The local address was lost: the link is down, or the lease ended.
    AddressLost,
    /// This device cannot connect to the address.
    AddressInvalid,
    /// The operating system does not allow the connection.
    Denied,
    /// The back end has no socket left.
    NoSocket,
    /// A filter could not transform the bytes that it got from the application or from the peer.
    Filter,
    /// The name of the host has no address.
    NotFound,
    /// Another operating system error, with its number.
    System(i32),
}

/// Why a connection failed, and the direction in which the failure was found, in two bytes. A back end
/// [reports](crate::EventBase::failed) this value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Failure(pub(crate) Code);

impl Failure {
    /// Returns why the connection failed.
    pub fn error(self) -> ConnError {
        self.0.into()
    }

    /// Returns the direction in which the failure was found. For example, a reset by the peer is found when reading,
    /// and a peer that acknowledges nothing is found when writing. Returns `None` if the failure was found neither when
    /// reading nor when writing: the connect failed, or the local address was lost.
    pub const fn direction(self) -> Option<Direction> {
        self.0.direction()
    }
}

impl ConnError {
    /// Returns the error as a failure that was found in a direction.
    pub const fn found(self, direction: Direction) -> Failure {
        Failure(Code::of(self).found(direction))
    }
}

impl From<ConnError> for Failure {
    fn from(error: ConnError) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failure").field(&self.error()).field(&self.direction()).finish()
    }
}

/// Why a listener cannot listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ListenError {
    /// Another listener uses the address.
    #[default]
    InUse,
    /// The device does not have this address.
    NotOurs,
    /// It is not possible to listen on the address: its port is 0 and the stack cannot choose one,
    /// or the stack does not support the address family.
    Invalid,
    /// The operating system does not allow the program to listen on the address.
    Denied,
    /// The back end has no socket left.
    NoSocket,
    /// Another operating system error, with its number.
    System(i32),
}

/// An error, encoded in two bytes so that a slot can store it. A negative code is a named error, and a positive code is
/// an operating system error number. Unused bits hold the direction in which the error was found.
///
/// A system error number above 8,191 is stored as 8,191.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) i16);

impl Code {
    pub(crate) const EMPTY: Self = Self(0);
    /// No error: the application closed the connection.
    pub(crate) const CLOSED: Self = Self(i16::MIN);
    /// No error: the application aborted the connection.
    pub(crate) const ABORTED: Self = Self(i16::MIN + 1);

    /// Returns the code as an unsigned number. A slot stores this number in a field that has another use before the
    /// error occurs.
    pub(crate) const fn bits(self) -> u16 {
        self.0.cast_unsigned()
    }

    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits.cast_signed())
    }

    /// Two bits of a code store the direction: 1 for reading, 2 for writing, 0 for no direction. `OF_SYSTEM` is the
    /// index of the lower of these bits in the code of a system error. `OF_NAME` is the index of the lower of these
    /// bits in the code of a named error. The code of a named error is negative, so all its unused bits are one.
    /// Therefore the two bits are stored inverted in a named error.
    const OF_SYSTEM: u32 = 13;
    const OF_NAME: u32 = 5;

    /// Makes the code of an operating system error number.
    pub(crate) const fn system(number: i32) -> Self {
        const MOST: i32 = !(0b11 << Code::OF_SYSTEM) & i16::MAX as i32;
        Self(if number < 0 {
            0
        } else if number > MOST {
            MOST as i16
        } else {
            number as i16
        })
    }

    /// Makes the code of an error. The codes are in the order of the variants, so that the compiler can replace this
    /// `match` with a subtraction.
    const fn of(error: ConnError) -> Self {
        Self(match error {
            ConnError::Reset => -1,
            ConnError::Refused => -2,
            ConnError::TimedOut => -3,
            ConnError::Unreachable => -4,
            ConnError::AddressLost => -5,
            ConnError::AddressInvalid => -6,
            ConnError::Denied => -7,
            ConnError::NoSocket => -8,
            ConnError::Filter => -9,
            ConnError::NotFound => -10,
            ConnError::System(number) => return Self::system(number),
        })
    }

    /// Returns the code of the same error with the direction in which it was found.
    const fn found(self, direction: Direction) -> Self {
        let bits: i16 = if matches!(direction, Direction::Read) { 1 } else { 2 };
        if self.0 < 0 {
            Self(self.0 & !(bits << Self::OF_NAME))
        } else {
            Self(self.0 | bits << Self::OF_SYSTEM)
        }
    }

    /// Returns the code without the direction.
    const fn error(self) -> i16 {
        if self.0 < 0 {
            self.0 | 0b11 << Self::OF_NAME
        } else {
            self.0 & !(0b11 << Self::OF_SYSTEM)
        }
    }

    /// Returns the direction in which the error of a connection was found.
    pub(crate) const fn direction(self) -> Option<Direction> {
        let bits = if self.0 < 0 { !self.0 >> Self::OF_NAME } else { self.0 >> Self::OF_SYSTEM };
        match bits & 0b11 {
            1 => Some(Direction::Read),
            2 => Some(Direction::Write),
            _ => None,
        }
    }
}

// In the following conversions, the codes are in the order of the variants, so that the compiler can replace each
// `match` with a subtraction.

impl From<ConnError> for Code {
    fn from(error: ConnError) -> Self {
        Self::of(error)
    }
}

impl From<Code> for ConnError {
    fn from(code: Code) -> Self {
        match code.error() {
            -1 => Self::Reset,
            -2 => Self::Refused,
            -3 => Self::TimedOut,
            -4 => Self::Unreachable,
            -5 => Self::AddressLost,
            -6 => Self::AddressInvalid,
            -7 => Self::Denied,
            -8 => Self::NoSocket,
            -9 => Self::Filter,
            -10 => Self::NotFound,
            number => Self::System(number.into()),
        }
    }
}

impl From<ListenError> for Code {
    fn from(error: ListenError) -> Self {
        Self(match error {
            ListenError::InUse => -1,
            ListenError::NotOurs => -2,
            ListenError::Invalid => -3,
            ListenError::Denied => -4,
            ListenError::NoSocket => -5,
            ListenError::System(number) => return Self::system(number),
        })
    }
}

impl From<Code> for ListenError {
    fn from(code: Code) -> Self {
        match code.0 {
            -1 => Self::InUse,
            -2 => Self::NotOurs,
            -3 => Self::Invalid,
            -4 => Self::Denied,
            -5 => Self::NoSocket,
            number => Self::System(number.into()),
        }
    }
}

/// Returns the index of the first item of `all` that has the same variant as `value`. The contents of the variant, for
/// example an error number, are not compared.
#[cfg(feature = "record")]
pub(crate) fn position<T: Copy>(all: &[T], value: T) -> usize {
    let same = |one: &T| core::mem::discriminant(one) == core::mem::discriminant(&value);
    all.iter().position(same).unwrap_or(all.len())
}

#[cfg(any(test, feature = "record"))]
pub(crate) const CONN_ERRORS: [ConnError; 11] = [
    ConnError::Reset,
    ConnError::Refused,
    ConnError::TimedOut,
    ConnError::Unreachable,
    ConnError::AddressLost,
    ConnError::AddressInvalid,
    ConnError::Denied,
    ConnError::NoSocket,
    ConnError::Filter,
    ConnError::NotFound,
    ConnError::System(0),
];

#[cfg(any(test, feature = "record"))]
pub(crate) const LISTEN_ERRORS: [ListenError; 6] = [
    ListenError::InUse,
    ListenError::NotOurs,
    ListenError::Invalid,
    ListenError::Denied,
    ListenError::NoSocket,
    ListenError::System(0),
];

impl fmt::Display for StaleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object of the handle has ended or was freed")
    }
}

impl fmt::Display for UnseededError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the base has no seed for random bytes")
    }
}

impl fmt::Display for StillActiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an active event keeps its priority until its callback has run")
    }
}

impl fmt::Display for FullError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "the event table is full: raise EVENTS of the storage",
            Self::Conns => "the connection table is full: raise CONNS of the storage",
            Self::Listeners => "the listener table is full: raise LISTENERS of the storage",
            Self::Sources => "the source table is full: raise SOURCES of the storage",
            Self::Udp => "the table of UDP sockets is full: raise UDP of the storage",
        })
    }
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourceClosed => "the event's source has been closed",
            Self::MixedEdge => "edge-triggered and level-triggered events cannot share a source",
        })
    }
}

impl fmt::Display for OnceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(full) => full.fmt(f),
            Self::NoInterest => {
                f.write_str("the interest of a once-event needs READ, WRITE or CLOSED")
            }
            Self::Add(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoListener => f.write_str("the listener has been freed"),
            Self::Full => {
                f.write_str("the pool has no free connection, or the listener is at its limit")
            }
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { room } => write!(f, "the ring has room for {room} bytes only"),
            Self::TooLong { size } => {
                write!(f, "the data is longer than the ring of {size} bytes: make the ring longer")
            }
            Self::Finished => f.write_str("the connection takes no more bytes in this direction"),
            Self::Unreserved => f.write_str("more bytes were committed than reserved"),
            Self::Statics => {
                f.write_str("all slots for static slices are in use: give the base more slots")
            }
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(full) => return full.fmt(f),
            Self::Pools => "the pool table is full: raise POOLS of the storage (16 at most)",
            Self::Conns { left } => {
                return write!(
                    f,
                    "the storage has {left} connections left: raise CONNS of the storage"
                );
            }
            Self::Bytes { left } => {
                return write!(f, "the storage has {left} bytes left: raise BYTES of the storage");
            }
            Self::RingSize => "a ring must have at least one byte (UdpRings::LEAST for datagrams), and no more than MAX_RING",
            Self::NoPool => "the base has no such pool: add it first",
            Self::PoolFull => "all connections of the pool are in use",
            Self::Room => "the output ring is shorter than the room for an answer",
            Self::Busy => "the output ring is shorter than the busy text",
            Self::Marks => "a low mark is above the high mark or the ring, or a high mark is below the bytes in the ring",
            Self::Statics => "the base already has slots for static slices",
            Self::MemoryPool => "the pool is in memory, so its connections have no sockets",
            Self::NeedsMemoryPool => "the pool is not in memory: add it with Pool::in_memory",
            Self::NotFiltered => "the connection already has a filter, has ended, or is at rest",
        })
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "the connection is in use: connect again when it has ended",
            Self::Accepted => "a listener has accepted the connection",
            Self::Ended => "the connection has ended",
            Self::InMemory => "the connection is in memory",
        })
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the line is too long",
            Self::NotText => "the line is not UTF-8",
        })
    }
}

impl fmt::Display for ConnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "connection reset by peer",
            Self::Refused => "connection refused",
            Self::TimedOut => "connection timed out",
            Self::Unreachable => "no route to the address",
            Self::AddressLost => "the local address was lost",
            Self::AddressInvalid => "the address cannot be used from here",
            Self::Denied => "permission denied",
            Self::NoSocket => "no socket left",
            Self::Filter => "the filter cannot transform the bytes",
            Self::NotFound => "the name has no address",
            Self::System(number) => return write!(f, "operating system error {number}"),
        })
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "the address is in use",
            Self::NotOurs => "the address is not a local address",
            Self::Invalid => "the address cannot be listened on",
            Self::Denied => "permission denied",
            Self::NoSocket => "no socket left",
            Self::System(number) => return write!(f, "operating system error {number}"),
        })
    }
}

impl core::error::Error for StaleError {}
impl core::error::Error for StillActiveError {}
impl core::error::Error for UnseededError {}
impl core::error::Error for FullError {}
impl core::error::Error for AddError {}
impl core::error::Error for OnceError {}
impl core::error::Error for AcceptError {}
impl core::error::Error for SetupError {}
impl core::error::Error for ConnectError {}
impl core::error::Error for LineError {}
impl core::error::Error for WriteError {}
impl core::error::Error for ConnError {}
impl core::error::Error for ListenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_from_its_code() {
        for error in CONN_ERRORS.into_iter().chain([ConnError::System(110)]) {
            assert_eq!(ConnError::from(Code::from(error)), error);
        }
        for error in LISTEN_ERRORS.into_iter().chain([ListenError::System(98)]) {
            assert_eq!(ListenError::from(Code::from(error)), error);
        }
        let large = Code::from(ConnError::System(i32::MAX));
        assert_eq!(ConnError::from(large), ConnError::System(8_191));
    }

    #[test]
    fn an_error_and_its_direction_are_stored_independently() {
        for error in CONN_ERRORS.into_iter().chain([ConnError::System(i32::MAX)]) {
            let plain = Code::from(error);
            assert_eq!(plain.direction(), None, "{error}");
            for direction in [Direction::Read, Direction::Write] {
                let code = error.found(direction);
                assert_eq!(code.direction(), Some(direction), "{error}");
                assert_eq!(code.error(), ConnError::from(plain));
            }
        }
        assert_eq!([Code::CLOSED.direction(), Code::ABORTED.direction()], [None; 2]);
    }
}
