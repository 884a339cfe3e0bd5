//! The settings of a loop.

use core::time::Duration;

use crate::connects::Outgoing;

/// How [`run`](crate::run) uses its sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The largest number of sockets that listen for one listener at the same time. This is also the number of clients
    /// that can begin a handshake at the same moment. The stack resets any further client. Default: no limit, all free
    /// sockets listen.
    pub backlog: usize,
    /// How long a peer may send nothing, or leave a segment unanswered, before the stack drops the
    /// connection or the handshake. A connect also waits this long for a link and an address before
    /// it fails. `None` means no limit: a peer that vanished then holds its socket forever. The
    /// loop treats three days or more as no limit. Default: 60 s.
    ///
    /// The timeout must be longer than the keep-alive interval of each connection
    /// ([`ConnMut::set_keep_alive`](picoevent::ConnMut::set_keep_alive), 20 s by default).
    /// Otherwise the stack drops connections that are only idle.
    ///
    /// The stack does not report that it dropped a connection. The connection fails with
    /// [`TimedOut`](picoevent::ConnError::TimedOut) if the adapter can recognise that the stack dropped it, for example
    /// by output that is not acknowledged. If only a keep-alive was unanswered, the connection fails with
    /// [`Reset`](picoevent::ConnError::Reset).
    pub timeout: Option<Duration>,
    /// Whether the application opens connections. [`Outgoing::NO`] leaves out the code for outgoing connections,
    /// about 1.5 KB of flash. Default: [`Outgoing::YES`].
    pub outgoing: Outgoing,
}

impl Config {
    /// The default settings, but with [`Outgoing::NO`]: for a loop that only accepts connections.
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
