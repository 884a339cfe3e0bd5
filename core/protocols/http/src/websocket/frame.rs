//! The header of a frame (RFC 6455, 5.2).

/// Close codes of a WebSocket (RFC 6455, 7.4).
pub(crate) mod code {
    pub(crate) const NORMAL: u16 = 1000;
    pub(crate) const PROTOCOL: u16 = 1002;
    /// The close frame has no code. This code is never sent.
    pub(crate) const NONE: u16 = 1005;
    /// The connection ended without a close frame. This code is never sent.
    pub(crate) const LOST: u16 = 1006;
    pub(crate) const NOT_TEXT: u16 = 1007;
    pub(crate) const TOO_BIG: u16 = 1009;
}

/// The type of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    const fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    pub(crate) const fn bits(self) -> u8 {
        self as u8
    }

    pub(crate) const fn is_control(self) -> bool {
        self.bits() & 8 != 0
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) opcode: Opcode,
    pub(crate) is_last: bool,
    pub(crate) length: u32,
    pub(crate) mask: Mask,
    /// The length of the header itself.
    pub(crate) size: usize,
}

/// The longest header.
pub(crate) const LONGEST: usize = 14;

/// Reads the header of a frame. Frames of clients must be masked, frames of servers must not be masked. Returns `None`
/// while the header is not complete. An error is the close code to send.
pub(crate) fn header(bytes: &[u8], is_masked: bool) -> Option<Result<Header, u16>> {
    let [first, second, rest @ ..] = bytes else { return None };
    let Some(opcode) = Opcode::of(first & 0x0f) else { return Some(Err(code::PROTOCOL)) };
    let (is_last, short) = (first & 0x80 != 0, second & 0x7f);
    let has_mask = second & 0x80 != 0;
    let is_invalid_control = opcode.is_control() && (!is_last || short > 125);
    if first & 0x70 != 0 || has_mask != is_masked || is_invalid_control {
        return Some(Err(code::PROTOCOL));
    }
    // Only the shortest form of a length is allowed. The highest bit of a length of eight bytes must be zero.
    let (size, length, is_shortest) = match short {
        126 => {
            let length = u16::from_be_bytes(*rest.first_chunk()?);
            (4, u32::from(length), length >= 126)
        }
        127 => {
            let (high, low) = rest.split_first_chunk()?;
            let (high, low) = (u32::from_be_bytes(*high), u32::from_be_bytes(*low.first_chunk()?));
            if matches!(high, 1..=0x7fff_ffff) {
                return Some(Err(code::TOO_BIG));
            }
            (10, low, high == 0 && low > 0xffff)
        }
        _ => (2_usize, short.into(), true),
    };
    if !is_shortest {
        return Some(Err(code::PROTOCOL));
    }
    let (mask, size) = match is_masked {
        true => {
            let mask = bytes.get(size..).and_then(<[u8]>::first_chunk)?;
            (Mask::new(*mask), size.saturating_add(4))
        }
        false => (Mask::NONE, size),
    };
    Some(Ok(Header { opcode, is_last, length, mask, size }))
}

/// A mask, rotated to the current position in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mask(u32);

impl Mask {
    /// A mask without effect.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn new(key: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(key))
    }

    /// Masks or unmasks the next bytes of the frame.
    #[inline(never)]
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte ^= self.0 as u8;
            self.0 = self.0.rotate_right(8);
        }
    }
}

/// Returns whether an endpoint may send this close code.
pub(crate) const fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    fn read(start: &[u8]) -> Option<Result<(Opcode, bool, u32, usize), u16>> {
        let whole = [start, &MASK].concat();
        assert!((0..whole.len()).all(|at| !matches!(header(&whole[..at], true), Some(Ok(_)))));
        let read = header(&whole, true)?;
        if let Ok(read) = read {
            // A server sends the same frame without a mask.
            let mut bare = start.to_vec();
            bare[1] &= 0x7f;
            let size = read.size - 4;
            let expected = Header { mask: Mask::NONE, size, ..read };
            assert_eq!(header(&bare, false), Some(Ok(expected)));
            assert!((0..size).all(|at| header(&bare[..at], false).is_none()));
            assert_eq!(header(&whole, false), Some(Err(code::PROTOCOL)));
            assert_eq!(header(&bare, true), Some(Err(code::PROTOCOL)));
        }
        Some(read.map(|header| {
            assert_eq!(header.mask, Mask::new(MASK));
            (header.opcode, header.is_last, header.length, header.size)
        }))
    }

    #[test]
    fn lengths_have_three_forms() {
        assert_eq!(read(&[0x81, 0x80]), Some(Ok((Opcode::Text, true, 0, 6))));
        assert_eq!(read(&[0x02, 0x80 | 125]), Some(Ok((Opcode::Binary, false, 125, 6))));
        assert_eq!(read(&[0x80, 0xfe, 0, 126]), Some(Ok((Opcode::Continuation, true, 126, 8))));
        let long = [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(read(&long), Some(Ok((Opcode::Binary, true, 65_536, 14))));
    }

    #[test]
    fn an_invalid_header_is_refused() {
        for bad in [
            &[0xc1, 0x80][..],
            &[0xa1, 0x80],
            &[0x91, 0x80],
            &[0x83, 0x80],
            &[0x87, 0x80],
            &[0x8b, 0x80],
            &[0x8f, 0x80],
            &[0x81, 0x00],
            &[0x81, 0x05],
            &[0x09, 0x80],
            &[0x08, 0x80],
            &[0x89, 0xfe, 0, 126],
            &[0x81, 0xfe, 0, 125],
            &[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
            &[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(header(&[bad, &MASK].concat(), true), Some(Err(code::PROTOCOL)), "{bad:?}");
        }
        let long = [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4];
        assert_eq!(header(&long, true), Some(Err(code::TOO_BIG)));
    }

    #[test]
    fn a_mask_continues_after_a_split() {
        let mut bytes = *b"masked";
        let (mut mask, mut again) = (Mask::new(MASK), Mask::new(MASK));
        mask.apply(&mut bytes[..3]);
        mask.apply(&mut bytes[3..]);
        assert_eq!(bytes, [b'm' ^ 1, b'a' ^ 2, b's' ^ 3, b'k' ^ 4, b'e' ^ 1, b'd' ^ 2]);
        again.apply(&mut bytes);
        assert_eq!(&bytes, b"masked");
    }

    #[test]
    fn some_codes_are_never_sent() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            assert!(!is_sendable(code), "{code}");
        }
        assert!([1000, 1003, 1007, 1014, 3000, 4999].into_iter().all(is_sendable));
    }
}
