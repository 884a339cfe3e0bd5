//! The back end with real loopback sockets, real descriptors and real signals.
//!
//! The loop runs in the test's thread. The clients run in other threads. The tests wait for events and do not sleep. A
//! test whose loop does not end fails after a time limit.

mod closing;
mod connecting;
mod iterations;
mod listening;
#[path = "../process/mod.rs"]
mod process;
mod sending;
mod signals;
mod sources;
#[cfg(target_os = "linux")]
mod stopped;
mod support;
mod timeouts;
mod triggers;
mod udp;
mod urgent;
