//! The clock for embassy-time: a number that is set to the next deadline. The queue of deadlines is the queue of the
//! crate embassy-time-queue-utils.
//!
//! Reading this clock costs less than reading a board's timer. The cost is the same for all compared programs.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock::new());

struct Clock {
    now: Mutex<Cell<u64>>,
    next: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
}

impl Clock {
    const fn new() -> Self {
        Self {
            now: Mutex::new(Cell::new(0)),
            next: Mutex::new(Cell::new(u64::MAX)),
            queue: Mutex::new(RefCell::new(Queue::new())),
        }
    }

    fn advance(&self, at: u64) {
        critical_section::with(|cs| {
            self.now.borrow(cs).set(at);
            let next = self.queue.borrow_ref_mut(cs).next_expiration(at);
            self.next.borrow(cs).set(next);
        });
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.now.borrow(cs).get())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let mut queue = self.queue.borrow_ref_mut(cs);
            if queue.schedule_wake(at, waker) {
                let next = queue.next_expiration(self.now.borrow(cs).get());
                self.next.borrow(cs).set(next);
            }
        });
    }
}

/// Returns the current time in microseconds.
pub fn now() -> u64 {
    CLOCK.now()
}

/// Returns the earliest deadline of all tasks, or `None` if there is no deadline.
pub fn next() -> Option<u64> {
    let next = critical_section::with(|cs| CLOCK.next.borrow(cs).get());
    (next != u64::MAX).then_some(next)
}

/// Sets the time to `at`, and wakes the tasks whose deadlines have passed, like the alarm of a board.
pub fn advance(at: u64) {
    CLOCK.advance(at);
}

/// Advances the clock to the earliest deadline of all tasks, if there is a deadline.
pub fn jump() {
    if let Some(next) = next() {
        advance(next);
    }
}
