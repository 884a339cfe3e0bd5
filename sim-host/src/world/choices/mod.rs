//! The choices of a simulation: where they come from, and how they are written.

pub(crate) mod choice_log;
pub(crate) mod choice_point;
pub(crate) mod fault;
pub(crate) mod kinds;
pub(crate) mod random;
pub(crate) mod scenario;
pub mod seed;
pub(crate) mod server_fault;
