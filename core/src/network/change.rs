//! The changes of the network, as a set of bits.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

use crate::EventFlags;

/// The changes of the network since the callback of [`Cx::on_network`](crate::Cx::on_network) last ran.
/// [`Cx::network`](crate::Cx::network) returns the current state. If an address or another part of the state has
/// changed and changed back between two calls of the callback, this part counts as changed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NetworkChange(u8);

impl NetworkChange {
    /// The link has come up, or has gone down.
    pub const LINK: Self = Self(0x02);
    /// An IPv4 address, its prefix or an IPv4 gateway has changed.
    pub const IPV4: Self = Self(0x04);
    /// An IPv6 address, its prefix or an IPv6 gateway has changed.
    pub const IPV6: Self = Self(0x10);
    /// The name servers have changed.
    pub const NAME_SERVERS: Self = Self(0x40);

    const ALL: u8 = Self::LINK.0 | Self::IPV4.0 | Self::IPV6.0 | Self::NAME_SERVERS.0;

    /// No change.
    pub(super) const NONE: Self = Self(0);

    /// Returns the changes among an event's conditions. Ignores the other bits, which are the timeout and the
    /// application's own bits.
    pub(super) const fn of(what: EventFlags) -> Self {
        Self(what.bits() & Self::ALL)
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    /// Returns whether nothing has changed.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns whether every change of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for NetworkChange {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for NetworkChange {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for NetworkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::LINK, "LINK"),
            (Self::IPV4, "IPV4"),
            (Self::IPV6, "IPV6"),
            (Self::NAME_SERVERS, "NAME_SERVERS"),
        ];
        let mut between = "";
        for (_, name) in names.iter().filter(|(change, _)| self.contains(*change)) {
            write!(f, "{between}{name}")?;
            between = "|";
        }
        if self.is_empty() { f.write_str("NONE") } else { Ok(()) }
    }
}
