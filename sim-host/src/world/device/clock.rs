//! Two clocks: the clock of the simulation, which jumps from event to event, and the clock of the
//! device, which may be wrong.
//!
//! The device's clock is the time driver of embassy-time. The device's time is computed from the simulation's time. Its
//! first value can be any number. The device's clock can run fast or slow, and it can step forward. Each thread has its
//! own two clocks, so simulations can run in parallel.

use std::cell::RefCell;
use std::task::Waker;

use crate::world::device::interrupt;

struct Driver;

embassy_time_driver::time_driver_impl!(static DRIVER: Driver = Driver);

impl embassy_time_driver::Driver for Driver {
    fn now(&self) -> u64 {
        interrupt::point();
        device_now()
    }

    /// Stores the wake time of a task. If a task has several wake times, only the earliest is kept, as in the queues of
    /// embassy-time.
    fn schedule_wake(&self, at: u64, waker: &Waker) {
        interrupt::point();
        CLOCK.with_borrow_mut(|clock| {
            match clock.wakes.iter_mut().find(|(_, held)| held.will_wake(waker)) {
                Some((held, _)) => *held = at.min(*held),
                None => clock.wakes.push((at, waker.clone())),
            }
        });
    }
}

struct Clock {
    /// The simulation's time.
    now: u64,
    /// A simulation time, and the device time at the same moment. Later times of the device's clock are computed from
    /// these two times.
    anchor: (u64, u64),
    /// Ticks of the device's clock per million ticks of the simulation's clock.
    pace: u64,
    wakes: Vec<(u64, Waker)>,
}

impl Clock {
    fn device_time(&self, simulation_time: u64) -> u64 {
        let passed = simulation_time.saturating_sub(self.anchor.0);
        if self.pace == EXACT {
            return self.anchor.1.saturating_add(passed);
        }
        let ticks = u128::from(passed) * u128::from(self.pace) / 1_000_000;
        self.anchor.1.saturating_add(ticks as u64)
    }

    /// Returns the first simulation time at which the device's clock shows `device_time`.
    fn simulation_time(&self, device_time: u64) -> u64 {
        let ticks = device_time.saturating_sub(self.anchor.1);
        if self.pace == EXACT {
            return self.anchor.0.saturating_add(ticks);
        }
        let ticks = u128::from(ticks);
        let passed = (ticks * 1_000_000).div_ceil(u128::from(self.pace));
        self.anchor.0.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

thread_local!(static CLOCK: RefCell<Clock> = const {
    RefCell::new(Clock { now: 0, anchor: (0, 0), pace: 1_000_000, wakes: Vec::new() })
});

/// The pace of a device's clock that has no error.
const EXACT: u64 = 1_000_000;

/// The stack stores times in 63 bits, so the device's clock must not exceed this time. The clock starts at half of this
/// time or earlier.
const END: u64 = i64::MAX as u64;

/// Begins a simulation at time zero, with the device's clock at `start`.
pub(crate) fn start(start: u64, pace: u64) {
    CLOCK.with_borrow_mut(|clock| {
        clock.now = 0;
        clock.anchor = (0, start.min(END / 2));
        clock.pace = pace.clamp(1, 1_000_000_000);
        clock.wakes.clear();
    });
}

/// Returns the device's time.
pub(crate) fn device_now() -> u64 {
    CLOCK.with_borrow(|clock| clock.device_time(clock.now))
}

/// Steps the device's clock forward.
pub(crate) fn step(by: u64) {
    CLOCK.with_borrow_mut(|clock| {
        clock.anchor = (clock.now, clock.device_time(clock.now).saturating_add(by).min(END / 2));
    });
    wake();
}

/// Returns the simulation time of the next wake of a task of the device, or `None` if no task waits for a time.
pub(crate) fn next() -> Option<u64> {
    CLOCK.with_borrow(|clock| {
        clock
            .wakes
            .iter()
            .map(|(at, _)| *at)
            .min()
            .map(|at| clock.simulation_time(at).max(clock.now))
    })
}

/// Sets the simulation's time and wakes the tasks whose wake time has come.
pub(crate) fn set(now: u64) {
    CLOCK.with_borrow_mut(|clock| clock.now = now);
    wake();
}

/// Wakes the tasks whose wake time has come. Returns whether any task was woken.
pub(crate) fn wake() -> bool {
    let mut woke = false;
    while let Some(waker) = CLOCK.with_borrow_mut(|clock| {
        let now = clock.device_time(clock.now);
        let due = clock.wakes.iter().position(|(at, _)| *at <= now)?;
        Some(clock.wakes.swap_remove(due).1)
    }) {
        waker.wake();
        woke = true;
    }
    woke
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_time_is_converted_to_the_first_simulation_time_that_shows_it() {
        for pace in [950_000, 1_000_000, 1_000_001, 1_050_000] {
            let clock = Clock { now: 0, anchor: (77, 4_294_967_000), pace, wakes: Vec::new() };
            for device in (4_294_967_000..4_295_200_000).step_by(997) {
                let time = clock.simulation_time(device);
                assert!(clock.device_time(time) >= device, "{pace} {device}");
                assert!(time == 77 || clock.device_time(time - 1) < device, "{pace} {device}");
            }
        }
    }
}
