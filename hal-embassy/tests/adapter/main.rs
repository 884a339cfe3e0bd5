//! The adapter on an unmodified embassy-net, against a plain smoltcp peer, under virtual time.

mod accepting;
mod bytes;
mod closing;
mod connecting;
mod ending;
mod halves;
mod inactivity;
mod keeping;
mod listening;
mod network;
mod network_events;
mod repeats;
mod running;
mod sleeping;
mod slow;
mod timing;
mod traps;
mod tuning;
mod turns;
#[cfg(feature = "udp")]
mod udp;
mod world;
