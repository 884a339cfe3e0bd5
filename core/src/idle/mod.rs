//! The idle clock keeps the loop's time current between iterations. It is for programs that call `EventBase::iterate`
//! themselves.
//!
//! The core never reads a clock. So between two iterations the base's time is the time of the last iteration. A program
//! with its own loop may call the base much later. If the program sets a timer at that point, the timer would begin at
//! the time of the last iteration, and would fire too early. Therefore a back end for such programs gives the base a
//! clock. If the base has a clock, every method that may change the base outside of an iteration first updates the
//! time. libevent also reads the clock outside of its loop, because it caches the time only inside the loop.
//!
//! The feature `idle-clock` adds the idle clock. Firmware does not need the feature, because the loop of a firmware
//! runs as a task.

#[cfg(not(feature = "idle-clock"))]
mod off;
#[cfg(feature = "idle-clock")]
mod on;

#[cfg(not(feature = "idle-clock"))]
pub(crate) use off::IdleClock;
#[cfg(feature = "idle-clock")]
pub(crate) use on::IdleClock;
