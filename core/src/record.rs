//! Recording: stores every call that a back end makes on a base, in order. A host can replay these calls.
//!
//! A base reads no clock and makes no system call, so its behaviour depends only on its application and on the calls of
//! its back end. The base passes each of these calls to a [`Record`], whatever the back end is:
//!
//! ```text
//!   in the field                                      on a host
//!   back end ─reports─▶ EventBase ──▶ application     Replay ─reports─▶ EventBase ──▶ application
//!                           │                            ▲                         (the same code)
//!                           └─▶ Recording ──dump─▶ log ──┘
//! ```
//!
//! * [`Recording`] keeps a recording in a `static`. The firmware chooses the size of the recording.
//! * [`Replay`] repeats the recorded calls on a base, and reports where the application first behaves differently than
//!   in the recording.
//!
#![cfg_attr(feature = "record", doc = "```")]
#![cfg_attr(not(feature = "record"), doc = "```ignore")]
//! use picoevent::record::{Keep, Recording};
//! use picoevent::{EventBase, Storage};
//! # struct App;
//!
//! static RECORDING: Recording<2048> = Recording::new(Keep::First);
//!
//! let mut storage = Storage::<App, 8, 4, 4096>::new();
//! let mut base = EventBase::new(&mut storage);
//! base.record_to(&RECORDING);
//! // … the application's start, then the back end; when something went wrong:
//! RECORDING.dump(|line| println!("{line}"));
//! ```
//!
//! The seed of the base's [random bytes](crate::Cx::random) is recorded, too. Other inputs of an application are not
//! recorded: a separate clock, a sensor, its environment. If a program calls methods of the base between two
//! runs of the loop, it must make the same calls during the replay.
//!
//! Without the feature `record`, a firmware contains no code for recordings: the functions that record are empty.

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

#[cfg(all(feature = "record", feature = "udp"))]
pub(crate) use code::sum;
#[cfg(not(feature = "record"))]
pub(crate) use entry::Entry;
#[cfg(all(feature = "udp", not(feature = "record")))]
pub(crate) use entry::UdpEntry;
#[cfg(feature = "record")]
pub use entry::{Called, Entry, Sizes, UdpEntry};
#[cfg(feature = "record")]
pub use memory::{Keep, Recording};
#[cfg(all(feature = "udp", not(feature = "record")))]
pub(crate) use off::sum;
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
