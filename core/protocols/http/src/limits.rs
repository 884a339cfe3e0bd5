//! Limits for a peer.

use core::time::Duration;

/// The limits for a peer. A [`Site`](crate::Site) sets the limits for its clients. A [`Caller`](crate::Caller) and a
/// [`SocketCaller`](crate::SocketCaller) set the limits for a server.
///
/// ```
/// use core::time::Duration;
/// use picoevent_http::Limits;
///
/// const LIMITS: Limits = Limits::new().body(2_000_000).idle(Duration::from_secs(5));
/// # let _ = LIMITS;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub(crate) line: u16,
    pub(crate) fields: u8,
    pub(crate) requests: u16,
    pub(crate) body: u32,
    pub(crate) message: u32,
    pub(crate) rate: u32,
    pub(crate) head: Duration,
    pub(crate) idle: Duration,
    pub(crate) stall: Duration,
}

impl Limits {
    /// The period over which the rate of a body or an answer is measured.
    pub(crate) const WINDOW: Duration = Duration::from_secs(5);

    /// Makes the default limits:
    /// - at most 2,048 bytes in a line, 64 header fields, 1 MiB in a body, and 64 KiB in a WebSocket message;
    /// - at most 1,000 requests on a connection;
    /// - at most 10 s for a head, 30 s between requests, and 10 s without progress of an answer;
    /// - at least 100 bytes per second.
    pub const fn new() -> Self {
        Self {
            line: 2_048,
            fields: 64,
            requests: 1_000,
            body: 1 << 20,
            message: 1 << 16,
            rate: 100,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            stall: Duration::from_secs(10),
        }
    }

    /// Sets the length of the longest line of a head. A longer request line is answered with 414, a longer header field
    /// with 431. The line must also fit into the input ring, and the target must fit into the text buffer of the
    /// [`Server`](crate::Server).
    #[must_use]
    pub const fn line(self, bytes: u16) -> Self {
        Self { line: bytes, ..self }
    }

    /// Sets the largest number of header fields, and of trailer fields. A request with more fields is answered
    /// with 431.
    #[must_use]
    pub const fn fields(self, fields: u8) -> Self {
        Self { fields, ..self }
    }

    /// Sets the length of the longest body. A longer body is answered with 413. With a limit of 0, every body is
    /// answered with 413. In a client: if the content of an answer is longer, the error is
    /// [`CallError::TooLong`](crate::CallError::TooLong).
    #[must_use]
    pub const fn body(self, bytes: u32) -> Self {
        Self { body: bytes, ..self }
    }

    /// Sets the length of the longest WebSocket message. A longer message ends the WebSocket with the code 1009.
    #[must_use]
    pub const fn message(self, bytes: u32) -> Self {
        Self { message: bytes, ..self }
    }

    /// Sets the largest number of requests on a connection, at least 1. The answer to the last request contains
    /// `Connection: close`.
    #[must_use]
    pub const fn requests(self, requests: u16) -> Self {
        Self { requests, ..self }
    }

    /// Sets the longest time for a head, from its first byte. A slower head is answered with 408.
    #[must_use]
    pub const fn head(self, time: Duration) -> Self {
        Self { head: time, ..self }
    }

    /// Sets the lowest rate in bytes per second, measured over five seconds. While the peer waits for the application,
    /// the rate is not measured. A request whose body arrives more slowly is answered with 408. If the client receives
    /// an answer more slowly, the connection is reset. The rate of an answer is checked until the whole answer is in
    /// the output ring. 0 means no limit.
    #[must_use]
    pub const fn rate(self, bytes: u32) -> Self {
        Self { rate: bytes, ..self }
    }

    /// Sets how long a connection is kept between requests. On a WebSocket, a ping is sent if nothing was received for
    /// this time. If nothing is received for the same time after the ping, the connection is reset.
    #[must_use]
    pub const fn idle(self, time: Duration) -> Self {
        Self { idle: time, ..self }
    }

    /// Sets the longest time without progress of an answer. If no byte could be sent to the client for this time, the
    /// connection is reset.
    #[must_use]
    pub const fn stall(self, time: Duration) -> Self {
        Self { stall: time, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
