//! The generator's random draws, which are the same everywhere for the same seed.

use fastrand::Rng;

/// The random choices from which a program is made.
pub trait Draw {
    /// Returns true in `chance` of a hundred cases.
    fn percent(&mut self, chance: usize) -> bool;

    /// Returns one of several values. There must be at least one value.
    fn one<T: Copy>(&mut self, of: &[T]) -> T;
}

impl Draw for Rng {
    fn percent(&mut self, chance: usize) -> bool {
        self.usize(..100) < chance
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.usize(..of.len())]
    }
}
