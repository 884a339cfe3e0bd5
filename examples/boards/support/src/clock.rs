//! Time without a tick: a counter that never stops, and an alarm for the next wake-up.
//!
//! The counter counts down and interrupts at zero, where its next round begins:
//!
//! ```text
//!   left   3  2  1 │ 0  max  …  2  1 │ 0  max  …
//!   gone       …   │ 0   1   …       │ 0   1   …
//!   rounds     n   │       n + 1     │   n + 2
//! ```
//!
//! An idle guest is woken only once a round and for its timers. If the round's interrupt is held off
//! for longer than a round, rounds are lost and time is late by as much.

use core::cell::{Cell, RefCell};
use core::marker::PhantomData;
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// The timers of a board: a counter, and an alarm that runs at the same speed.
pub trait Timers {
    /// The number of bits of the counter, which counts down from its highest value through zero.
    const BITS: u32;
    /// Ticks in [`Self::MICROSECONDS`].
    const TICKS: u64;
    /// Microseconds in [`Self::TICKS`]. The two give the speed in whole numbers.
    const MICROSECONDS: u64;

    /// Returns the ticks left in the counter's round.
    fn left() -> u32;

    /// Returns whether the counter reached zero and [`Clock::on_round`] has not been called for that
    /// yet.
    fn round_is_over() -> bool;

    /// Sets the alarm to interrupt after `ticks`, at once for 0. Replaces the former setting.
    fn set_alarm(ticks: u32);

    /// Stops the alarm, even if it was about to interrupt.
    fn stop_alarm();
}

/// A clock of microseconds since boot, over the timers `T`.
pub struct Clock<T> {
    rounds: Mutex<Cell<u32>>,
    /// The latest time returned. The counter of an emulated timer stays at zero until the emulator
    /// has handled the interrupt, and time must not go back meanwhile.
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

    /// Handles the counter's interrupt, which the board has acknowledged in the same critical section.
    pub fn on_round(&self, cs: CriticalSection) {
        let rounds = self.rounds.borrow(cs);
        rounds.set(rounds.get().wrapping_add(1));
    }

    /// Handles the alarm's interrupt.
    pub fn on_alarm(&self) {
        critical_section::with(|cs| self.serve(cs));
    }

    fn micros(&self, cs: CriticalSection) -> u64 {
        let mut left = T::left();
        let mut rounds = self.rounds.borrow(cs).get();
        if T::round_is_over() {
            // The round's interrupt is pending. The first read may be from before the round's end;
            // this one is from after it.
            left = T::left();
            rounds = rounds.wrapping_add(1);
        }
        let gone = left.wrapping_neg() & (u32::MAX >> (u32::BITS - T::BITS));
        let ticks = u64::from(rounds) << T::BITS | u64::from(gone);
        let latest = self.latest.borrow(cs);
        latest.set(latest.get().max(ticks * T::MICROSECONDS / T::TICKS));
        latest.get()
    }

    /// Wakes what is due and sets the alarm for the next timer. An alarm beyond the timer's range
    /// fires early, and is set again.
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
