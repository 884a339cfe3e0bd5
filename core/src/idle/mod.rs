//! The idle clock: keeps the time current between turns, for programs that call each turn
//! themselves.
//!
//! The core never reads a clock, so between turns the base's time is that of the last turn. A
//! program with its own loop may use the base much later, and a timer armed then would count from a
//! time that is too early. A back end whose turns are called one by one therefore lends the base a
//! clock. Every verb called on the base outside of a turn then updates the time first. libevent does
//! the same: it reads the clock when no time is cached.
//!
//! This is the feature `idle-clock`. A board does not need it, because its loop runs as a task.

#[cfg(not(feature = "idle-clock"))]
mod off;
#[cfg(feature = "idle-clock")]
mod on;

#[cfg(not(feature = "idle-clock"))]
pub(crate) use off::IdleClock;
#[cfg(feature = "idle-clock")]
pub(crate) use on::IdleClock;
