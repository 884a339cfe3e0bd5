//! Event loops at the same work: picoevent, its peers, and loops written by hand as floors.
//!
//! ```text
//!   workload   chain (W1)   active (W1U)   timers (W2, W2i)     the work, and its verification
//!                  ▲             ▲               ▲
//!   contestant  picoevent  calloop  mio …   in Rust: chain/, active/, timers/
//!               libevent  libev  libuv  epoll   in C: c/, loaded by plugin.rs
//! ```
//!
//! All contestants run in one process, in an order of chance that is another in each round, and are
//! timed by the processor time they use. A contestant that loses or invents something fails the run.

pub mod active;
pub mod chain;
pub mod clock;
pub mod plugin;
pub mod timers;
