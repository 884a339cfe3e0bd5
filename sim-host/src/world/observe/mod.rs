//! What can be seen of a simulation from outside.

pub(crate) mod function;
pub(crate) mod observer;
