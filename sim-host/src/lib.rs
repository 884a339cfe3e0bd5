//! Simulates board applications on a host.
//!
//! * [`world`]: the whole software stack of a board in virtual time, with faults.
//! * [`recording`]: recordings from the field: written, read and replayed.
//! * [`observers`]: captures, timelines and pages of simulations.
//! * [`command`]: the command line.

pub mod command;
pub mod observers;
pub mod world;

pub use picoevent_recording as recording;
