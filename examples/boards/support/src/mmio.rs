//! Registers of a device, each of 32 bits.

/// A block of memory-mapped registers.
///
/// The caller of [`new`](Self::new) promises what the hardware manual says. After that, reading and
/// writing are safe calls, so a driver built on it has no `unsafe` of its own.
pub struct Registers {
    base: usize,
    size: usize,
}

impl Registers {
    /// Takes the registers in the `size` bytes at `base`.
    ///
    /// # Safety
    /// The block belongs to one device, no other code has it, and any access to it by 32 bits is
    /// without effect on memory that Rust knows.
    pub const unsafe fn new(base: usize, size: usize) -> Self {
        Self { base, size }
    }

    /// Reads the register at `offset` bytes.
    pub fn read(&self, offset: usize) -> u32 {
        // SAFETY: the maker of this value vouched for the block, and `at` for the offset.
        unsafe { self.at(offset).read_volatile() }
    }

    /// Writes the register at `offset` bytes.
    pub fn write(&self, offset: usize, value: u32) {
        // SAFETY: the maker of this value vouched for the block, and `at` for the offset.
        unsafe { self.at(offset).write_volatile(value) }
    }

    fn at(&self, offset: usize) -> *mut u32 {
        assert!(offset < self.size && offset.is_multiple_of(4), "a register of the block");
        (self.base + offset) as *mut u32
    }
}
