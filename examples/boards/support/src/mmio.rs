//! The registers of a device.

use core::marker::PhantomData;

/// A block of memory-mapped registers of type `T`, by default 32 bits.
///
/// Only [`new`](Self::new) is unsafe: the caller of `new` checks the block against the hardware manual. Reading
/// and writing are safe calls, so a driver needs no other `unsafe`.
pub struct Registers<T = u32> {
    base: usize,
    size: usize,
    each: PhantomData<fn() -> T>,
}

impl<T: Copy> Registers<T> {
    /// Takes the registers in the `size` bytes at `base`.
    ///
    /// # Safety
    /// The block must belong to one device, and no other code may use it. Reads and writes of a `T` in the block must
    /// not change memory that Rust uses.
    pub const unsafe fn new(base: usize, size: usize) -> Self {
        Self { base, size, each: PhantomData }
    }

    /// Reads the register at `offset` bytes.
    pub fn read(&self, offset: usize) -> T {
        // SAFETY: the caller of `new` guarantees that this is a block of registers, and `at` checks the offset.
        unsafe { self.at(offset).read_volatile() }
    }

    /// Writes the register at `offset` bytes.
    pub fn write(&self, offset: usize, value: T) {
        // SAFETY: the caller of `new` guarantees that this is a block of registers, and `at` checks the offset.
        unsafe { self.at(offset).write_volatile(value) }
    }

    fn at(&self, offset: usize) -> *mut T {
        let is_valid = offset < self.size && offset.is_multiple_of(size_of::<T>());
        assert!(is_valid, "a register of the block");
        (self.base + offset) as *mut T
    }
}
