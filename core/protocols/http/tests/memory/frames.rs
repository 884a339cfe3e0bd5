//! An encoder and a decoder for frames, independent of the library.

/// A frame: its first byte and its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(pub u8, pub Vec<u8>);

/// Makes a frame.
pub fn frame(first: u8, data: impl AsRef<[u8]>) -> Frame {
    Frame(first, data.as_ref().to_vec())
}

/// Makes a close frame.
pub fn close(code: u16, reason: &[u8]) -> Frame {
    Frame(0x88, [&code.to_be_bytes(), reason].concat())
}

impl Frame {
    /// Encodes the frame. A client's frame has a mask.
    pub fn bytes(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let Self(first, data) = self;
        let bit = if mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![*first];
        match data.len() {
            short @ 0..126 => bytes.push(bit | short as u8),
            long @ 126..65_536 => {
                bytes.push(bit | 126);
                bytes.extend((long as u16).to_be_bytes());
            }
            huge => {
                bytes.push(bit | 127);
                bytes.extend((huge as u64).to_be_bytes());
            }
        }
        let key = mask.unwrap_or([0; 4]);
        bytes.extend(mask.iter().flatten());
        bytes.extend(data.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        bytes
    }
}

/// Decodes frames. Returns the frames and their masks. The masks of a server's frames are zeros.
pub fn decode_frames(mut bytes: &[u8], is_masked: bool) -> (Vec<Frame>, Vec<[u8; 4]>) {
    let (mut frames, mut masks) = (Vec::new(), Vec::new());
    while let [first, second, rest @ ..] = bytes {
        assert_eq!(second & 0x80 != 0, is_masked, "clients mask, servers do not");
        let (length, rest) = match second & 0x7f {
            126 => (usize::from(rest[0]) << 8 | usize::from(rest[1]), &rest[2..]),
            short => (usize::from(short), rest),
        };
        let (key, rest) = if is_masked { rest.split_at(4) } else { (&[0; 4][..], rest) };
        let (data, rest) = rest.split_at(length);
        let key: [u8; 4] = key.try_into().unwrap();
        frames.push(frame(
            *first,
            data.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect::<Vec<_>>(),
        ));
        masks.push(key);
        bytes = rest;
    }
    (frames, masks)
}
