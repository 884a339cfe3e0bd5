//! The bytes of a test case. They determine all choices of a run.

use std::time::Duration;

use picoevent::{EventFlags, Priority, Signal};

/// The bytes of a test case, which are taken from the front. When no bytes are left, every choice is the first
/// alternative.
pub struct Bytes {
    bytes: Vec<u8>,
    at: usize,
}

impl Bytes {
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    /// Returns a number less than `limit`, or zero if `limit` is zero.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    /// Returns `true` if the next byte is odd.
    pub fn coin(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        from[self.below(N)]
    }

    /// Returns a duration: often a short or repeated one, sometimes zero or the longest possible duration.
    pub fn duration(&mut self) -> Duration {
        match self.below(8) {
            0 => Duration::ZERO,
            1 => Duration::from_nanos(1),
            2 => Duration::from_micros(1),
            3 => Duration::from_micros(5),
            4 => Duration::from_micros(u64::from(self.byte())),
            5 => Duration::from_millis(1),
            6 => Duration::from_secs(1),
            _ => self.pick([Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(9)]),
        }
    }

    pub fn maybe_duration(&mut self) -> Option<Duration> {
        if self.coin() { Some(self.duration()) } else { None }
    }

    pub fn signal(&mut self) -> Signal {
        // There are only a few signals, so that a raised signal often has an event.
        self.pick([Signal::INT, Signal::HUP, Signal::USR1, Signal::new(31).unwrap()])
    }

    pub fn priority(&mut self) -> Priority {
        Priority::new(self.byte() % 8).unwrap()
    }

    pub fn what(&mut self) -> EventFlags {
        match self.below(4) {
            0 => EventFlags::READ,
            1 => EventFlags::WRITE,
            2 => EventFlags::READ | EventFlags::WRITE | EventFlags::CLOSED,
            _ => EventFlags::from_bits(self.byte()),
        }
    }
}
