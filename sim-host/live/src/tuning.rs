//! Socket settings: Nagle's algorithm and keep-alive.
//!
//! Accepted sockets inherit the listener's settings. So a connection that keeps [`Tuning::DEFAULT`] needs no system
//! call for its settings.
//!
//! The system sends keep-alive probes to a peer that sends nothing. If the peer still sends nothing, its connection
//! fails after [`GIVE_UP`], as on a board. If the first probe is sent only after `GIVE_UP`, the connection fails one
//! probe interval after this probe. The application chooses the silence before the first probe:
//!
//! | silence before the first probe | number and interval of probes | connection fails after |
//! |---:|---|---:|
//! | 20 s | 2, 20 s | 60 s |
//! | 5 s | 11, 5 s | 60 s |
//! | 300 s | 1, 20 s | 320 s |

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use picoevent::{KEEP_ALIVE, Tuning};
use rustix::net::sockopt::{
    set_socket_keepalive, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl, set_tcp_nodelay,
};

/// How long a peer may send nothing before its connection fails, unless the application chose a longer
/// keep-alive interval.
const GIVE_UP: Duration = Duration::from_secs(60);

/// The longest keep-alive interval that Linux accepts (`MAX_TCP_KEEPIDLE`).
const LONGEST: Duration = Duration::from_secs(32_767);

/// Applies the settings to a socket. If a setting cannot be applied, the socket works without this setting.
pub(super) fn apply(socket: impl AsFd, tuning: Tuning) {
    let socket = socket.as_fd();
    if let Err(error) = set_tcp_nodelay(socket, !tuning.nagle) {
        log::warn!("Nagle's algorithm cannot be set: {error}");
    }
    if let Err(error) = keep_alive(socket, tuning.keep_alive()) {
        log::warn!("keep-alive cannot be set: {error}");
    }
}

fn keep_alive(socket: impl AsFd, silence: Option<Duration>) -> io::Result<()> {
    let socket = socket.as_fd();
    set_socket_keepalive(socket, silence.is_some())?;
    if let Some(silence) = silence {
        let probes = Probes::after(silence);
        set_tcp_keepidle(socket, probes.silence)?;
        set_tcp_keepintvl(socket, probes.interval)?;
        set_tcp_keepcnt(socket, probes.count)?;
    }
    Ok(())
}

/// The schedule of the keep-alive probes.
#[derive(Debug, PartialEq, Eq)]
struct Probes {
    silence: Duration,
    interval: Duration,
    count: u32,
}

impl Probes {
    /// Returns the schedule for a keep-alive interval of one second or more.
    fn after(silence: Duration) -> Self {
        let silence = silence.min(LONGEST);
        let interval = silence.min(KEEP_ALIVE);
        let rest = GIVE_UP.saturating_sub(silence).as_secs();
        let count = rest.div_ceil(interval.as_secs().max(1)).max(1);
        Self { silence, interval, count: u32::try_from(count).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use rustix::net::sockopt::{
        socket_keepalive, tcp_keepcnt, tcp_keepidle, tcp_keepintvl, tcp_nodelay,
    };

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_silent_peer_is_given_up_after_a_minute_or_a_probe() {
        let given_up = |silence| {
            let Probes { silence, interval, count } = Probes::after(silence);
            (count, silence + interval * count)
        };
        assert_eq!(given_up(KEEP_ALIVE), (2, seconds(60)));
        assert_eq!(given_up(seconds(5)), (11, seconds(60)));
        assert_eq!(given_up(seconds(7)), (8, seconds(63)));
        assert_eq!(given_up(seconds(1)), (59, seconds(60)));
        assert_eq!(given_up(seconds(60)), (1, seconds(80)));
        assert_eq!(given_up(seconds(300)), (1, seconds(320)));
        assert_eq!(given_up(seconds(65_535)), (1, seconds(32_787)));
    }

    #[test]
    fn accepted_sockets_inherit_the_listeners_settings() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        apply(&listener, Tuning::DEFAULT);
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(tcp_nodelay(&accepted).unwrap() && socket_keepalive(&accepted).unwrap());
        assert_eq!(tcp_keepidle(&accepted).unwrap(), KEEP_ALIVE);
        assert_eq!(tcp_keepintvl(&accepted).unwrap(), KEEP_ALIVE);
        assert_eq!(tcp_keepcnt(&accepted).unwrap(), 2);
        apply(&accepted, Tuning { nagle: true, keep_alive: 0 });
        assert!(!tcp_nodelay(&accepted).unwrap() && !socket_keepalive(&accepted).unwrap());
    }
}
