//! A byte ring in memory that a restart does not clear.

/// The size of the ring in bytes, enough for about fifty log lines.
const SIZE: usize = 2048;

/// The value of the field `magic` in an initialised ring.
const MAGIC: u32 = 0x7069_636f;

/// The ring. It contains the `length` bytes of `bytes` that begin at the index `first` and wrap around. Every bit
/// pattern is a valid value of each field.
pub(super) struct Ring {
    magic: u32,
    first: usize,
    length: usize,
    bytes: [u8; SIZE],
}

impl Ring {
    /// Returns a ring that is not initialised yet.
    pub(super) const fn uninitialised() -> Self {
        Self { magic: 0, first: 0, length: 0, bytes: [0; SIZE] }
    }

    /// Initialises the ring, unless it has survived a restart.
    pub(super) fn initialise(&mut self) -> &mut Self {
        if self.magic != MAGIC || self.first >= SIZE || self.length > SIZE {
            (self.magic, self.first, self.length) = (MAGIC, 0, 0);
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends bytes. Overwrites the oldest bytes when the ring is full.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes[(self.first + self.length) % SIZE] = *byte;
            if self.length < SIZE {
                self.length += 1;
            } else {
                self.first = (self.first + 1) % SIZE;
            }
        }
    }

    /// Moves up to `target.len()` of the oldest bytes into `target`. Returns the number moved.
    pub(super) fn pop(&mut self, target: &mut [u8]) -> usize {
        let amount = target.len().min(self.length);
        for byte in &mut target[..amount] {
            *byte = self.bytes[self.first];
            self.first = (self.first + 1) % SIZE;
        }
        self.length -= amount;
        amount
    }
}
