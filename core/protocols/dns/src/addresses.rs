//! The addresses of a name.

use core::net::IpAddr;

use crate::Family;

/// The bytes for the addresses of one family: room for eight IPv4 or two IPv6 addresses.
const BYTES: usize = 32;

/// The addresses of one family that were found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FamilyAddresses {
    /// The addresses in network byte order, one after the other.
    octets: [u8; BYTES],
    count: u8,
    pub(crate) family: Family,
}

impl FamilyAddresses {
    pub(crate) const fn none(family: Family) -> Self {
        Self { octets: [0; BYTES], count: 0, family }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an address of the family, if the address is not present yet and there is room.
    #[inline(never)]
    pub(crate) fn add(&mut self, address: &[u8]) {
        let size = self.family.size();
        let mut index = 0_u8;
        for slot in self.octets.chunks_exact_mut(size) {
            if index == self.count {
                slot.iter_mut().zip(address).for_each(|(target, octet)| *target = *octet);
                self.count = index.wrapping_add(1);
                return;
            }
            if slot == address {
                return;
            }
            index = index.wrapping_add(1);
        }
    }

    /// Returns the address with this index, in the order of the answer. Returns `None` if there are fewer addresses.
    #[inline(never)]
    pub(crate) fn get(&self, index: u8) -> Option<IpAddr> {
        let mut addresses = self.octets.chunks_exact(self.family.size()).take(self.count.into());
        let octets = addresses.nth(index.into())?;
        match self.family {
            Family::V4 => octets.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
            Family::V6 => octets.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        }
    }

    /// Returns the addresses, in the order of the answer.
    pub(crate) fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        (0..self.count).filter_map(|index| self.get(index))
    }

    /// Returns one of the addresses, or `None` if there is none. Consecutive values of `attempt` give the addresses in
    /// rotation.
    pub(crate) fn for_attempt(&self, attempt: u8) -> Option<IpAddr> {
        self.get(attempt.checked_rem(self.count)?)
    }
}

/// The addresses of a name: at most eight IPv4 and two IPv6 addresses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Addresses {
    v4: FamilyAddresses,
    v6: FamilyAddresses,
}

impl Addresses {
    pub(crate) const NONE: Self =
        Self { v4: FamilyAddresses::none(Family::V4), v6: FamilyAddresses::none(Family::V6) };

    pub(crate) const fn set(&mut self, found: &FamilyAddresses) {
        match found.family {
            Family::V4 => self.v4 = *found,
            Family::V6 => self.v6 = *found,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Returns the addresses: first IPv4, then IPv6, each in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.v4.iter().chain(self.v6.iter())
    }

    /// Returns the first address, or `None` if there is none. After a successful look-up there is at least one address.
    pub fn first(&self) -> Option<IpAddr> {
        self.v4.get(0).or_else(|| self.v6.get(0))
    }
}

impl Family {
    /// Returns the size of an address in bytes.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::V4 => 4,
            Self::V6 => 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use super::*;

    fn v4(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn each_address_is_stored_once_and_in_order() {
        let mut found = FamilyAddresses::none(Family::V4);
        assert_eq!((found.get(0), found.for_attempt(0)), (None, None));
        for last in [1, 2, 1, 3] {
            found.add(&[192, 0, 2, last]);
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), [v4(1), v4(2), v4(3)]);
        let rotated = (0..4).map(|attempt| found.for_attempt(attempt).unwrap());
        assert_eq!(rotated.collect::<Vec<_>>(), [v4(1), v4(2), v4(3), v4(1)]);
        // 0.0.0.0 counts as an address, although free entries are zeros too.
        let mut zero = FamilyAddresses::none(Family::V4);
        zero.add(&[0; 4]);
        assert_eq!(zero.iter().collect::<Vec<_>>(), [IpAddr::from([0, 0, 0, 0])]);
    }

    #[test]
    fn addresses_that_do_not_fit_are_left_out() {
        let mut found = FamilyAddresses::none(Family::V4);
        (0..20).for_each(|last| found.add(&[192, 0, 2, last]));
        assert_eq!(found.iter().count(), 8);
        let mut found = FamilyAddresses::none(Family::V6);
        for last in 1..=3 {
            found.add(&Ipv6Addr::new(1, 2, 3, 4, 5, 6, 7, last).octets());
        }
        assert_eq!(found.iter().count(), 2);
        assert_eq!(found.for_attempt(3), Some(Ipv6Addr::new(1, 2, 3, 4, 5, 6, 7, 2).into()));
    }
}
