//! The interface for observers of a simulation.

pub(crate) mod function;
pub(crate) mod observer;
