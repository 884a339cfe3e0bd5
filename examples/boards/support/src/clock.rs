//! Time without a tick: a counter that never stops, and an alarm set for the next wake-up.
//!
//! The counter runs down and interrupts at zero, where its next round begins:
//!
//! ```text
//!   left   3  2  1 │ 0  max  …  2  1 │ 0  max  …
//!   gone       …   │ 0   1   …       │ 0   1   …
//!   rounds     n   │       n + 1     │   n + 2
//! ```
//!
//! An idle guest is woken once a round and for its timers, nothing else. Rounds whose interrupt is
//! held off for longer than a round are lost, and time is late by as much.

use core::cell::{Cell, RefCell};
use core::marker::PhantomData;
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// The timers of a board: a counter, and an alarm that runs at the same speed.
pub trait Timers {
    /// Bits of the counter, which counts down from its highest value through zero.
    const BITS: u32;
    /// Ticks in [`Self::MICROSECONDS`].
    const TICKS: u64;
    /// Microseconds in [`Self::TICKS`]: the two together are the speed, in whole numbers.
    const MICROSECONDS: u64;

    /// Ticks left of the counter's round.
    fn left() -> u32;

    /// Whether the counter came to zero and [`Clock::on_round`] has not been called for it yet.
    fn round_is_over() -> bool;

    /// Lets the alarm interrupt after so many ticks, instead of when it would have; at once for 0.
    fn set_alarm(ticks: u32);

    /// Lets the alarm not interrupt, also if it was about to.
    fn stop_alarm();
}

/// A clock of microseconds since boot, over the timers `T`.
pub struct Clock<T> {
    rounds: Mutex<Cell<u32>>,
    /// The latest time given out. The counter of an emulated timer stands at zero until the
    /// emulator has seen to the interrupt, and time must not go back meanwhile.
    latest: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
    timers: PhantomData<T>,
}

impl<T: Timers> Clock<T> {
    /// Makes a clock for timers that start to count when the board does.
    #[expect(clippy::new_without_default, reason = "a clock is a static, which no default makes")]
    pub const fn new() -> Self {
        Self {
            rounds: Mutex::new(Cell::new(0)),
            latest: Mutex::new(Cell::new(0)),
            queue: Mutex::new(RefCell::new(Queue::new())),
            timers: PhantomData,
        }
    }

    /// The counter's interrupt, which the board has acknowledged in the same critical section.
    pub fn on_round(&self, cs: CriticalSection) {
        let rounds = self.rounds.borrow(cs);
        rounds.set(rounds.get().wrapping_add(1));
    }

    /// The alarm's interrupt.
    pub fn on_alarm(&self) {
        critical_section::with(|cs| self.serve(cs));
    }

    fn micros(&self, cs: CriticalSection) -> u64 {
        let mut left = T::left();
        let mut rounds = self.rounds.borrow(cs).get();
        if T::round_is_over() {
            // Its interrupt waits for us. What was read may be from before, what is read now is
            // from after.
            left = T::left();
            rounds = rounds.wrapping_add(1);
        }
        let gone = left.wrapping_neg() & (u32::MAX >> (u32::BITS - T::BITS));
        let ticks = u64::from(rounds) << T::BITS | u64::from(gone);
        let latest = self.latest.borrow(cs);
        latest.set(latest.get().max(ticks * T::MICROSECONDS / T::TICKS));
        latest.get()
    }

    /// Wakes what is due and sets the alarm for what is next. An alarm further away than the timer
    /// can count comes early, and is set again.
    fn serve(&self, cs: CriticalSection) {
        T::stop_alarm();
        let next = self.queue.borrow_ref_mut(cs).next_expiration(self.micros(cs));
        if next != u64::MAX {
            let wait = next.saturating_sub(self.micros(cs));
            let ticks = wait.saturating_mul(T::TICKS).div_ceil(T::MICROSECONDS);
            T::set_alarm(u32::try_from(ticks).unwrap_or(u32::MAX));
        }
    }
}

impl<T: Timers + Send + Sync + 'static> Driver for Clock<T> {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.micros(cs))
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            if self.queue.borrow_ref_mut(cs).schedule_wake(at, waker) {
                self.serve(cs);
            }
        });
    }
}
