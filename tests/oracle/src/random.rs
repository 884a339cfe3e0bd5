//! The random choices of the generator. The same seed gives the same choices on every machine.

use fastrand::Rng;

/// The methods that make the random choices for a program.
pub trait RandomChoice {
    /// Returns `true` with a probability of `chance` percent.
    fn percent(&mut self, chance: usize) -> bool;

    /// Returns one of several values. There must be at least one value.
    fn one_of<T: Copy>(&mut self, values: &[T]) -> T;
}

impl RandomChoice for Rng {
    fn percent(&mut self, chance: usize) -> bool {
        self.usize(..100) < chance
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.usize(..values.len())]
    }
}
