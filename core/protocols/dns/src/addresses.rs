//! The addresses of a name.

use core::net::{IpAddr, Ipv6Addr};

use crate::Family;

/// Words for the addresses of one family: eight of IPv4, two of IPv6.
const WORDS: usize = 8;

/// The addresses of one family that were found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// In network order; an address of IPv6 has four.
    words: [[u8; 4]; WORDS],
    count: u8,
    family: Family,
}

impl Found {
    pub(crate) const fn none(family: Family) -> Self {
        Self { words: [[0; 4]; WORDS], count: 0, family }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an address of the family, if it is new and there is room.
    pub(crate) fn add(&mut self, address: IpAddr) {
        if self.iter().any(|held| held == address) {
            return;
        }
        let places =
            self.words.iter_mut().skip(self.family.words().wrapping_mul(self.count.into()));
        match address {
            IpAddr::V4(v4) if self.family == Family::V4 && places.len() >= 1 => {
                places.zip([v4.octets()]).for_each(|(place, word)| *place = word);
            }
            IpAddr::V6(v6) if self.family == Family::V6 && places.len() >= 4 => {
                let octets = v6.octets();
                places.zip(octets.as_chunks().0).for_each(|(place, word)| *place = *word);
            }
            _ => return,
        }
        self.count = self.count.saturating_add(1);
    }

    /// Returns the addresses, in the order of the answer.
    pub(crate) fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let v4 = self.words.iter().map(|word| IpAddr::from(*word));
        let v6 = self.words.as_chunks().0.iter().map(|[a, b, c, d]: &[_; 4]| {
            let words = [a, b, c, d].map(|word| u128::from(u32::from_be_bytes(*word)));
            let bits = words.iter().fold(0, |bits, word| bits << 32 | word);
            IpAddr::from(Ipv6Addr::from_bits(bits))
        });
        let count = |family| if family == self.family { self.count.into() } else { 0 };
        v4.take(count(Family::V4)).chain(v6.take(count(Family::V6)))
    }

    /// Moves the first address to the end, so that who connects next tries another.
    pub(crate) fn rotate(&mut self) {
        let used = self.family.words().wrapping_mul(self.count.into());
        for _ in 0..self.family.words() {
            let [first, ..] = self.words;
            let mut before = first;
            for word in self.words.iter_mut().take(used).rev() {
                core::mem::swap(word, &mut before);
            }
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
    /// Returns the words of an address.
    const fn words(self) -> usize {
        match self {
            Self::V4 => 1,
            Self::V6 => 4,
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
