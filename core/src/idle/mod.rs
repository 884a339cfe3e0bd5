//! The idle clock: the time between two turns, for a loop that is driven turn by turn.
//!
//! The core never reads a clock, so between two turns the base's time is that of the last one. An
//! application that has a loop of its own may come back much later, and a timer made then would
//! count from a time that is too early. A back end whose turns are called one by one therefore lends
//! the base a clock, and every verb called on the base outside of a turn updates the time first.
//! libevent does the same: it reads the clock when no time is cached.
//!
//! It is the feature `idle-clock`: a board does not need it, because it runs its loop as a task.

#[cfg(not(feature = "idle-clock"))]
mod off;
#[cfg(feature = "idle-clock")]
mod on;

#[cfg(not(feature = "idle-clock"))]
pub(crate) use off::IdleClock;
#[cfg(feature = "idle-clock")]
pub(crate) use on::IdleClock;
