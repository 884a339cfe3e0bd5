//! The clock of a loop that someone drives turn by turn: what time it is between two turns.
//!
//! The core never reads a clock, so between two turns the base's time is that of the last one. An
//! application that has a loop of its own may come back much later, and a timer made then would
//! count from too early a time. A back end whose turns are called one by one therefore lends the
//! base a clock, and every verb called on the base from outside of a turn brings the time up first.
//! libevent does the same: it reads the clock where no time is cached.
//!
//! It is the feature `idle-clock`: a board runs its loop as a task, and has no turns to call.

#[cfg(not(feature = "idle-clock"))]
mod off;
#[cfg(feature = "idle-clock")]
mod on;

#[cfg(not(feature = "idle-clock"))]
pub(crate) use off::IdleClock;
#[cfg(feature = "idle-clock")]
pub(crate) use on::IdleClock;
