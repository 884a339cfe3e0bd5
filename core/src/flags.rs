//! A set of conditions, as bits: the conditions that an event waits for, or the conditions for which its callback is
//! called.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign};

/// A set of conditions, with libevent's bit values (`EV_READ` and the like).
///
/// An event's interest is the set of conditions that the event waits for. The event's callback gets the set of
/// conditions that have become true. If several conditions become true before the callback runs, the callback is called
/// once with all of them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EventFlags(u8);

impl EventFlags {
    /// No condition.
    pub const NONE: Self = Self(0);
    /// The timeout passed (`EV_TIMEOUT`).
    pub const TIMEOUT: Self = Self(0x01);
    /// The source can be read (`EV_READ`).
    pub const READ: Self = Self(0x02);
    /// The source can be written (`EV_WRITE`).
    pub const WRITE: Self = Self(0x04);
    /// The signal was raised (`EV_SIGNAL`).
    pub const SIGNAL: Self = Self(0x08);
    /// The event is edge-triggered (`EV_ET`): it becomes active when the readiness of its source changes, for example
    /// when new bytes arrive. It does not become active again only because the source stays ready.
    pub const EDGE: Self = Self(0x20);
    /// The source's peer will send no more bytes (`EV_CLOSED`).
    pub const CLOSED: Self = Self(0x80);

    /// The conditions that a source can report: reading, writing, closing.
    pub(crate) const IO: Self = Self(Self::READ.0 | Self::WRITE.0 | Self::CLOSED.0);

    /// Makes a set from its bits. Bits for which this type has no constant are free for the application:
    /// [`EventMut::activate`](crate::EventMut::activate) passes them to the callback unchanged.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Returns the set's bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns this set without the conditions of `other`.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether no condition is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns whether every condition of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether any condition of `other` is in this set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for EventFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for EventFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for EventFlags {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Debug for EventFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::TIMEOUT, "TIMEOUT"),
            (Self::READ, "READ"),
            (Self::WRITE, "WRITE"),
            (Self::SIGNAL, "SIGNAL"),
            (Self::EDGE, "EDGE"),
            (Self::CLOSED, "CLOSED"),
        ];
        let mut unnamed = *self;
        let mut written = 0_u8;
        for (bit, name) in names.iter().filter(|(bit, _)| self.contains(*bit)) {
            unnamed = unnamed.without(*bit);
            write!(f, "{}{name}", if written == 0 { "" } else { "|" })?;
            written = 1;
        }
        match (unnamed.is_empty(), written) {
            (true, 0) => f.write_str("NONE"),
            (true, _) => Ok(()),
            (false, 0) => write!(f, "{:#04x}", unnamed.0),
            (false, _) => write!(f, "|{:#04x}", unnamed.0),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn contains_needs_all_bits_and_intersects_any_bit() {
        let both = EventFlags::READ | EventFlags::TIMEOUT;
        assert!(
            both.contains(EventFlags::READ)
                && both.intersects(EventFlags::READ | EventFlags::WRITE)
        );
        assert!(
            !both.contains(EventFlags::READ | EventFlags::WRITE)
                && !both.intersects(EventFlags::SIGNAL)
        );
    }

    #[test]
    fn debug_names_the_bits() {
        assert_eq!(format!("{:?}", EventFlags::READ | EventFlags::CLOSED), "READ|CLOSED");
        assert_eq!(format!("{:?}", EventFlags::NONE), "NONE");
        assert_eq!(format!("{:?}", EventFlags::from_bits(0x42)), "READ|0x40");
        assert_eq!(format!("{:?}", EventFlags::from_bits(0x40)), "0x40");
    }
}
