//! The same servers on picoevent and on other loops, and the clients that measure them.
//!
//! `cargo xtask bench` builds and starts what is here. A server is a process of its own, so is the
//! load; each checks the other, and a figure comes only from a run in which no byte was lost.
//!
//! ```text
//!   c/*.c                     servers on epoll, libevent, libev, libuv    agreement.h
//!   src/bin/server-*          servers on picoevent, mio, calloop          agreement
//!   src/bin/load.rs           the clients of all of them                  load
//!   src/bin/empty.rs          a program that does nothing, for sizes
//! ```

pub mod agreement;
pub mod load;
pub mod pending;
mod used;
