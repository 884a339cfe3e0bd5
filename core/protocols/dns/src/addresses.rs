//! The addresses of a name.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Family;

/// Bytes for the addresses of one family: eight of IPv4, two of IPv6.
const BYTES: usize = 32;

/// The addresses of one family that were found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    bytes: [u8; BYTES],
    count: u8,
    family: Family,
}

impl Found {
    pub(crate) const fn none(family: Family) -> Self {
        Self { bytes: [0; BYTES], count: 0, family }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an address of the family, if it is new and there is room.
    pub(crate) fn add(&mut self, address: IpAddr) {
        let is_held = self.iter().any(|held| held == address);
        let mut places = self.bytes.chunks_exact_mut(self.family.length());
        let Some(place) = places.nth(self.count.into()).filter(|_| !is_held) else {
            return;
        };
        match address {
            IpAddr::V4(v4) if self.family == Family::V4 => place.copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) if self.family == Family::V6 => place.copy_from_slice(&v6.octets()),
            _ => return,
        }
        self.count = self.count.saturating_add(1);
    }

    /// Returns the addresses, in the order of the answer.
    pub(crate) fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let places = self.bytes.chunks_exact(self.family.length()).take(self.count.into());
        places.filter_map(|place| {
            let v4 = <[u8; 4]>::try_from(place).map(|bytes| Ipv4Addr::from(bytes).into());
            v4.or_else(|_| <[u8; 16]>::try_from(place).map(|bytes| Ipv6Addr::from(bytes).into()))
                .ok()
        })
    }

    /// Moves the first address to the end, so that who connects next tries another.
    pub(crate) fn rotate(&mut self) {
        let length = self.family.length();
        let used = self.bytes.get_mut(..length.saturating_mul(self.count.into()));
        if let Some(used) = used.filter(|used| used.len() > length) {
            used.rotate_left(length);
        }
    }
}

/// The addresses of a name: at most eight of IPv4 and two of IPv6.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Addresses {
    v4: Found,
    v6: Found,
}

impl Addresses {
    pub(crate) const NONE: Self = Self { v4: Found::none(Family::V4), v6: Found::none(Family::V6) };

    pub(crate) const fn put(&mut self, found: Found) {
        match found.family {
            Family::V4 => self.v4 = found,
            Family::V6 => self.v6 = found,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Returns the addresses, those of IPv4 first, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.v4.iter().chain(self.v6.iter())
    }

    /// Returns the first address. A look-up that succeeds has found one.
    pub fn first(&self) -> Option<IpAddr> {
        self.iter().next()
    }
}

impl Family {
    /// Returns the bytes of an address.
    const fn length(self) -> usize {
        match self {
            Self::V4 => 4,
            Self::V6 => 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn addresses_are_kept_once_and_in_order() {
        let mut found = Found::none(Family::V4);
        for last in [1, 2, 1, 3] {
            found.add(v4(last));
        }
        found.add(Ipv6Addr::LOCALHOST.into());
        assert_eq!(found.iter().collect::<Vec<_>>(), [v4(1), v4(2), v4(3)]);
        found.rotate();
        assert_eq!(found.iter().collect::<Vec<_>>(), [v4(2), v4(3), v4(1)]);
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let mut found = Found::none(Family::V4);
        (0..20).for_each(|last| found.add(v4(last)));
        assert_eq!(found.iter().count(), 8);
        let mut found = Found::none(Family::V6);
        for last in 1..=3 {
            found.add(Ipv6Addr::new(1, 2, 3, 4, 5, 6, 7, last).into());
        }
        assert_eq!(found.iter().count(), 2);
        found.rotate();
        assert_eq!(found.iter().last(), Some(Ipv6Addr::new(1, 2, 3, 4, 5, 6, 7, 1).into()));
        let mut one = Found::none(Family::V4);
        one.add(v4(1));
        one.rotate();
        assert_eq!(one.iter().next(), Some(v4(1)));
        Found::none(Family::V6).rotate();
    }
}
