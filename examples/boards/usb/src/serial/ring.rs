//! A byte ring in memory that a restart does not clear.

/// The size of the ring in bytes, enough for some fifty lines of a log.
const SIZE: usize = 2048;

/// The value of `mark` in an initialised ring.
const MARK: u32 = 0x7069_636f;

/// The `held` bytes begin at `first` and wrap around. Every bit pattern is a valid value of each field.
pub(super) struct Ring {
    mark: u32,
    first: usize,
    held: usize,
    bytes: [u8; SIZE],
}

impl Ring {
    /// Returns a ring that is not initialised yet.
    pub(super) const fn unmade() -> Self {
        Self { mark: 0, first: 0, held: 0, bytes: [0; SIZE] }
    }

    /// Initialises the ring, unless it has survived a restart.
    pub(super) fn make(&mut self) -> &mut Self {
        if self.mark != MARK || self.first >= SIZE || self.held > SIZE {
            (self.mark, self.first, self.held) = (MARK, 0, 0);
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Appends bytes. Overwrites the oldest bytes when the ring is full.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes[(self.first + self.held) % SIZE] = *byte;
            if self.held < SIZE {
                self.held += 1;
            } else {
                self.first = (self.first + 1) % SIZE;
            }
        }
    }

    /// Moves up to `target.len()` of the oldest bytes into `target`. Returns the number moved.
    pub(super) fn pop(&mut self, target: &mut [u8]) -> usize {
        let length = target.len().min(self.held);
        for byte in &mut target[..length] {
            *byte = self.bytes[self.first];
            self.first = (self.first + 1) % SIZE;
        }
        self.held -= length;
        length
    }
}
