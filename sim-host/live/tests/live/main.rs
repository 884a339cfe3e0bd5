//! The back end on real sockets of the loopback device, real descriptors and real signals.
//!
//! The loop runs in the test's thread, clients in threads of their own. Nothing waits for time to
//! pass but for what is to happen; a loop that does not end fails by itself, after a bound.

mod closing;
mod connecting;
mod listening;
mod sending;
mod signals;
mod sources;
mod support;
mod timeouts;
mod triggers;
mod turns;
mod udp;
mod urgent;
