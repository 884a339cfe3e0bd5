//! Values that the compiler cannot know.

use core::hint::black_box;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use picoevent::{Direction, Eol, EventFlags, Mode, Priority, Signal};

/// Returns the value. The compiler knows only its type, and must assume that data behind a
/// reference has changed.
pub fn any<T>(value: T) -> T {
    black_box(value)
}

/// Returns any duration.
pub fn duration() -> Duration {
    Duration::from_secs(any(1)).saturating_add(Duration::from_nanos(any(1)))
}

/// Returns any duration, or none.
pub fn maybe_duration() -> Option<Duration> {
    any(true).then(duration)
}

/// Returns any set of event flags.
pub fn what() -> EventFlags {
    EventFlags::from_bits(any(1))
}

/// Returns any signal.
pub fn signal() -> Signal {
    Signal::new(any(1)).unwrap_or(Signal::INT)
}

/// Returns any priority.
pub fn priority() -> Priority {
    Priority::new(any(1)).unwrap_or_default()
}

/// Returns any mode.
pub fn mode() -> Mode {
    any(Mode::Persist)
}

/// Returns any direction.
pub fn direction() -> Direction {
    any(Direction::Read)
}

/// Returns an address of either family.
pub fn address() -> SocketAddr {
    SocketAddr::new(any(IpAddr::from([0_u8; 4])), any(1))
}

/// Returns any kind of line end.
pub fn eol() -> Eol {
    any(Eol::Crlf)
}

/// Returns text of any length.
pub fn word() -> &'static str {
    any("some")
}

/// Returns bytes of any length.
pub fn bytes() -> &'static [u8] {
    any(b"some")
}
