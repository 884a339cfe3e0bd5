//! Settings of a connection's socket. They have the same meaning on every back end.

use core::time::Duration;

/// The default time without traffic before the stack sends a keep-alive probe.
/// [`ConnMut::set_keep_alive`](super::ConnMut::set_keep_alive) changes the time for one connection.
pub const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The settings of a connection's socket ([`Action::Tune`](crate::Action::Tune)).
///
/// Every connection, accepted or outgoing, starts with [`Tuning::DEFAULT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tuning {
    /// Nagle's algorithm (RFC 1122, 4.2.3.4): a small segment is delayed until earlier data is acknowledged. The
    /// default is `false`: output is sent without this delay (`TCP_NODELAY`).
    pub nagle: bool,
    /// The time without traffic before a keep-alive probe (RFC 1122, 4.2.3.6), in seconds; `0` for no probes. The
    /// default is [`KEEP_ALIVE`].
    pub keep_alive: u16,
}

impl Tuning {
    /// The default settings.
    pub const DEFAULT: Self = Self { nagle: false, keep_alive: KEEP_ALIVE.as_secs() as u16 };

    /// Returns the time without traffic before a keep-alive probe; `None` for no probes.
    pub const fn keep_alive(self) -> Option<Duration> {
        match self.keep_alive {
            0 => None,
            seconds => Some(Duration::from_secs(seconds as u64)),
        }
    }

    /// Sets the time without traffic before a keep-alive probe, rounded up to whole seconds.
    pub(crate) fn set_keep_alive(&mut self, silence: Option<Duration>) {
        let seconds = silence.map_or(0, |silence| {
            silence.as_secs().saturating_add(u64::from(silence.subsec_nanos() > 0))
        });
        self.keep_alive = u16::try_from(seconds).unwrap_or(u16::MAX);
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keep_alive_is_rounded_up_and_bounded() {
        let set = |silence| {
            let mut tuning = Tuning::DEFAULT;
            tuning.set_keep_alive(silence);
            tuning.keep_alive()
        };
        assert_eq!(set(None), None);
        assert_eq!(set(Some(Duration::ZERO)), None);
        assert_eq!(set(Some(Duration::from_millis(1))), Some(Duration::from_secs(1)));
        assert_eq!(set(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(set(Some(Duration::MAX)), Some(Duration::from_secs(65_535)));
    }
}
