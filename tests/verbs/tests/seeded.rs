//! Some thousand strings of bytes from a generator: what the fuzzer does for hours, for a second.

use std::thread;

/// Says which string it was, when the test fails at it.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

/// Bytes that look random (xorshift64*).
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn no_string_of_bytes_breaks_a_promise() {
    for seed in 0..3_000 {
        let _seed = Seed(seed);
        picoevent_verbs::run(&bytes(seed, 600));
    }
}
