//! Reads IP addresses from text.
//!
//! The functions here accept the same texts as [`IpAddr`]. The standard library's parser is not used, because its
//! compiled code might contain panics, and the code of this crate must not panic.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an address.
#[inline(never)]
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    let bytes = text.as_bytes();
    match v4(bytes) {
        Some(address) => Some(Ipv4Addr::from_bits(address).into()),
        None => v6(bytes).map(IpAddr::V6),
    }
}

/// Reads four numbers separated by dots. The text must end after the fourth number.
#[inline(never)]
fn v4(mut rest: &[u8]) -> Option<u32> {
    let mut address = 0_u32;
    for parts_left in (0..4_u8).rev() {
        let (octet, digits) = number(&mut rest, 10)?;
        // A number has no leading zero.
        let minimum = match digits {
            1 => 0,
            2 => 10,
            3 => 100,
            _ => return None,
        };
        if octet < minimum || octet > 255 {
            return None;
        }
        address = address << 8 | octet;
        if parts_left != 0 {
            rest = rest.strip_prefix(b".")?;
        }
    }
    rest.is_empty().then_some(address)
}

/// Reads eight groups separated by colons. One run of zero groups may be left out. The last two
/// groups may be written as an IPv4 address.
fn v6(mut rest: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0_u16; 8];
    let (mut count, mut gap) = (0_usize, None);
    loop {
        if let Some(after) = rest.strip_prefix(b"::") {
            if gap.replace(count).is_some() {
                return None;
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
        } else if count != 0 {
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix(b":")?;
        }
        let last = v4(rest);
        let group = match last {
            Some(address) => {
                *groups.get_mut(count)? = (address >> 16) as u16;
                count = count.wrapping_add(1);
                address
            }
            None => match number(&mut rest, 16)? {
                (_, 0) => return None,
                (group, _) => group,
            },
        };
        *groups.get_mut(count)? = group as u16;
        count = count.wrapping_add(1);
        if last.is_some() {
            break;
        }
    }
    // A gap (`::`) stands for at least one group. Without a gap there must be eight groups. The groups after the gap
    // are moved to the end.
    let left_out = 8_usize.wrapping_sub(count);
    if gap.is_some() == (left_out == 0) {
        return None;
    }
    let gap = gap.unwrap_or(8);
    let mut index = 8_usize;
    while let Some(moved) = index.checked_sub(1).filter(|index| *index >= gap) {
        index = moved;
        let from = index.wrapping_sub(left_out);
        let group = if from >= gap { groups.get(from).copied() } else { None };
        *groups.get_mut(index)? = group.unwrap_or(0);
    }
    Some(groups.into())
}

/// Reads a number of at most four digits, and removes it from `rest`. Returns its value and the count of digits, which
/// may be zero. Returns `None` if there are more than four digits.
#[inline(never)]
fn number(rest: &mut &[u8], radix: u8) -> Option<(u32, usize)> {
    let (mut number, mut digits) = (0_u32, 0_usize);
    while let Some((byte, after)) = rest.split_first() {
        let digit = match byte {
            b'0'..=b'9' => byte.wrapping_sub(b'0'),
            _ => (byte | 0x20).wrapping_sub(b'a').saturating_add(10),
        };
        if digit >= radix {
            break;
        }
        if digits == 4 {
            return None;
        }
        number = number.wrapping_mul(radix.into()).wrapping_add(digit.into());
        digits = digits.wrapping_add(1);
        *rest = after;
    }
    Some((number, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_standard_library_reads_them() {
        let good = ["0.0.0.0", "255.1.20.3", "::", "::1", "1::", "fe80::1:2", "1:2:3:4:5:6:7:8"];
        let mapped = ["::ffff:192.0.2.1", "1:2:3:4:5:6:7.8.9.10", "1::7.8.9.10", "A:b::C"];
        let bad = [
            "",
            "1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4 ",
            "1..2.3",
            ":",
            ":::",
            "1:::2",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4::5:6:7:8",
            "12345::",
            "g::",
            "1.2.3.4::",
            "::1.2.3",
            "1:2:3:4:5:6:7:8::",
            "::1::2",
            "1:2:3:4:5:6:7:8.9.10.11",
            ":1:2:3:4:5:6:7:8",
            "1:",
            "+1.2.3.4",
            "::-1",
        ];
        for text in good.into_iter().chain(mapped).chain(bad) {
            assert_eq!(parse(text), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn random_text_is_read_as_the_standard_library_reads_it() {
        let mut random = fastrand::Rng::with_seed(9);
        let mut read = 0;
        for _ in 0..500_000 {
            let parts = ["0", "1", "25", "::", ":", ":", ".", ".", "f", "a1"];
            let text: String =
                (0..random.usize(1..16)).map(|_| parts[random.usize(..10)]).collect();
            let expected = text.parse::<IpAddr>().ok();
            assert_eq!(parse(&text), expected, "{text}");
            read += u32::from(expected.is_some());
        }
        assert!(read > 500, "{read}");
    }
}
