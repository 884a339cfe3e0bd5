//! The device: the firmware of an application, its clock, its interrupts, and what is checked of it.

pub(crate) mod clock;
pub(crate) mod executor;
pub(crate) mod interrupt;
pub(crate) mod probe;
pub(crate) mod size;
