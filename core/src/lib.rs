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

mod address;
mod backend;
mod base;
mod conn;
mod count;
mod cx;
mod error;
mod event;
mod handle;
mod hooks;
mod idle;
mod inspect;
mod limit;
mod listener;
mod log;
pub mod memory;
#[cfg(test)]
mod model;
mod outbox;
mod pass;
mod peak;
mod priority;
mod queue;
#[cfg(feature = "record")]
pub mod record;
#[cfg(not(feature = "record"))]
mod record;
mod ring;
mod rings;
mod run;
mod signal;
mod source;
mod storage;
mod table;
mod tables;
mod time;
mod timers;
mod trigger;
mod turn;
mod watcher;
mod what;

pub use backend::Backend;
pub use base::{EventBase, Fired};
pub use conn::{
    ConnEvent, ConnMut, Direction, FIN_WAIT, KEEP_ALIVE, LINGER, OnConn, OnConnEvent, Tuning,
};
pub use count::Counts;
pub use cx::Cx;
pub use error::{
    AcceptError, AddError, ConnError, Full, ListenError, OnceError, Stale, StillActive, WriteError,
};
pub use event::{EventMut, Mode, OnEvent};
pub use handle::{Conn, Event, Handle, Listener, Source, kind};
pub use inspect::{Dump, EventInfo};
pub use limit::DispatchLimit;
pub use listener::{ListenerMut, OnListenError};
pub use outbox::Action;
pub use priority::Priority;
pub use run::{End, Run, Wait};
pub use signal::Signal;
pub use storage::Storage;
pub use time::Instant;
pub use trigger::Trigger;
pub use what::What;

/// The sizes of the slots and the base on a 32-bit target; `cargo xtask size` adds their heaps.
#[cfg(all(
    target_pointer_width = "32",
    not(any(feature = "idle-clock", feature = "peaks", feature = "record"))
))]
const _: () = {
    assert!(size_of::<memory::EventSlot<()>>() == 56);
    assert!(size_of::<memory::ConnSlot<()>>() == 120);
    assert!(size_of::<memory::ListenerSlot<()>>() == 64);
    assert!(size_of::<EventBase<'_, ()>>() <= 328);
};
