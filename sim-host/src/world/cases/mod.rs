//! Test cases, sweeps over seeds, shrinking, reports and replays.

pub(crate) mod any_test_case;
pub(crate) mod log_observer;
mod replay;
pub(crate) mod report;
mod run;
pub(crate) mod shrink;
pub(crate) mod simulator;
pub(crate) mod sweep;
pub(crate) mod test_case;
