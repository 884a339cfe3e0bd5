//! Random bytes: ChaCha20 (RFC 8439) with fast key erasure.
//!
//! The state is a key of 32 bytes, which the back end or the program sets once. Each request computes ChaCha20's key
//! stream with this key. The first half of the first block becomes the next key, and the key stream after this half is
//! the result. So an attacker who reads the state later cannot compute earlier results. If the key is all zeros, the
//! base has no seed, and requests fail with [`UnseededError`].

use crate::error::UnseededError;
use crate::record::Entry;
use crate::{Cx, EventBase};

/// The generator of a base.
pub(crate) struct Random {
    key: [u32; 8],
}

/// A row of four words of the cipher's state.
type Row = [u32; 4];

impl Random {
    pub(crate) const UNSEEDED: Self = Self { key: [0; 8] };

    const fn is_seeded(&self) -> bool {
        let [a, b, c, d, e, f, g, h] = self.key;
        a | b | c | d | e | f | g | h != 0
    }

    fn set(&mut self, seed: &[u8; 32]) {
        for (word, bytes) in self.key.iter_mut().zip(seed.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
    }

    /// Returns the key as bytes; `None` if the base has no seed. Another base that is seeded with these bytes returns
    /// the same random bytes as this base returns from now on.
    #[cfg(any(feature = "record", test))]
    pub(crate) fn seed(&self) -> Option<[u8; 32]> {
        let mut seed = [0; 32];
        for (bytes, word) in seed.as_chunks_mut().0.iter_mut().zip(self.key) {
            *bytes = word.to_le_bytes();
        }
        self.is_seeded().then_some(seed)
    }

    /// Fills `bytes` with random bytes, and replaces the key that generated these bytes.
    #[inline(never)]
    fn fill(&mut self, bytes: &mut [u8]) {
        let key = self.key;
        let [a, b, c, d] = block(&key, 0, [0; 3]);
        let ([e, f, g, h], [i, j, k, l]) = (a, b);
        self.key = [e, f, g, h, i, j, k, l];
        let mut rest = write_words(bytes, &[c, d]);
        let mut counter = 1_u32;
        while !rest.is_empty() {
            rest = write_words(rest, &block(&key, counter, [0; 3]));
            counter = counter.wrapping_add(1);
        }
    }
}

/// Writes the bytes of `rows` to `room`, until `room` is full. Returns the room that is left.
fn write_words<'b>(mut room: &'b mut [u8], rows: &[Row]) -> &'b mut [u8] {
    for word in rows.iter().flatten() {
        for byte in word.to_le_bytes() {
            let Some((target, rest)) = room.split_first_mut() else { return &mut [] };
            *target = byte;
            room = rest;
        }
    }
    room
}

/// Returns a block of ChaCha20's key stream (RFC 8439, 2.3).
fn block(key: &[u32; 8], counter: u32, nonce: [u32; 3]) -> [Row; 4] {
    let [a, b, c, d, e, f, g, h] = *key;
    let [x, y, z] = nonce;
    let constants = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
    let first = [constants, [a, b, c, d], [e, f, g, h], [counter, x, y, z]];
    let mut rows = first;
    for _ in 0..10 {
        quarter_rounds(&mut rows);
        // The diagonals become columns.
        rotate(&mut rows, 1);
        quarter_rounds(&mut rows);
        rotate(&mut rows, 3);
    }
    for (word, before) in rows.iter_mut().flatten().zip(first.iter().flatten()) {
        *word = word.wrapping_add(*before);
    }
    rows
}

/// Does a quarter round on each of the four columns.
fn quarter_rounds([first, second, third, fourth]: &mut [Row; 4]) {
    let columns = first.iter_mut().zip(second).zip(third).zip(fourth);
    for (((a, b), c), d) in columns {
        for (one, other) in [(16, 12), (8, 7)] {
            *a = a.wrapping_add(*b);
            *d = (*d ^ *a).rotate_left(one);
            *c = c.wrapping_add(*d);
            *b = (*b ^ *c).rotate_left(other);
        }
    }
}

/// Rotates each row to the left, by the index of the row times `columns` words.
fn rotate(rows: &mut [Row; 4], columns: usize) {
    for (number, row) in rows.iter_mut().enumerate() {
        for _ in 0..number.wrapping_mul(columns) & 3 {
            let [a, b, c, d] = *row;
            *row = [b, c, d, a];
        }
    }
}

/// Random bytes (`evutil_secure_rng_get_bytes`).
impl<A> Cx<'_, A> {
    /// Fills `bytes` with random bytes. These bytes can be used as keys if the base's seed is random and secret. Cost:
    /// 20 rounds of ChaCha for the first 32 bytes, and 20 rounds for each further 64 bytes.
    ///
    /// ```
    /// use picoevent::{Cx, UnseededError};
    ///
    /// /// The key of a WebSocket handshake.
    /// fn key<A>(cx: &mut Cx<A>) -> Result<[u8; 16], UnseededError> {
    ///     let mut key = [0; 16];
    ///     cx.random(&mut key)?;
    ///     Ok(key)
    /// }
    /// # let mut storage = picoevent::Storage::<(), 0, 0, 0, 0>::new();
    /// # let mut base = picoevent::EventBase::new(&mut storage);
    /// # assert_eq!(key(&mut base), Err(UnseededError));
    /// # base.seed(&[7; 32]);
    /// # assert_ne!(key(&mut base), key(&mut base));
    /// ```
    ///
    /// # Errors
    /// [`UnseededError`] when the base has no [seed](EventBase::seed). After this error `bytes` are unchanged.
    pub fn random(&mut self, bytes: &mut [u8]) -> Result<(), UnseededError> {
        if !self.random.is_seeded() {
            return Err(UnseededError);
        }
        self.random.fill(bytes);
        Ok(())
    }

    /// Returns a random number, for example for an identifier, a port or a delay.
    ///
    /// # Errors
    /// [`UnseededError`] when the base has no [seed](EventBase::seed).
    pub fn random_u32(&mut self) -> Result<u32, UnseededError> {
        let mut bytes = [0; 4];
        self.random(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Returns whether the base has a seed.
    pub const fn is_seeded(&self) -> bool {
        self.random.is_seeded()
    }
}

impl<A> EventBase<'_, A> {
    /// Sets the seed of the base's random bytes. On a board, the program must call this method with bytes from the
    /// chip's random number generator. On an operating system, the back end calls this method if the base has no seed.
    ///
    /// Only the first seed is used, so a program can set a seed before the back end does. A seed of zeros counts as no
    /// seed. With the feature `record` the seed is recorded, so the recording reveals the random bytes.
    pub fn seed(&mut self, seed: &[u8; 32]) {
        if !self.cx.random.is_seeded() {
            self.cx.recorder.record(|| Entry::Seed(*seed));
            self.cx.random.set(seed);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn bytes(rows: [Row; 4]) -> Vec<u8> {
        rows.into_iter().flatten().flat_map(u32::to_le_bytes).collect()
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    fn key_of(bytes: &[u8]) -> [u32; 8] {
        let mut random = Random::UNSEEDED;
        random.set(bytes.try_into().unwrap());
        random.key
    }

    #[test]
    fn a_quarter_round_is_that_of_rfc_8439_2_1_1() {
        let mut rows = [[0x1111_1111; 4], [0x0102_0304; 4], [0x9b8d_6f43; 4], [0x0123_4567; 4]];
        quarter_rounds(&mut rows);
        assert_eq!(rows, [[0xea2a_92f4; 4], [0xcb1c_f8ce; 4], [0x4581_472e; 4], [0x5881_c4bb; 4]]);
    }

    #[test]
    fn a_block_is_that_of_rfc_8439_2_3_2() {
        let key: Vec<u8> = (0..32).collect();
        let block = block(&key_of(&key), 1, [0x0900_0000, 0x4a00_0000, 0]);
        let expected = hex("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e
             d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
        assert_eq!(bytes(block), expected);
    }

    /// The test vectors 1 to 5 of RFC 8439, A.1.
    #[test]
    fn blocks_are_those_of_rfc_8439_a_1() {
        let zeros = [0; 32];
        let (mut last, mut second) = (zeros, zeros);
        (last[31], second[1]) = (1, 0xff);
        for (key, counter, nonce, expected) in [
            (
                zeros,
                0,
                [0; 3],
                "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7
                 da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
            ),
            (
                zeros,
                1,
                [0; 3],
                "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed
                 29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
            ),
            (
                last,
                1,
                [0; 3],
                "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a
                 8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0",
            ),
            (
                second,
                2,
                [0; 3],
                "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca
                 13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096",
            ),
            (
                zeros,
                0,
                [0, 0, 0x0200_0000],
                "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7
                 8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d",
            ),
        ] {
            assert_eq!(bytes(block(&key_of(&key), counter, nonce)), hex(expected));
        }
    }

    #[test]
    fn random_bytes_are_the_key_stream_after_the_next_key() {
        for length in [0, 1, 31, 32, 33, 96, 97, 500] {
            let mut random = Random { key: key_of(&[7; 32]) };
            let stream: Vec<u8> =
                (0..10).flat_map(|counter| bytes(block(&random.key, counter, [0; 3]))).collect();
            let mut output = vec![0; length];
            random.fill(&mut output);
            assert_eq!(output, stream[32..32 + length]);
            assert_eq!(random.key, key_of(&stream[..32]), "the old key is erased");
        }
    }

    #[test]
    fn the_key_comes_back_as_a_seed() {
        let mut random = Random::UNSEEDED;
        assert_eq!(random.seed(), None);
        random.set(&[9; 32]);
        random.fill(&mut []);
        let mut again = Random::UNSEEDED;
        again.set(&random.seed().unwrap());
        assert_eq!(again.key, random.key);
    }
}
