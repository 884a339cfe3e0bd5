//! SHA-1 (FIPS 180-4). The handshake of a WebSocket requires SHA-1. SHA-1 is not used for security.

/// Returns the hash of `length` bytes in `blocks`. The bytes after the data must be zero. After the data, there must be
/// room for the byte 0x80 and for the length (eight bytes).
pub(crate) fn sha1<const N: usize>(blocks: &mut [[u8; 64]; N], length: usize) -> [u8; 20] {
    let bytes = blocks.as_flattened_mut();
    if let Some(end) = bytes.get_mut(length) {
        *end = 0x80;
    }
    if let Some(last) = bytes.last_chunk_mut() {
        *last = (length as u64).wrapping_mul(8).to_be_bytes();
    }
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in blocks {
        compress(&mut state, block);
    }
    let mut hash = [0; 20];
    for (target, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *target = word.to_be_bytes();
    }
    hash
}

fn compress(state: &mut [u32; 5], block: &[u8; 64]) {
    // The last sixteen words of the message schedule, as a ring.
    let mut words = [0_u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for round in 0..80_usize {
        let word = |back: usize| words.get(round.wrapping_sub(back) & 15).copied().unwrap_or(0);
        let next = match round {
            0..16 => word(0),
            _ => (word(3) ^ word(8) ^ word(14) ^ word(16)).rotate_left(1),
        };
        if let Some(target) = words.get_mut(round & 15) {
            *target = next;
        }
        let (mix, constant) = match round {
            0..20 => (b & c | !b & d, 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6_u32),
        };
        let sum = a
            .rotate_left(5)
            .wrapping_add(mix)
            .wrapping_add(e)
            .wrapping_add(constant)
            .wrapping_add(next);
        (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
    }
    for (word, value) in state.iter_mut().zip([a, b, c, d, e]) {
        *word = word.wrapping_add(value);
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    fn hex(data: &[u8]) -> String {
        let mut blocks = [[0; 64]; 16];
        blocks.as_flattened_mut()[..data.len()].copy_from_slice(data);
        // The smallest number of blocks that is enough.
        let hash = match (data.len() + 9).div_ceil(64) {
            1 => sha1::<1>(blocks.first_chunk_mut().unwrap(), data.len()),
            2 => sha1::<2>(blocks.first_chunk_mut().unwrap(), data.len()),
            _ => sha1::<16>(&mut blocks, data.len()),
        };
        hash.iter().map(|byte| std::format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_examples_of_the_standard_hold() {
        assert_eq!(hex(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let two = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hex(two), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        assert_eq!(hex(&[b'a'; 1000]), "291e9a6c66994949b57ba5e650361e98fc36b1ba");
    }
}
