//! The generator's random draws, which are the same everywhere for the same seed.

use fastrand::Rng;

/// Draws that a program is made of.
pub trait Draw {
    /// Returns true in `chance` of a hundred cases.
    fn percent(&mut self, chance: usize) -> bool;

    /// Returns one of several values, of which there must be at least one.
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
