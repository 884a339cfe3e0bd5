//! Interrupts at preemption points.
//!
//! Code takes no time in a simulation, so an interrupt could only come while the device sleeps.
//! Therefore the device passes preemption points in places where an interrupt could come, and the
//! simulation decides in advance at which of them it does. The points are: reading the clock,
//! requesting a wake, looking for frames, the beginning and the end of a callback, and the moment
//! before the loop arranges to sleep.

use std::cell::Cell;
use std::task::Waker;

use picoevent::{Signal, Trigger};

struct Interrupts {
    /// Points left until the interrupt; zero for never.
    left: Cell<u64>,
    /// How many interrupts have come.
    raised: Cell<u32>,
    /// The device runs, so points count.
    open: Cell<bool>,
    trigger: &'static Trigger,
}

thread_local!(static INTERRUPTS: Interrupts = Interrupts {
    left: Cell::new(0),
    raised: Cell::new(0),
    open: Cell::new(false),
    // One for each thread, used by one simulation after another.
    trigger: Box::leak(Box::new(Trigger::new(Signal::INT))),
});

/// Begins a simulation whose interrupt comes at the point `at_point`, counted from 1; zero for
/// none.
pub(crate) fn start(at_point: u64) -> &'static Trigger {
    INTERRUPTS.with(|interrupts| {
        interrupts.open.set(false);
        interrupts.trigger.take();
        // Removes the waker of the previous simulation.
        interrupts.trigger.register(Waker::noop());
        interrupts.raised.set(0);
        interrupts.left.set(at_point);
        interrupts.trigger
    })
}

/// Starts or stops counting points.
pub(crate) fn open(open: bool) {
    // A thread that is ending has no interrupts.
    let _ = INTERRUPTS.try_with(|interrupts| interrupts.open.set(open));
}

/// Passes a preemption point.
pub(crate) fn point() {
    let due = INTERRUPTS.try_with(|interrupts| {
        let left = interrupts.left.get();
        if left == 0 || !interrupts.open.get() {
            return false;
        }
        interrupts.left.set(left - 1);
        left == 1
    });
    if due == Ok(true) {
        raise();
    }
}

/// Raises the interrupt now.
pub(crate) fn raise() {
    INTERRUPTS.with(|interrupts| {
        interrupts.raised.set(interrupts.raised.get() + 1);
        interrupts.trigger.raise();
    });
}

/// Returns how often the interrupt was raised.
pub(crate) fn raised() -> u32 {
    INTERRUPTS.with(|interrupts| interrupts.raised.get())
}
