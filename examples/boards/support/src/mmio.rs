//! Registers of a device, 32 bits each.

/// A block of memory-mapped registers.
///
/// Who makes one promises what the hardware manual says; from then on, reading and writing are
/// ordinary calls, so a driver built on it has no `unsafe` of its own.
pub struct Registers {
    base: usize,
    size: usize,
}

impl Registers {
    /// Takes the registers at `base`, `size` bytes of them.
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
