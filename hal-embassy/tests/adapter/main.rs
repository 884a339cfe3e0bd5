//! The adapter on an unmodified embassy-net, against a plain smoltcp peer, under virtual time.

mod accepting;
mod bytes;
mod closing;
mod connecting;
mod half_closed;
mod listening;
mod loop_end;
mod network;
mod network_events;
mod pitfalls;
mod repeated_syns;
mod running;
mod sleeping;
mod slow_callbacks;
mod time_slices;
mod timeouts;
mod timing;
mod tuning;
#[cfg(feature = "udp")]
mod udp;
mod vanished_peers;
mod world;
