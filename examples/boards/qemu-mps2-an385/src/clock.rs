//! Time without a tick: one timer counts for ever, another is set for the next wake-up.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use board_support::mmio::Registers;
use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

use crate::interrupt::{self, Interrupt};

// SAFETY: this is timer 0 of the board, and only this module touches it.
const COUNTER: Registers = unsafe { Registers::new(0x4000_0000, 0x1000) };
// SAFETY: this is timer 1 of the board, and only this module touches it.
const ALARM: Registers = unsafe { Registers::new(0x4000_1000, 0x1000) };

const CONTROL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;
const INTERRUPT: usize = 0xC;

const OFF: u32 = 0;
/// The timer counts down, and interrupts when it comes to zero.
const ON: u32 = 1 << 0 | 1 << 3;

const TICKS_PER_MICROSECOND: u64 = 25;

struct Clock {
    /// How often the counter has come round.
    rounds: Mutex<Cell<u32>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    rounds: Mutex::new(Cell::new(0)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

/// Starts the counter.
pub(crate) fn start() {
    COUNTER.write(RELOAD, u32::MAX);
    COUNTER.write(VALUE, u32::MAX);
    COUNTER.write(CONTROL, ON);
    interrupt::unmask(Interrupt::Timer0);
    interrupt::unmask(Interrupt::Timer1);
}

impl Clock {
    fn micros(&self, cs: CriticalSection) -> u64 {
        let mut left = COUNTER.read(VALUE);
        let mut rounds = self.rounds.borrow(cs).get();
        if COUNTER.read(INTERRUPT) != 0 {
            // It has come round and its interrupt waits for us: what was read may be from before,
            // what is read now is from after.
            left = COUNTER.read(VALUE);
            rounds += 1;
        }
        (u64::from(rounds) << 32 | u64::from(u32::MAX - left)) / TICKS_PER_MICROSECOND
    }

    /// Wakes what is due, and sets the alarm for what is next. An alarm further away than the
    /// timer can count comes early, and is set again.
    fn serve(&self, cs: CriticalSection) {
        ALARM.write(CONTROL, OFF);
        ALARM.write(INTERRUPT, 1);
        let next = self.queue.borrow_ref_mut(cs).next_expiration(self.micros(cs));
        if next != u64::MAX {
            let wait = next.saturating_sub(self.micros(cs)).saturating_mul(TICKS_PER_MICROSECOND);
            let ticks = u32::try_from(wait).unwrap_or(u32::MAX).max(1);
            ALARM.write(RELOAD, ticks);
            ALARM.write(VALUE, ticks);
            ALARM.write(CONTROL, ON);
        }
    }
}

impl Driver for Clock {
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

pub(crate) extern "C" fn on_wrap() {
    critical_section::with(|cs| {
        COUNTER.write(INTERRUPT, 1);
        let rounds = CLOCK.rounds.borrow(cs);
        rounds.set(rounds.get() + 1);
    });
}

pub(crate) extern "C" fn on_alarm() {
    critical_section::with(|cs| CLOCK.serve(cs));
}
