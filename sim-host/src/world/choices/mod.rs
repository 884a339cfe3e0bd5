//! Every choice of a simulation: where it comes from, and how it is written down.

pub(crate) mod choice_log;
pub(crate) mod choice_point;
pub(crate) mod fault;
pub(crate) mod kinds;
pub(crate) mod random;
pub(crate) mod scenario;
pub mod seed;
