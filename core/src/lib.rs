#![doc = include_str!("../../README.md")]
#![no_std]
#![doc(test(attr(deny(warnings))))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests may panic"))]

mod active;
mod address;
mod base;
mod conn;
mod cx;
mod error;
mod event;
mod handle;
mod list;
mod listener;
mod log;
mod outbox;
mod priority;
mod ring;
mod rings;
mod signal;
mod source;
mod storage;
mod table;
mod tables;
mod time;
mod timer;
mod trigger;
mod what;

pub use base::{End, EventBase, Fired, Wait};
pub use conn::{ConnEvent, ConnMut, Direction, OnConn, OnConnEvent};
pub use cx::Cx;
pub use error::{
    AcceptError, AddError, ConnError, Full, ListenError, Stale, StillActive, WriteError,
};
pub use event::{EventMut, Mode, OnEvent};
pub use handle::{Conn, Event, Handle, Listener, Source, kind};
pub use listener::{ListenerMut, OnListenError};
pub use outbox::Action;
pub use priority::Priority;
pub use signal::Signal;
pub use storage::Storage;
pub use time::Instant;
pub use trigger::Trigger;
pub use what::What;
