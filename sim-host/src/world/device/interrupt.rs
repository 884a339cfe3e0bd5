//! Interrupts at preemption points.
//!
//! A preemption point is a point in the device's program at which an interrupt can occur while the device works. Code
//! takes no time in a simulation, so without preemption points an interrupt could occur only while the device sleeps.
//! The simulation decides in advance at which point an interrupt occurs. The points are: reading the clock, requesting
//! a wake, checking for frames, the beginning and the end of a callback, and the moment before the loop sleeps.
//!
//! For the interrupt that ends the application, the points are counted from the start of the simulation. A handler of a
//! test case runs at a given time, or at a point that is counted from this time.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use picoevent::{Signal, Trigger};

/// An interrupt handler of a test case.
#[derive(Clone, Copy)]
pub(crate) struct Handler {
    /// The source of the trigger that the handler raises. Each thread has a separate trigger.
    pub(crate) trigger: Source,
    /// The handler, called with a number that the simulation chooses.
    pub(crate) run: fn(u64),
}

/// The source of a handler's trigger.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// The trigger that the simulator has for this signal.
    Signal(Signal),
    Own(fn() -> &'static Trigger),
}

impl Handler {
    pub(crate) fn trigger(self) -> &'static Trigger {
        match self.trigger {
            Source::Signal(signal) => trigger_of(signal),
            Source::Own(trigger) => trigger(),
        }
    }

    /// Runs the handler now.
    fn run(self, number: u64) {
        match self.trigger {
            Source::Signal(signal) => trigger_of(signal).raise(),
            Source::Own(_) => (self.run)(number),
        }
    }
}

struct Interrupts {
    /// The number of points until the interrupt is raised. Zero means that the interrupt is not raised at a point.
    left: Cell<u64>,
    /// The number of interrupts raised.
    raised: Cell<u32>,
    /// The device is running. Points are counted only while the device runs.
    open: Cell<bool>,
    trigger: &'static Trigger,
    /// For each waiting handler: the number of points until the handler runs, the handler, and the number that the
    /// handler is called with.
    waiting: RefCell<Vec<(u64, Handler, u64)>>,
    /// `waiting` is not empty.
    some_wait: Cell<bool>,
}

thread_local!(static INTERRUPTS: Interrupts = Interrupts {
    left: Cell::new(0),
    raised: Cell::new(0),
    open: Cell::new(false),
    // Leaked once for each thread, and reused by each simulation.
    trigger: Box::leak(Box::new(Trigger::new(Signal::INT))),
    waiting: RefCell::default(),
    some_wait: Cell::new(false),
});

thread_local!(static TRIGGERS: RefCell<Vec<&'static Trigger>> = RefCell::default());

/// Returns this thread's trigger for a signal.
fn trigger_of(signal: Signal) -> &'static Trigger {
    TRIGGERS.with_borrow_mut(|triggers| {
        let known = triggers.iter().copied().find(|trigger| trigger.signal() == signal);
        known.unwrap_or_else(|| {
            // Leaked once for each thread and signal.
            let trigger: &'static Trigger = Box::leak(Box::new(Trigger::new(signal)));
            triggers.push(trigger);
            trigger
        })
    })
}

/// Begins a simulation. The interrupt occurs at the point `at_point`, counted from 1. Zero means that the interrupt
/// occurs at no point. Returns the trigger of the interrupt and the triggers of the handlers.
pub(crate) fn start(at_point: u64, handlers: &[Handler]) -> Vec<&'static Trigger> {
    INTERRUPTS.with(|interrupts| {
        interrupts.open.set(false);
        interrupts.raised.set(0);
        interrupts.left.set(at_point);
        interrupts.waiting.borrow_mut().clear();
        interrupts.some_wait.set(false);
        let mut triggers = vec![interrupts.trigger];
        triggers.extend(handlers.iter().map(|handler| handler.trigger()));
        for trigger in &triggers {
            trigger.take();
            // Removes the waker of the previous simulation.
            trigger.register(Waker::noop());
        }
        triggers
    })
}

/// Starts or stops counting points.
pub(crate) fn open(open: bool) {
    // `try_with` fails in a thread that is ending. No interrupt occurs in such a thread, so the error is ignored.
    let _ = INTERRUPTS.try_with(|interrupts| interrupts.open.set(open));
}

/// Counts a preemption point. Runs the handlers that are due at this point, and raises the interrupt if the interrupt
/// is due at this point.
pub(crate) fn point() {
    let due = INTERRUPTS.try_with(|interrupts| {
        if interrupts.some_wait.get() && interrupts.open.get() {
            interrupts.pass();
        }
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

impl Interrupts {
    /// Counts a point for the waiting handlers, and runs the handlers that are due.
    fn pass(&self) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.iter_mut().for_each(|(left, ..)| *left -= 1);
        let due: Vec<_> = waiting.extract_if(.., |(left, ..)| *left == 0).collect();
        self.some_wait.set(!waiting.is_empty());
        drop(waiting);
        due.into_iter().for_each(|(_, handler, number)| handler.run(number));
    }
}

/// Runs a handler now, or after a number of points.
pub(crate) fn run(handler: Handler, after_points: u64, number: u64) {
    match after_points {
        0 => handler.run(number),
        points => INTERRUPTS.with(|interrupts| {
            interrupts.waiting.borrow_mut().push((points, handler, number));
            interrupts.some_wait.set(true);
        }),
    }
}

/// Raises the interrupt now.
pub(crate) fn raise() {
    INTERRUPTS.with(|interrupts| {
        interrupts.raised.set(interrupts.raised.get() + 1);
        interrupts.trigger.raise();
    });
}

/// Returns whether the interrupt was raised and the loop has not processed it yet. Clears the interrupt.
pub(crate) fn take_unprocessed() -> bool {
    INTERRUPTS.with(|interrupts| interrupts.trigger.take() > 0)
}

/// Returns the number of times the interrupt was raised.
pub(crate) fn raised() -> u32 {
    INTERRUPTS.with(|interrupts| interrupts.raised.get())
}
