//! Errors of a client's request.

use core::fmt;

use picoevent::{ConnError, SetupError};

use crate::status::Status;

/// The reason why a request got no answer, or an incomplete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// Another request of this client is not complete.
    Busy,
    /// The request is not valid, or is too long:
    /// - the host, the target or the fields contain bytes that are not allowed, or
    /// - the host, the target and the fields do not fit into the text buffer of the [`Client`](super::Client), or
    /// - the head of the request does not fit into the output ring.
    BadRequest,
    /// No connection could be taken from the pool.
    Setup(SetupError),
    /// Connecting has failed, or the connection was lost or ended before the answer was complete. If the connection was
    /// open, the server may have carried out the request. Contains the error of the connection, if there is one.
    Lost(Option<ConnError>),
    /// The head of the answer did not arrive in time, or content was sent or received more slowly than
    /// [`Limits::rate`](crate::Limits::rate).
    TimedOut,
    /// The answer is not valid HTTP/1.1.
    Malformed,
    /// The answer exceeds one of the [`Limits`](crate::Limits), a line of the answer does not fit into the input ring,
    /// or a header field to store does not fit into the text buffer of the [`Client`](super::Client).
    TooLong,
    /// The server has sent more redirects than [`Caller::REDIRECTS`](super::Caller::REDIRECTS).
    Redirects,
    /// The application has cancelled the request, or has closed the connection with
    /// [`close_all`](picoevent::EventBase::close_all).
    Cancelled,
    /// The server has answered a WebSocket handshake with this status.
    Refused(Status),
    /// The base has no seed. A WebSocket needs random numbers.
    Unseeded,
    /// The server's name cannot be looked up: [`Caller::BY_NAME`](super::Caller::BY_NAME) is not set, or the
    /// lookup could not start.
    Unresolved,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Lost(Some(error)) => error.fmt(f),
            _ => f.write_str(match self {
                Self::Busy => "another request is in progress",
                Self::BadRequest => "the request does not fit, or has bytes that are not allowed",
                Self::TimedOut => "the server took too long",
                Self::Malformed => "the answer is not valid HTTP/1.1",
                Self::TooLong => "the answer is longer than a limit",
                Self::Redirects => "there are too many redirects",
                Self::Cancelled => "the request was cancelled",
                Self::Refused(_) => "the server has refused the WebSocket",
                Self::Unseeded => "the event base needs a seed for random numbers",
                Self::Unresolved => "the name of the server cannot be looked up",
                _ => "the connection ended before the answer",
            }),
        }
    }
}

impl core::error::Error for CallError {}
