//! Ticks since the start, out of a counter that goes round.
//!
//! The counter counts down and interrupts at zero, where its next round begins:
//!
//! ```text
//!   left   3  2  1 │ 0  max  …  2  1 │ 0  max  …
//!   gone       …   │ 0   1   …       │ 0   1   …
//!   rounds     n   │       n + 1     │   n + 2
//! ```
//!
//! If the round's interrupt is held off for longer than a round, rounds are lost and time is late by
//! as much.

use core::cell::Cell;

use critical_section::{CriticalSection, Mutex};

/// The rounds of a counter of so many bits.
pub struct Rounds<const BITS: u32> {
    rounds: Mutex<Cell<u32>>,
    /// The latest ticks returned. The counter of an emulated timer stays at zero until the emulator
    /// has handled the interrupt, and time must not go back meanwhile.
    latest: Mutex<Cell<u64>>,
}

impl<const BITS: u32> Rounds<BITS> {
    /// Makes the rounds of a counter that has not started.
    #[expect(clippy::new_without_default, reason = "it is a static, which no default makes")]
    pub const fn new() -> Self {
        Self { rounds: Mutex::new(Cell::new(0)), latest: Mutex::new(Cell::new(0)) }
    }

    /// Handles the counter's interrupt, which the board has acknowledged in the same critical section.
    pub fn on_round(&self, cs: CriticalSection) {
        let rounds = self.rounds.borrow(cs);
        rounds.set(rounds.get().wrapping_add(1));
    }

    /// Returns the ticks since the start.
    ///
    /// `left` returns the ticks left in the counter's round, and `round_is_over` whether it reached
    /// zero and [`Self::on_round`] has not been called for that yet.
    pub fn ticks(
        &self,
        cs: CriticalSection,
        left: fn() -> u32,
        round_is_over: fn() -> bool,
    ) -> u64 {
        let mut now = left();
        let mut rounds = self.rounds.borrow(cs).get();
        if round_is_over() {
            // The round's interrupt is pending. The first read may be from before the round's end;
            // this one is from after it.
            now = left();
            rounds = rounds.wrapping_add(1);
        }
        let gone = now.wrapping_neg() & (u32::MAX >> (u32::BITS - BITS));
        let latest = self.latest.borrow(cs);
        latest.set(latest.get().max(u64::from(rounds) << BITS | u64::from(gone)));
        latest.get()
    }
}
