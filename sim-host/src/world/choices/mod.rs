//! Every choice of a simulation: where it comes from, and how it is written down.

pub(crate) mod fault;
pub(crate) mod kinds;
pub(crate) mod question;
pub(crate) mod random;
pub(crate) mod scenario;
pub mod seed;
pub(crate) mod tape;
