//! The ticks since the start, from a counter that wraps around.
//!
//! The counter counts down to zero, and then continues from its maximum. It interrupts when it reaches zero. A round is
//! the time from one zero to the next zero:
//!
//! ```text
//!   left   3  2  1 │ 0  max  …  2  1 │ 0  max  …
//!   elapsed    …   │ 0   1   …       │ 0   1   …
//!   rounds     n   │       n + 1     │   n + 2
//! ```
//!
//! If interrupts are disabled for longer than a round, some rounds are not counted, and the time is late by the length
//! of these rounds.

use core::cell::Cell;

use critical_section::{CriticalSection, Mutex};

/// The number of rounds of a counter with `BITS` bits.
pub struct Rounds<const BITS: u32> {
    rounds: Mutex<Cell<u32>>,
    /// The latest ticks returned. The counter of an emulated timer stays at zero until the emulator has handled the
    /// interrupt, and the time must not go back meanwhile.
    latest: Mutex<Cell<u64>>,
}

impl<const BITS: u32> Rounds<BITS> {
    /// Makes the state of a counter that has not started: no round has passed.
    #[expect(clippy::new_without_default, reason = "it is a static, which no default makes")]
    pub const fn new() -> Self {
        Self { rounds: Mutex::new(Cell::new(0)), latest: Mutex::new(Cell::new(0)) }
    }

    /// Counts a round, in the counter's interrupt. The board acknowledges the interrupt in the same critical
    /// section.
    pub fn on_round(&self, cs: CriticalSection) {
        let rounds = self.rounds.borrow(cs);
        rounds.set(rounds.get().wrapping_add(1));
    }

    /// Returns the ticks since the start.
    ///
    /// `left` returns the ticks left in the current round. `round_is_over` returns whether the counter has reached zero
    /// and [`Self::on_round`] has not been called for this round yet.
    pub fn ticks(
        &self,
        cs: CriticalSection,
        left: fn() -> u32,
        round_is_over: fn() -> bool,
    ) -> u64 {
        let mut now = left();
        let mut rounds = self.rounds.borrow(cs).get();
        if round_is_over() {
            // The interrupt is pending: a new round has begun. The first value of `left` may belong to the previous
            // round, so read `left` again.
            now = left();
            rounds = rounds.wrapping_add(1);
        }
        let elapsed = now.wrapping_neg() & (u32::MAX >> (u32::BITS - BITS));
        let latest = self.latest.borrow(cs);
        latest.set(latest.get().max(u64::from(rounds) << BITS | u64::from(elapsed)));
        latest.get()
    }
}
