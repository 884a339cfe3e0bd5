//! picoevent's back end over embassy-net: a board, or a desk under virtual time.
//!
//! ```text
//!   application        callbacks                        fn(&mut App, &mut Cx<App>, …)
//!   picoevent          EventBase
//!   picoevent-embassy  run(…).await                     a task of yours
//!   embassy-net        TcpSocket …, Runner::run()       a task of its own
//!   driver             Ethernet, Wi-Fi
//! ```
//!
//! [`run`] is the loop. It owns a pool of sockets, [`Sockets`], that listen while no connection
//! needs them; it sleeps until a packet, a [`Trigger`](picoevent::Trigger) or the next deadline
//! wakes it, and never polls. Only what embassy-net 0.9 offers to everyone is used.
//!
//! # What it needs
//!
//! * The stack's `Runner::run()` in **another task**. Joined into one, the two would wake each
//!   other for ever: each look at a socket through embassy-net's futures wakes the runner.
//! * `StackResources` with room for the pool, and one more each for DHCP and DNS if they are on:
//!   embassy-net panics on a socket too many. All of the pool is taken when `run` begins, so a
//!   number too small shows at once, never later.
//! * An embassy-time driver. Without embassy-executor, also a feature `generic-queue-…` of
//!   embassy-time, or the link fails for want of `__embassy_time_queue_item_from_waker`.
//! * At most one other task that waits for the stack's link or address while `run` runs: the stack
//!   keeps one waker for all of them. `run` gives way, and then hears of a change with its next
//!   packet.
//!
//! # When the network comes and goes
//!
//! Listeners need no address: they listen before there is one and after it was lost. When the
//! address of a connection goes, the connection fails with
//! [`AddressLost`](picoevent::ConnError::AddressLost). With a fixed address nothing happens while
//! the cable is out: what was sent meanwhile is sent again, until [`Config::timeout`]. With DHCP
//! embassy-net takes the address back at once.

#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod adapter;
mod address;
mod config;
mod conns;
mod leave;
mod listeners;
mod log;
mod network;
mod observe;
mod pool;
mod run;
mod sleep;
mod slot;
mod socket;
mod sockets;
mod time;

pub use config::Config;
pub use observe::Observe;
pub use run::{run, run_observed};
pub use sockets::Sockets;
