//! The device: the firmware of an application, its clock, its interrupts, and the checks on it.

pub(crate) mod clock;
pub(crate) mod controller;
pub(crate) mod executor;
pub(crate) mod interrupt;
pub(crate) mod panics;
pub(crate) mod probe;
pub(crate) mod program;
pub(crate) mod shared;
pub(crate) mod size;
