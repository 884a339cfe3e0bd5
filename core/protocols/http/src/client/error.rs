//! Why a request of a client has no answer.

use core::fmt;

use picoevent::{ConnError, SetupError};

use crate::status::Status;

/// Why a request has no answer, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// Another request of the client is under way.
    Busy,
    /// Host, target and fields do not fit into the text of the [`Client`](super::Client), or the head into the
    /// output ring, or they have bytes that do not belong there.
    BadRequest,
    /// There is no connection to make.
    Setup(SetupError),
    /// The connection could not be made, or was lost.
    Lost(Option<ConnError>),
    /// The server took too long.
    TimedOut,
    /// The answer is none of HTTP/1.1.
    Malformed,
    /// A line of the answer, or the answer, is longer than the limits or the rings.
    TooLong,
    /// The server sends from one place to the next.
    Redirects,
    /// The application has cancelled it.
    Cancelled,
    /// The server has answered to a WebSocket's handshake with this status.
    Refused(Status),
    /// The base has no seed for random numbers, which a WebSocket needs.
    Unseeded,
    /// The name of the server cannot be looked up: there is no [`Caller::BY_NAME`](super::Caller::BY_NAME), or it has
    /// not begun.
    Unresolved,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Lost(Some(error)) => error.fmt(f),
            _ => f.write_str(match self {
                Self::Busy => "another request is under way",
                Self::BadRequest => {
                    "the request does not fit, or has bytes that do not belong there"
                }
                Self::TimedOut => "the server took too long",
                Self::Malformed => "the answer is none of HTTP/1.1",
                Self::TooLong => "the answer is longer than it may be",
                Self::Redirects => "there are too many redirects",
                Self::Cancelled => "the request was cancelled",
                Self::Refused(_) => "the server has refused the WebSocket",
                Self::Unseeded => "the base needs a seed for random numbers",
                Self::Unresolved => "the name of the server cannot be looked up",
                _ => "the connection ended before the answer",
            }),
        }
    }
}

impl core::error::Error for CallError {}
