//! The settings of a loop.

use core::time::Duration;

use crate::connects::Outgoing;

/// How [`run`](crate::run) treats its sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Sockets that listen for each listener at once, if the pool has as many. So many clients can
    /// begin a handshake at the same moment; one more is answered with a reset. Default: all.
    pub backlog: usize,
    /// How long a peer may be silent, or leave something unanswered, before the stack gives it up:
    /// in a handshake and on a connection; and how long a connect waits for a link and an address before it fails.
    /// `None` means never: a peer that vanished then holds its
    /// socket forever. Three days or more count as never for the loop. Default: 60 s.
    ///
    /// It must be longer than the keep-alive interval of each connection
    /// ([`ConnMut::set_keep_alive`](picoevent::ConnMut::set_keep_alive), 20 s at first), or a
    /// connection that is only idle is given up.
    ///
    /// The stack does not report that it gave up. The connection fails with
    /// [`TimedOut`](picoevent::ConnError::TimedOut) where that can be inferred. It fails with
    /// [`Reset`](picoevent::ConnError::Reset) when only a keep-alive waited for an answer.
    pub timeout: Option<Duration>,
    /// Whether the application opens connections. [`Outgoing::NO`] leaves the code for that out,
    /// about 1.5 KB of flash. Default: [`Outgoing::YES`].
    pub outgoing: Outgoing,
}

impl Config {
    /// The default, for a loop that only accepts connections.
    pub const SERVER: Self = Self {
        backlog: usize::MAX,
        timeout: Some(Duration::from_secs(60)),
        outgoing: Outgoing::NO,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self { outgoing: Outgoing::YES, ..Self::SERVER }
    }
}
