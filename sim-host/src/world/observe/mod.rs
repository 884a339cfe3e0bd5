//! Observing a simulation from outside.

pub(crate) mod function;
pub(crate) mod observer;
