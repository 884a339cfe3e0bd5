//! Registers of a device.

use core::marker::PhantomData;

/// A block of memory-mapped registers, each a `T`: of 32 bits, if nothing else is said.
///
/// The caller of [`new`](Self::new) promises what the hardware manual says. After that, reading and
/// writing are safe calls, so a driver built on it has no `unsafe` of its own.
pub struct Registers<T = u32> {
    base: usize,
    size: usize,
    each: PhantomData<fn() -> T>,
}

impl<T: Copy> Registers<T> {
    /// Takes the registers in the `size` bytes at `base`.
    ///
    /// # Safety
    /// The block belongs to one device, no other code has it, and any access to it by a `T` is
    /// without effect on memory that Rust knows.
    pub const unsafe fn new(base: usize, size: usize) -> Self {
        Self { base, size, each: PhantomData }
    }

    /// Reads the register at `offset` bytes.
    pub fn read(&self, offset: usize) -> T {
        // SAFETY: the maker of this value vouched for the block, and `at` for the offset.
        unsafe { self.at(offset).read_volatile() }
    }

    /// Writes the register at `offset` bytes.
    pub fn write(&self, offset: usize, value: T) {
        // SAFETY: the maker of this value vouched for the block, and `at` for the offset.
        unsafe { self.at(offset).write_volatile(value) }
    }

    fn at(&self, offset: usize) -> *mut T {
        let is_one = offset < self.size && offset.is_multiple_of(size_of::<T>());
        assert!(is_one, "a register of the block");
        (self.base + offset) as *mut T
    }
}
