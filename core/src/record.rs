//! Recording: everything a back end says to a base, in order, to be said again on a desk.
//!
//! A base reads no clock and calls no system, so what it does follows from its application and from
//! what its back end calls. A [`Record`] is told of each such call, whatever the back end:
//!
//! ```text
//!   in the field                                      on a desk
//!   back end ──feeds──▶ EventBase ──▶ application     Replay ──feeds──▶ EventBase ──▶ application
//!                           │                            ▲                         (the same code)
//!                           └─▶ Recording ──dump─▶ log ──┘
//! ```
//!
//! * [`Recording`] keeps a recording in a `static` of a size the board chooses.
//! * [`Replay`] feeds one again, and says where the application first does something else.
//!
#![cfg_attr(feature = "record", doc = "```")]
#![cfg_attr(not(feature = "record"), doc = "```ignore")]
//! use picoevent::record::{Keep, Recording};
//! use picoevent::{EventBase, Storage};
//! # struct App;
//!
//! static RECORDING: Recording<2048> = Recording::new(Keep::First);
//!
//! let mut storage = Storage::<App, 8, 4>::new();
//! let mut base = EventBase::new(&mut storage);
//! base.record_to(&RECORDING);
//! // … the application's start, then the back end; when something went wrong:
//! RECORDING.dump(|line| println!("{line}"));
//! ```
//!
//! What an application learns otherwise is not recorded: a clock of its own, a sensor, a random
//! number, its environment. What a program does to the base between two runs of the loop, it has to
//! do again when the recording is replayed.
//!
//! A firmware without the feature `record` has none of this: the calls below are empty then.

#[cfg(feature = "record")]
mod code;
mod entry;
#[cfg(feature = "record")]
mod memory;
#[cfg(not(feature = "record"))]
mod off;
#[cfg(feature = "record")]
mod on;
#[cfg(feature = "record")]
mod replay;
#[cfg(feature = "record")]
mod text;

#[cfg(not(feature = "record"))]
pub(crate) use entry::Entry;
#[cfg(feature = "record")]
pub use entry::{Called, Entry, Sizes};
#[cfg(feature = "record")]
pub use memory::{Keep, Recording};
#[cfg(not(feature = "record"))]
pub(crate) use off::{LongestWrite, Recorder};
#[cfg(feature = "record")]
pub use on::Record;
#[cfg(feature = "record")]
pub(crate) use on::{LongestWrite, Recorder};
#[cfg(feature = "record")]
pub use replay::{Difference, Entries, Replay, ReplayError, Replayed};
#[cfg(feature = "record")]
pub use text::{Line, Text};
