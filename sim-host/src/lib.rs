//! picoevent on a desk: the applications of boards, as programs.
//!
//! * [`live`]: real sockets, descriptors and signals, through [mio](https://docs.rs/mio).
//! * [`world`]: the whole stack of a board under virtual time, among faults.
//! * [`recording`]: what happened in the field, written, read and fed again.
//! * [`observers`]: captures, timelines and pages of such simulations.
//! * [`command`]: simulations from the command line.

pub mod command;
pub mod live;
pub mod observers;
pub mod recording;
pub mod world;
