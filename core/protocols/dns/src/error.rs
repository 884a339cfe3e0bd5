//! Why a look-up does not start, and why it finds nothing.

use core::fmt;

use picoevent::{ConnError, ConnectError, FullError, SetupError, UnseededError};

/// The reason why a look-up, or a connection by name, did not start, or why a host was not added. Look-ups in progress
/// and the hosts list have not changed. But a cached answer may be lost, because the entry of this answer was reused
/// for the new name. The resolver may also have allocated its timer, which is an event of the base. The next look-up
/// uses this timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ResolveError {
    /// The name is not valid. A valid name has at most 253 bytes: labels of 1 to 63 letters, digits, hyphens and
    /// underscores, separated by dots.
    Invalid,
    /// The name is longer than the resolver can store.
    TooLong {
        /// The maximum length of a name in bytes.
        most: usize,
    },
    /// All look-up slots are in use: `LOOKUPS` look-ups are in progress.
    Lookups,
    /// The resolver has no free entry for a name: all `NAMES` entries are in use by look-ups or by the hosts list.
    Names,
    /// The base has no seed for random numbers.
    Unseeded,
    /// The base has no free event or no free connection.
    Setup(SetupError),
    /// The connection cannot reconnect.
    Connect(ConnectError),
}

impl From<UnseededError> for ResolveError {
    fn from(_: UnseededError) -> Self {
        Self::Unseeded
    }
}

impl From<FullError> for ResolveError {
    fn from(error: FullError) -> Self {
        Self::Setup(error.into())
    }
}

impl From<SetupError> for ResolveError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<ConnectError> for ResolveError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("not a name of letters, digits, hyphens and dots"),
            Self::TooLong { most } => write!(f, "the name is longer than {most} bytes"),
            Self::Lookups => f.write_str("all look-ups of the resolver are in progress"),
            Self::Names => f.write_str("all name entries of the resolver are in use"),
            Self::Unseeded => UnseededError.fmt(f),
            Self::Setup(error) => error.fmt(f),
            Self::Connect(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ResolveError {}

/// The reason why a look-up has found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LookupError {
    /// The name does not exist.
    NoSuchName,
    /// The name has no address of the requested family.
    NoAddress,
    /// No server answered in time, or the servers that answered could not resolve the name.
    NoAnswer,
    /// The resolver has no server.
    NoServer,
    /// The answer over UDP was truncated and the resolver has no TCP pool, or the answer over TCP is longer than the
    /// input ring of the connection.
    TooLong,
    /// There is no free UDP socket for the query, or no free connection to fetch a truncated answer.
    NoSocket,
}

impl From<LookupError> for ConnError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::NoSuchName | LookupError::NoAddress => Self::NotFound,
            LookupError::NoAnswer | LookupError::TooLong => Self::TimedOut,
            LookupError::NoServer => Self::Unreachable,
            LookupError::NoSocket => Self::NoSocket,
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchName => "the name does not exist",
            Self::NoAddress => "the name has no address of this family",
            Self::NoAnswer => "no name server has answered",
            Self::NoServer => "the resolver has no name server",
            Self::TooLong => "the answer of the name server is too long",
            Self::NoSocket => "no UDP socket or connection is free for the query",
        })
    }
}

impl core::error::Error for LookupError {}
