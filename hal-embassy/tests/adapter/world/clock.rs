//! Virtual time: a driver for embassy-time with one clock for each thread, so that tests run in parallel. The
//! conformance suite also uses this file.

use std::cell::RefCell;
use std::task::Waker;

struct Driver;

embassy_time_driver::time_driver_impl!(static DRIVER: Driver = Driver);

#[derive(Default)]
struct Clock {
    now: u64,
    wakes: Vec<(u64, Waker)>,
}

thread_local!(static CLOCK: RefCell<Clock> = RefCell::default());

impl embassy_time_driver::Driver for Driver {
    fn now(&self) -> u64 {
        now()
    }

    /// Keeps the earliest wake of each task, as embassy-time's own queues do.
    fn schedule_wake(&self, at: u64, waker: &Waker) {
        CLOCK.with_borrow_mut(|clock| {
            match clock.wakes.iter_mut().find(|(_, held)| held.will_wake(waker)) {
                Some((held, _)) => *held = at.min(*held),
                None => clock.wakes.push((at, waker.clone())),
            }
        });
        set(now());
    }
}

/// Restarts the clock at zero and drops all wakes.
pub fn reset() {
    CLOCK.take();
}

/// Returns the time in microseconds.
pub fn now() -> u64 {
    CLOCK.with_borrow(|clock| clock.now)
}

/// Returns the time of the next wake of a task.
pub fn next() -> Option<u64> {
    CLOCK.with_borrow(|clock| clock.wakes.iter().map(|(at, _)| *at).min())
}

/// Sets the time and wakes the tasks whose time has come.
pub fn set(now: u64) {
    let due: Vec<_> = CLOCK.with_borrow_mut(|clock| {
        clock.now = now;
        clock.wakes.extract_if(.., |(at, _)| *at <= now).collect()
    });
    due.into_iter().for_each(|(_, waker)| waker.wake());
}
