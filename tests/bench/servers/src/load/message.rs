//! The bytes that clients send. The value of a byte depends on the position of the byte and on its message. In a small
//! message, the value also depends on the connection.

use fastrand::Rng;

/// The size of a small message in bytes.
pub const MESSAGE: usize = 64;

/// The size of a block of the bulk workload in bytes.
pub(super) const BLOCK: usize = 1 << 20;

/// The number of offsets in the random bytes at which blocks can begin. Each block begins at another offset than the
/// block before, so a byte of the wrong block is detected.
const SHIFTS: usize = 251;

/// Returns message number `sequence` of a connection.
pub(super) fn message(connection: usize, sequence: u64) -> [u8; MESSAGE] {
    let mut bytes = [0; MESSAGE];
    Rng::with_seed((connection as u64) << 40 ^ sequence).fill(&mut bytes);
    bytes
}

/// A stream of blocks of random bytes. All blocks are parts of the same random bytes, at different offsets.
pub(super) struct RandomBlocks(Vec<u8>);

impl RandomBlocks {
    pub(super) fn new() -> Self {
        let mut bytes = vec![0; BLOCK + SHIFTS];
        Rng::with_seed(0).fill(&mut bytes);
        Self(bytes)
    }

    /// Returns the bytes from the position `at` of the stream to the end of the block at this position.
    pub(super) fn rest_of_block(&self, at: u64) -> &[u8] {
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
    fn the_rest_of_a_block_begins_at_any_position() {
        let blocks = RandomBlocks::new();
        let block = BLOCK as u64;
        assert_eq!(blocks.rest_of_block(0).len(), BLOCK);
        assert_eq!(blocks.rest_of_block(block - 1).len(), 1);
        assert_eq!(blocks.rest_of_block(3 * block)[7..], *blocks.rest_of_block(3 * block + 7));
        assert_ne!(
            blocks.rest_of_block(0),
            blocks.rest_of_block(block),
            "two blocks in a row differ"
        );
    }
}
