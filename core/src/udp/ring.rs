//! Stores datagrams in a byte ring. Each datagram is one contiguous record.
//!
//! ```text
//!   0      1         3            7 or 19  9 or 21   9 or 25
//!  ┌──────┬─────────┬────────────┬────────┬─────────┬───────────┐
//!  │ kind │ length  │ IPv4, IPv6 │ port   │ scope   │ bytes     │   numbers little-endian,
//!  └──────┴─────────┴────────────┴────────┴─────────┴───────────┘   the scope with IPv6 only
//! ```
//!
//! A record that does not fit before the end of the storage begins at the start of the storage. The unused bytes at the
//! end are a gap, whose first byte is [`GAP`]. So a datagram can be read without a copy. But a record may not fit
//! although the ring has enough free bytes, because these bytes are not contiguous. The first record in an empty ring
//! begins at the start of the storage. So every record that is not longer than the ring fits into the empty ring.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::ring::{Ring, copy};

/// The maximum numbers of bytes in a datagram over IPv4 and over IPv6.
const MOST_V4: usize = 65_507;
const MOST_V6: usize = 65_527;

const HEAD_V4: usize = 9;
const HEAD_V6: usize = crate::UdpRings::HEAD;

/// The first byte of a gap. In a record, the first byte contains the kind.
const GAP: u8 = 0;
const IS_V6: u8 = 1 << 6;
const IS_CUT: u8 = 1 << 7;

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// A datagram.
    Datagram = 1,
    /// In the output: a request to connect to the address.
    Connect = 2,
    /// In the output: a request to join a multicast group.
    Join = 3,
    /// In the output: a request to leave a multicast group.
    Leave = 4,
    /// In the output: a request to allow or to forbid broadcasts. If the port in the record's address is zero,
    /// broadcasts are forbidden. If the port is not zero, they are allowed.
    Broadcast = 5,
}

const KINDS: [Kind; 5] = [Kind::Datagram, Kind::Connect, Kind::Join, Kind::Leave, Kind::Broadcast];

/// A record that was read from a ring or will be written to a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'b> {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    /// The datagram was longer, and the rest was dropped.
    pub(super) is_cut: bool,
    pub(super) data: &'b [u8],
}

/// Returns the length of the longest datagram to or from `address` that fits into an empty ring of `size` bytes.
pub(super) fn most(address: SocketAddr, size: usize) -> usize {
    let most = if address.is_ipv6() { MOST_V6 } else { MOST_V4 };
    most.min(size.saturating_sub(head(address)))
}

const fn head(address: SocketAddr) -> usize {
    if address.is_ipv6() { HEAD_V6 } else { HEAD_V4 }
}

/// Returns the length of the record for a datagram of `bytes` bytes.
pub(super) const fn length(address: SocketAddr, bytes: usize) -> usize {
    head(address).saturating_add(bytes)
}

/// Returns whether a record of `length` bytes fits now in a ring of `size` bytes.
pub(super) fn fits(ring: Ring, size: usize, length: usize) -> bool {
    let end = ring.start().saturating_add(ring.len());
    match end.checked_sub(size) {
        // The stored bytes do not wrap around the end of the storage. The record must fit after the stored bytes or
        // before them.
        None => length <= size.saturating_sub(end).max(ring.start()),
        // The stored bytes wrap around the end of the storage. The record must fit between their two parts.
        Some(wrapped) => length <= ring.start().saturating_sub(wrapped),
    }
}

/// Appends a record. Returns whether there was room.
pub(super) fn push(ring: &mut Ring, storage: &mut [u8], record: &Record<'_>) -> bool {
    let (size, length) = (storage.len(), length(record.address, record.data.len()));
    let (first, second) = ring.space(storage);
    let gap = first.len();
    if length <= gap {
        record.write(first);
    } else if length <= second.len() {
        if let Some(kind) = first.first_mut() {
            *kind = GAP;
        }
        record.write(second);
        ring.commit(size, gap);
    } else {
        return false;
    }
    ring.commit(size, length);
    true
}

/// Returns the oldest record; `None` if the ring is empty.
pub(super) fn front<'b>(ring: Ring, storage: &'b [u8]) -> Option<Record<'b>> {
    Record::read(ring.bytes(storage).0)
}

/// Discards the oldest record. If a gap follows the record, discards the gap too.
pub(super) fn pop(ring: &mut Ring, storage: &[u8]) {
    let Some(record) = front(*ring, storage) else { return ring.clear() };
    ring.consume(storage.len(), length(record.address, record.data.len()));
    let (next, _) = ring.bytes(storage);
    if next.first() == Some(&GAP) {
        ring.consume(storage.len(), next.len());
    }
}

impl<'b> Record<'b> {
    /// Writes the record to the beginning of `space`, which is long enough.
    fn write(&self, space: &mut [u8]) {
        let mut kind = self.kind as u8;
        if self.is_cut {
            kind |= IS_CUT;
        }
        let mut writer = Writer(space);
        match self.address {
            SocketAddr::V4(address) => {
                writer.put(&[kind]);
                writer.put(&(self.data.len() as u16).to_le_bytes());
                writer.put(&address.ip().octets());
                writer.put(&address.port().to_le_bytes());
            }
            SocketAddr::V6(address) => {
                writer.put(&[kind | IS_V6]);
                writer.put(&(self.data.len() as u16).to_le_bytes());
                writer.put(&address.ip().octets());
                writer.put(&address.port().to_le_bytes());
                writer.put(&address.scope_id().to_le_bytes());
            }
        }
        writer.put(self.data);
    }

    /// Reads the record at the beginning of `bytes`; `None` if there is no complete record.
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let ([kind], rest) = take(bytes)?;
        let (length, rest) = take(rest)?;
        let ip: IpAddr;
        let (port, scope, rest) = if kind & IS_V6 != 0 {
            let (octets, rest) = take::<16>(rest)?;
            ip = Ipv6Addr::from(octets).into();
            let (port, rest) = take(rest)?;
            let (scope, rest) = take(rest)?;
            (port, u32::from_le_bytes(scope), rest)
        } else {
            let (octets, rest) = take::<4>(rest)?;
            ip = Ipv4Addr::from(octets).into();
            let (port, rest) = take(rest)?;
            (port, 0, rest)
        };
        let port = u16::from_le_bytes(port);
        Some(Self {
            kind: *KINDS.iter().find(|known| **known as u8 == kind & !(IS_V6 | IS_CUT))?,
            address: match ip {
                IpAddr::V4(ip) => (ip, port).into(),
                IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
            },
            is_cut: kind & IS_CUT != 0,
            data: rest.get(..usize::from(u16::from_le_bytes(length)))?,
        })
    }
}

/// Writes several byte strings to a slice, one after the other.
struct Writer<'b>(&'b mut [u8]);

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let space = core::mem::take(&mut self.0);
        let written = copy(space, bytes);
        self.0 = space.get_mut(written..).unwrap_or_default();
    }
}

/// Takes the first bytes of a slice.
fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk().map(|(first, rest)| (*first, rest))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    fn datagram(address: SocketAddr, data: &[u8]) -> Record<'_> {
        Record { kind: Kind::Datagram, address, is_cut: false, data }
    }

    #[test]
    fn a_record_comes_back_unchanged() {
        let mut storage = [0; 64];
        for kind in KINDS {
            for text in ["192.0.2.7:9995", "[fe80::1%7]:65535", "0.0.0.0:0"] {
                for is_cut in [false, true] {
                    let address = text.parse().unwrap();
                    let record = Record { kind, address, is_cut, data: b"abc" };
                    let mut ring = Ring::EMPTY;
                    assert!(push(&mut ring, &mut storage, &record));
                    assert_eq!(ring.len(), length(address, 3));
                    assert_eq!(front(ring, &storage), Some(record));
                    pop(&mut ring, &storage);
                    assert_eq!(front(ring, &storage), None);
                }
            }
        }
    }

    #[test]
    fn an_empty_ring_has_room_for_any_record_up_to_its_size() {
        let address = "192.0.2.7:1".parse().unwrap();
        let (mut ring, mut storage) = (Ring::EMPTY, [0; 40]);
        for length in [0, 1, 31] {
            assert_eq!(most(address, 40), 31);
            let data = std::vec![7; length];
            assert!(fits(ring, 40, super::length(address, length)));
            assert!(push(&mut ring, &mut storage, &datagram(address, &data)));
            pop(&mut ring, &storage);
        }
        assert!(!push(&mut ring, &mut storage, &datagram(address, &[7; 32])));
    }

    #[test]
    fn the_maximum_length_of_a_datagram_depends_on_the_address_family() {
        let (v4, v6) = ("1.2.3.4:5".parse().unwrap(), "[::1]:5".parse().unwrap());
        assert_eq!((most(v4, 1 << 20), most(v6, 1 << 20)), (65_507, 65_527));
        assert_eq!((most(v4, 30), most(v6, 30), most(v6, 20)), (21, 5, 0));
    }

    #[test]
    fn records_agree_with_a_queue_and_are_contiguous() {
        let mut random = 88172645463325252_u64;
        let mut random_below = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random as usize % below
        };
        let addresses = ["192.0.2.7:1".parse().unwrap(), "[2001:db8::1]:2".parse().unwrap()];
        for size in [25, 26, 60, 200, 1000] {
            let (mut ring, mut storage) = (Ring::EMPTY, std::vec![0xff; size]);
            let mut model: VecDeque<(SocketAddr, Vec<u8>)> = VecDeque::new();
            for round in 0..20_000 {
                if random_below(2) == 0 {
                    let address = addresses[random_below(2)];
                    let data: Vec<u8> =
                        (0..random_below(60)).map(|at| (round + at) as u8).collect();
                    let expected = fits(ring, size, length(address, data.len()));
                    let pushed = push(&mut ring, &mut storage, &datagram(address, &data));
                    assert_eq!(pushed, expected);
                    assert!(pushed || !model.is_empty() || data.len() > most(address, size));
                    if pushed {
                        model.push_back((address, data));
                    }
                } else {
                    pop(&mut ring, &storage);
                    model.pop_front();
                }
                let found = front(ring, &storage).map(|record| (record.address, record.data));
                assert_eq!(found, model.front().map(|(address, data)| (*address, &data[..])));
                assert_eq!(ring.len() == 0, model.is_empty());
            }
        }
    }
}
