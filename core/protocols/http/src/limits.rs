//! What a client may use up.

use core::time::Duration;

/// What a client may use up, before it is refused.
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
    /// How long the rate of a body or an answer is measured.
    pub(crate) const WINDOW: Duration = Duration::from_secs(5);

    /// Lines of 2,048 bytes, 64 header fields, 1 MiB of body, messages of 64 KiB, 1,000 requests on a connection, 10 s for a head,
    /// 100 bytes a second, 30 s between requests, 10 s without any progress of an answer.
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

    /// Sets the longest line of a head: a request line beyond it is answered with 414, a header field with
    /// 431. The input ring is a limit, too, and for the target the text of the [`Server`](crate::Server).
    #[must_use]
    pub const fn line(self, bytes: u16) -> Self {
        Self { line: bytes, ..self }
    }

    /// Sets the most header fields, and trailer fields. More are answered with 431.
    #[must_use]
    pub const fn fields(self, fields: u8) -> Self {
        Self { fields, ..self }
    }

    /// Sets the longest body. A longer one is answered with 413; with a limit of zero every one is.
    #[must_use]
    pub const fn body(self, bytes: u32) -> Self {
        Self { body: bytes, ..self }
    }

    /// Sets the longest message of a WebSocket. A longer one ends it, with the code 1009.
    #[must_use]
    pub const fn message(self, bytes: u32) -> Self {
        Self { message: bytes, ..self }
    }

    /// Sets the most requests on a connection, one at least: the answer to the last one says that the
    /// connection ends.
    #[must_use]
    pub const fn requests(self, requests: u16) -> Self {
        Self { requests, ..self }
    }

    /// Sets how long a head may take from its first byte on. A slower one is answered with 408.
    #[must_use]
    pub const fn head(self, time: Duration) -> Self {
        Self { head: time, ..self }
    }

    /// Sets the least bytes a second, measured over five seconds, of a body that is awaited (408), and of an
    /// answer that is not taken (reset), until all of it is in the output ring. Zero for no limit.
    #[must_use]
    pub const fn rate(self, bytes: u32) -> Self {
        Self { rate: bytes, ..self }
    }

    /// Sets how long a connection is kept between requests. For a WebSocket, half of the silence after which
    /// it ends: a ping is sent first.
    #[must_use]
    pub const fn idle(self, time: Duration) -> Self {
        Self { idle: time, ..self }
    }

    /// Sets how long no byte of an answer may be taken, before the connection is reset.
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
