//! Time from the SysTick timer: a tick of a millisecond, and the counter for what lies between.
//!
//! QEMU's general-purpose timers of this chip can not be read back, so there is no tickless clock.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use cortex_m::peripheral::SCB;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// The core's clock after reset, which is left as it is.
const HERTZ: u32 = 12_500_000;
const TICKS: u32 = HERTZ / 1_000;

struct Clock {
    millis: Mutex<Cell<u64>>,
    /// The latest time given out: the counter may stand still for a moment after a reload, and
    /// time must not go back.
    latest: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    millis: Mutex::new(Cell::new(0)),
    latest: Mutex::new(Cell::new(0)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

/// Starts the tick.
pub(crate) fn start(timer: &mut SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(TICKS - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

impl Clock {
    fn micros(&self, cs: CriticalSection) -> u64 {
        let mut count = SYST::get_current();
        let mut millis = self.millis.borrow(cs).get();
        if SCB::is_pendst_pending() {
            // The counter has wrapped and its interrupt waits for us: what was read may be from
            // before, what is read now is from after.
            count = SYST::get_current();
            millis += 1;
        }
        let within = u64::from(TICKS - 1 - count.min(TICKS - 1)) * 1_000 / u64::from(TICKS);
        let now = (millis * 1_000 + within).max(self.latest.borrow(cs).get());
        self.latest.borrow(cs).set(now);
        now
    }

    fn wake_due(&self, cs: CriticalSection) {
        self.queue.borrow_ref_mut(cs).next_expiration(self.micros(cs));
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.micros(cs))
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        // The tick looks at the queue; only what is due already can not wait for it.
        critical_section::with(|cs| {
            self.queue.borrow_ref_mut(cs).schedule_wake(at, waker);
            if at <= self.micros(cs) {
                self.wake_due(cs);
            }
        });
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let millis = CLOCK.millis.borrow(cs);
        millis.set(millis.get() + 1);
        CLOCK.wake_due(cs);
    });
}
