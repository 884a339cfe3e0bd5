//! Addresses as text.
//!
//! They are those that [`IpAddr`] reads from text; its own code cannot be shown to link without a panic.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an address.
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    let bytes = text.as_bytes();
    match bytes.contains(&b':') {
        true => v6(bytes).map(IpAddr::V6),
        false => v4(bytes).map(IpAddr::V4),
    }
}

/// Reads four numbers with dots between them.
fn v4(bytes: &[u8]) -> Option<Ipv4Addr> {
    let mut parts = bytes.split(|byte| *byte == b'.');
    let mut octets = [0; 4];
    for octet in &mut octets {
        let part = parts.next()?;
        let has_zero = part.len() > 1 && part.first() == Some(&b'0');
        *octet = number(part, 10, 3).filter(|_| !has_zero)?.try_into().ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// Reads eight numbers with colons between them, of which a group of zeros may be left out.
fn v6(bytes: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0_u16; 8];
    let gap = bytes.windows(2).position(|pair| pair == b"::");
    let Some(gap) = gap else {
        return (read_groups(bytes, true, &mut groups)? == 8).then(|| groups.into());
    };
    let before = read_groups(bytes.get(..gap)?, false, &mut groups)?;
    let mut behind = [0; 8];
    let after = read_groups(bytes.get(gap.checked_add(2)?..)?, true, &mut behind)?;
    // At least one group is left out.
    let start = 8_usize.checked_sub(after).filter(|start| *start > before)?;
    groups.iter_mut().skip(start).zip(behind).for_each(|(group, read)| *group = read);
    Some(groups.into())
}

/// Reads groups. The last two of an address may be written as IPv4. Returns how many there are.
fn read_groups(bytes: &[u8], is_end: bool, groups: &mut [u16; 8]) -> Option<usize> {
    let mut count = 0_usize;
    let mut places = groups.iter_mut();
    if bytes.is_empty() {
        return Some(0);
    }
    let mut parts = bytes.split(|byte| *byte == b':').peekable();
    while let Some(part) = parts.next() {
        if is_end && parts.peek().is_none() && part.contains(&b'.') {
            let [a, b, c, d] = v4(part)?.octets();
            for pair in [[a, b], [c, d]] {
                *places.next()? = u16::from_be_bytes(pair);
            }
            return count.checked_add(2);
        }
        *places.next()? = number(part, 16, 4)?.try_into().ok()?;
        count = count.checked_add(1)?;
    }
    Some(count)
}

/// Reads a number of 1 to `most` digits.
fn number(digits: &[u8], radix: u32, most: usize) -> Option<u32> {
    if digits.is_empty() || digits.len() > most {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        Some(number.wrapping_mul(radix).wrapping_add(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_standard_library() {
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
            let few = ["0", "1", "25", "::", ":", ":", ".", ".", "f", "a1"];
            let text: String = (0..random.usize(1..16)).map(|_| few[random.usize(..10)]).collect();
            let expected = text.parse::<IpAddr>().ok();
            assert_eq!(parse(&text), expected, "{text}");
            read += u32::from(expected.is_some());
        }
        assert!(read > 500, "{read}");
    }
}
