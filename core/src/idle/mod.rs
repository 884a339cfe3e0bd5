//! The idle clock: keeps the time current between iterations, for programs that call each iteration
//! themselves.
//!
//! The core never reads a clock. So between two iterations the base's time is the time of the last iteration. A program
//! with its own loop may call the base much later. A timer that is set then would count from a time that is too early.
//! Therefore a back end whose iterations are called one by one gives the base a clock. Every method that may change the
//! base outside of an iteration then first updates the time. In libevent, such a method reads the clock too, because
//! the time is cached only inside the loop.
//!
//! This is the feature `idle-clock`. Firmware does not need it, because its loop runs as a task.

#[cfg(not(feature = "idle-clock"))]
mod off;
#[cfg(feature = "idle-clock")]
mod on;

#[cfg(not(feature = "idle-clock"))]
pub(crate) use off::IdleClock;
#[cfg(feature = "idle-clock")]
pub(crate) use on::IdleClock;
