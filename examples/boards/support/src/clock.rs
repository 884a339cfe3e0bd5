//! A tickless clock: a counter that never stops, and an alarm for the next wake-up.
//!
//! An idle guest wakes only for its timers, and when its counter wraps around.

use core::cell::RefCell;
use core::marker::PhantomData;
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// The timers of a board: a counter, and an alarm that runs at the same speed.
pub trait Timers {
    /// The speed of the timers, as a ratio of two integers: `TICKS` ticks in [`Self::MICROSECONDS`] microseconds.
    const TICKS: u64;
    /// The duration of [`Self::TICKS`] ticks, in microseconds.
    const MICROSECONDS: u64;

    /// Returns the ticks since the start. The result never decreases. For a counter that wraps around,
    /// [`Rounds`](crate::rounds::Rounds) computes the result.
    fn ticks(cs: CriticalSection) -> u64;

    /// Sets the alarm to interrupt after `ticks`, or at once for 0. Replaces the previous setting.
    fn set_alarm(ticks: u32);

    /// Stops the alarm, even if it was about to interrupt.
    fn stop_alarm();
}

/// A clock that counts microseconds since boot with the timers `T`.
pub struct Clock<T> {
    queue: Mutex<RefCell<Queue>>,
    timers: PhantomData<T>,
}

impl<T: Timers> Clock<T> {
    /// Makes a clock for timers that start when the board starts.
    #[expect(clippy::new_without_default, reason = "a clock is a static, which no default makes")]
    pub const fn new() -> Self {
        Self { queue: Mutex::new(RefCell::new(Queue::new())), timers: PhantomData }
    }

    /// Handles the alarm's interrupt.
    pub fn on_alarm(&self) {
        critical_section::with(|cs| self.serve(cs));
    }

    fn micros(cs: CriticalSection) -> u64 {
        T::ticks(cs) * T::MICROSECONDS / T::TICKS
    }

    /// Wakes the tasks whose timers are due, and sets the alarm for the next timer. An alarm beyond the
    /// hardware's range fires early and is set again.
    fn serve(&self, cs: CriticalSection) {
        T::stop_alarm();
        let next = self.queue.borrow_ref_mut(cs).next_expiration(Self::micros(cs));
        if next != u64::MAX {
            let wait = next.saturating_sub(Self::micros(cs));
            let ticks = wait.saturating_mul(T::TICKS).div_ceil(T::MICROSECONDS);
            T::set_alarm(u32::try_from(ticks).unwrap_or(u32::MAX));
        }
    }
}

impl<T: Timers + Send + Sync + 'static> Driver for Clock<T> {
    fn now(&self) -> u64 {
        critical_section::with(|cs| Self::micros(cs))
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            if self.queue.borrow_ref_mut(cs).schedule_wake(at, waker) {
                self.serve(cs);
            }
        });
    }
}
