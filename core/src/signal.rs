//! Signals: the numbers by which interrupts, other threads and the operating system notify an
//! application.

/// A signal: a number from 1 to 31. The constants have the numbers that Linux uses and the meanings that POSIX defines.
///
/// On a host `Signal::INT` is the operating system's SIGINT. On a board, the firmware raises `Signal::INT` with a
/// [`Trigger`](crate::Trigger), for example when a button is pressed or when a supervisor requests the end of the
/// program. The application is the same in both cases. Real-time signals (above 31) are not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Signal(u8);

impl Signal {
    /// Hang-up: read the configuration again.
    pub const HUP: Self = Self(1);
    /// Interrupt: the user requests the end of the program, with Ctrl-C.
    pub const INT: Self = Self(2);
    /// Quit.
    pub const QUIT: Self = Self(3);
    /// Free for the application.
    pub const USR1: Self = Self(10);
    /// Free for the application.
    pub const USR2: Self = Self(12);
    /// Terminate: the system requests the end of the program.
    pub const TERM: Self = Self(15);

    /// The length of a table indexed by signal number: one more than the highest number.
    pub const COUNT: usize = 32;

    /// Makes a signal from its number. Returns `None` unless the number is in `1..=31`.
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && (number as usize) < Self::COUNT { Some(Self(number)) } else { None }
    }

    /// Returns the signal's number, `1..=31`.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Returns the signal's bit in a word that has one bit for each signal.
    pub(crate) const fn bit(self) -> u32 {
        1u32.wrapping_shl(self.0 as u32)
    }

    /// Returns the lowest signal whose bit is set.
    pub(crate) fn lowest(bits: u32) -> Option<Self> {
        u8::try_from(bits.trailing_zeros()).ok().and_then(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_to_thirty_one_are_signals() {
        assert_eq!(Signal::new(0), None);
        assert_eq!(Signal::new(32), None);
        assert_eq!(Signal::new(2), Some(Signal::INT));
        assert_eq!(Signal::new(31).map(Signal::number), Some(31));
    }

    #[test]
    fn bits_and_signals_are_inverse() {
        assert_eq!(Signal::lowest(Signal::TERM.bit() | Signal::USR2.bit()), Some(Signal::USR2));
        assert_eq!(Signal::lowest(0), None);
    }
}
