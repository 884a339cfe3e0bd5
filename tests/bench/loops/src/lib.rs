//! Compares event loops on the same workloads: picoevent, other loops, and hand-written programs as lower bounds.
//!
//! ```text
//!   workload   chain (W1)   active (W1U)   timers (W2, W2i)     the work, and its verification
//!                  ▲             ▲               ▲
//!   contender   picoevent  calloop  mio …   in Rust: chain/, active/, timers/
//!               libevent  libev  libuv  epoll   in C: c/, loaded by plugin.rs
//! ```
//!
//! All contenders run in one process, in a new random order in each round. The processor time is measured. The run
//! fails if a contender loses an event or reports an event that did not occur.

pub mod active;
pub mod chain;
pub mod clock;
pub mod plugin;
pub mod timers;
