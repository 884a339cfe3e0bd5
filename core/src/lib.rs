// The README's example needs a back end, so another package tests it: `tests/src/readmes.rs`.
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]
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
mod backoff;
mod base;
mod conn;
mod conn_map;
mod count;
mod cx;
mod error;
mod event;
mod flags;
mod handle;
mod hooks;
mod idle;
mod inspect;
#[cfg(feature = "embedded-io")]
mod io;
mod iteration;
mod limit;
mod listener;
mod log;
mod mailbox;
pub mod memory;
#[cfg(test)]
mod model;
mod network;
mod outbox;
mod pass;
mod peak;
mod pool;
mod priority;
mod queue;
mod random;
#[cfg(feature = "record")]
pub mod record;
#[cfg(not(feature = "record"))]
mod record;
mod ring;
mod run;
mod signal;
mod source;
mod storage;
mod table;
mod tables;
mod time;
mod timers;
mod trigger;
mod udp;
mod watcher;

pub use backend::Backend;
pub use backoff::Backoff;
pub use base::{EventBase, Fired};
pub use conn::{
    ConnEnd, ConnEvent, ConnMut, Direction, FIN_WAIT, Filter, KEEP_ALIVE, LINGER, OnConn, Protocol,
    Settings, Tuning,
};
pub use conn_map::ConnMap;
pub use count::Counts;
pub use cx::Cx;
pub use error::{
    AcceptError, AddError, ConnError, ConnectError, Failure, FullError, LineError, ListenError,
    OnceError, SetupError, StaleError, StillActiveError, UnseededError, WriteError,
};
pub use event::{EventMut, Mode, OnEvent};
pub use flags::EventFlags;
pub use handle::{Conn, Event, Handle, Listener, Source, UdpSocket, kind};
pub use inspect::{Dump, EventInfo};
#[cfg(feature = "embedded-io")]
pub use io::IoError;
pub use limit::DispatchLimit;
pub use listener::{ListenerMut, OnListenError};
pub use mailbox::Mailbox;
#[cfg(feature = "network")]
pub use network::{Network, NetworkChange, OwnAddress};
pub use outbox::Action;
pub use pool::{Pool, PoolId};
pub use priority::Priority;
pub use ring::{Eol, RingBuffer};
pub use run::{End, Run, Wait};
pub use signal::Signal;
pub use storage::Storage;
pub use time::Instant;
pub use trigger::Trigger;
#[cfg(feature = "udp")]
pub use udp::{Datagram, Dropped, OnUdp, Received, UdpMut, UdpRequest};
pub use udp::{FiredUdp, SendError, UdpAction, UdpError, UdpEvent, UdpRings};

/// The sizes of the slots and the base on a 32-bit target. `cargo xtask size` counts the timer heaps of the tables in
/// addition to these sizes.
#[cfg(all(
    target_pointer_width = "32",
    not(any(
        feature = "idle-clock",
        feature = "local-address",
        feature = "network",
        feature = "peaks",
        feature = "record"
    ))
))]
const _: () = {
    assert!(size_of::<memory::EventSlot<()>>() == 40);
    assert!(size_of::<memory::ConnSlot<()>>() == 104);
    assert!(size_of::<memory::ListenerSlot<()>>() == 68);
    // The feature `udp` adds the table of UDP sockets to the base.
    let udp = if cfg!(feature = "udp") { 16 } else { 0 };
    assert!(size_of::<EventBase<'_, ()>>() <= 392 + udp);
};
