//! A byte ring in memory that a restart does not clear.

/// The bytes it holds: some fifty lines of a log.
const SIZE: usize = 2048;

/// What `mark` is once the ring has been made.
const MARK: u32 = 0x7069_636f;

/// The bytes that are held begin at `first` and go on at the ring's start. Any bits are a value of each field.
pub(super) struct Ring {
    mark: u32,
    first: usize,
    held: usize,
    bytes: [u8; SIZE],
}

impl Ring {
    /// A ring that has not been made, as any memory.
    pub(super) const fn unmade() -> Self {
        Self { mark: 0, first: 0, held: 0, bytes: [0; SIZE] }
    }

    /// Makes the ring, unless it has outlived a restart.
    pub(super) fn make(&mut self) -> &mut Self {
        if self.mark != MARK || self.first >= SIZE || self.held > SIZE {
            (self.mark, self.first, self.held) = (MARK, 0, 0);
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Puts bytes in, over the oldest when there is no room.
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

    /// Moves the oldest bytes out. Returns their number.
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
