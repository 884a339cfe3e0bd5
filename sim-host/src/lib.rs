//! Simulations of applications for boards, on a desk.
//!
//! * [`world`]: the whole stack of a board under virtual time, among faults.
//! * [`recording`]: what happened in the field, written, read and fed again.
//! * [`observers`]: captures, timelines and pages of such simulations.
//! * [`command`]: simulations from the command line.

pub mod command;
pub mod observers;
pub mod world;

pub use picoevent_recording as recording;
