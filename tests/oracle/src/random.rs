//! What the generator of programs draws, from a seed that gives the same everywhere.

use fastrand::Rng;

/// Draws that a program is made of.
pub trait Draw {
    /// True in so many of a hundred cases.
    fn percent(&mut self, chance: usize) -> bool;

    /// One of several, of which there is one at least.
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
