//! Values that the compiler cannot know.

use core::hint::black_box;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use picoevent::{Direction, Eol, EventFlags, Mode, Priority, Signal};

/// The value, of which the compiler knows nothing but its type; what is behind a reference may have
/// changed.
pub fn any<T>(value: T) -> T {
    black_box(value)
}

/// Any length of time there is.
pub fn duration() -> Duration {
    Duration::from_secs(any(1)).saturating_add(Duration::from_nanos(any(1)))
}

/// Any length of time, or none.
pub fn maybe_duration() -> Option<Duration> {
    any(true).then(duration)
}

/// Any set of conditions.
pub fn what() -> EventFlags {
    EventFlags::from_bits(any(1))
}

/// Any signal there is.
pub fn signal() -> Signal {
    Signal::new(any(1)).unwrap_or(Signal::INT)
}

/// Any priority there is.
pub fn priority() -> Priority {
    Priority::new(any(1)).unwrap_or_default()
}

/// Either mode.
pub fn mode() -> Mode {
    any(Mode::Persist)
}

/// Either direction.
pub fn direction() -> Direction {
    any(Direction::Read)
}

/// An address of either family.
pub fn address() -> SocketAddr {
    SocketAddr::new(any(IpAddr::from([0_u8; 4])), any(1))
}

/// Any end of a line.
pub fn eol() -> Eol {
    any(Eol::Crlf)
}

/// Text, as long as it likes.
pub fn word() -> &'static str {
    any("some")
}

/// Bytes, as many as it likes.
pub fn bytes() -> &'static [u8] {
    any(b"some")
}
