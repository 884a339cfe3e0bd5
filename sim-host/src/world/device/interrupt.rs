//! Interrupts at preemption points.
//!
//! Code of a simulation takes no time, so an interrupt could only ever come while the device sleeps.
//! Wherever the device does something an interrupt could fall between, it passes a point; the simulation
//! decides beforehand at which point the interrupt comes. Points are: a look at the clock, a wish to
//! be woken, a look for frames, the beginning and the end of a callback, and the moment before the
//! loop arranges to sleep.

use std::cell::Cell;
use std::task::Waker;

use picoevent::{Signal, Trigger};

struct Interrupts {
    /// Points until the interrupt comes; zero for never.
    left: Cell<u64>,
    /// How many have come.
    raised: Cell<u32>,
    /// The device works, so points count.
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

/// Begins a simulation whose interrupt comes at the point of this number, counted from 1; zero for none.
pub(crate) fn start(at_point: u64) -> &'static Trigger {
    INTERRUPTS.with(|interrupts| {
        interrupts.open.set(false);
        interrupts.trigger.take();
        // Whoever the simulation before had woken.
        interrupts.trigger.register(Waker::noop());
        interrupts.raised.set(0);
        interrupts.left.set(at_point);
        interrupts.trigger
    })
}

/// Has points count while the device works.
pub(crate) fn open(open: bool) {
    // A thread that is ending has no interrupts.
    let _ = INTERRUPTS.try_with(|interrupts| interrupts.open.set(open));
}

/// A point at which an interrupt may come.
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

/// How often it was raised.
pub(crate) fn raised() -> u32 {
    INTERRUPTS.with(|interrupts| interrupts.raised.get())
}
