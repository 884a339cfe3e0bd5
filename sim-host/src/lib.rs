//! Simulates board applications on a host.
//!
//! * [`world`]: the whole software stack of a board in virtual time, with faults.
//! * [`recording`]: writes, reads and replays recordings of a loop's input, for example from a board in the field.
//! * [`observers`]: writes captures and timelines of simulations, and HTML pages of sweeps.
//! * [`command`]: the command line.

mod check;
pub mod command;
pub mod observers;
pub mod world;

pub use picoevent_recording as recording;
