//! The bytes that clients send. They depend on the position, the message and the connection.

use fastrand::Rng;

/// Bytes of a small message.
pub const MESSAGE: usize = 64;

/// Bytes of a block of the bulk workload.
pub(super) const BLOCK: usize = 1 << 20;

/// The number of offsets in the noise at which blocks can begin. Because of the offsets, two consecutive
/// blocks differ everywhere.
const SHIFTS: usize = 251;

/// Returns the message with the number `sequence` on a connection.
pub(super) fn message(connection: usize, sequence: u64) -> [u8; MESSAGE] {
    let mut bytes = [0; MESSAGE];
    Rng::with_seed((connection as u64) << 40 ^ sequence).fill(&mut bytes);
    bytes
}

/// A stream of blocks of random bytes.
pub(super) struct Noise(Vec<u8>);

impl Noise {
    pub(super) fn new() -> Self {
        let mut bytes = vec![0; BLOCK + SHIFTS];
        Rng::with_seed(0).fill(&mut bytes);
        Self(bytes)
    }

    /// Returns the bytes from the position `at` of the stream to the end of that block.
    pub(super) fn rest(&self, at: u64) -> &[u8] {
        let (block, within) = (at / BLOCK as u64, at as usize % BLOCK);
        let shift = (block % SHIFTS as u64) as usize;
        &self.0[shift + within..shift + BLOCK]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_messages_are_the_same() {
        let mut seen = HashSet::new();
        for connection in 0..50 {
            for sequence in 0..50 {
                assert!(seen.insert(message(connection, sequence)), "{connection} {sequence}");
            }
        }
    }

    #[test]
    fn a_stream_of_blocks_continues_where_it_was_cut() {
        let noise = Noise::new();
        let block = BLOCK as u64;
        assert_eq!(noise.rest(0).len(), BLOCK);
        assert_eq!(noise.rest(block - 1).len(), 1);
        assert_eq!(noise.rest(3 * block)[7..], *noise.rest(3 * block + 7));
        assert_ne!(noise.rest(0), noise.rest(block), "two blocks in a row differ");
    }
}
