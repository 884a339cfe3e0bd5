//! The same servers on picoevent and on other loops, and the clients that measure them.
//!
//! `cargo xtask bench` builds and starts the servers and the clients. A server and its clients are two processes that
//! check each other. If a byte is lost, the run has no figure.
//!
//! ```text
//!   c/*.c                     servers on epoll, libevent, libev, libuv    harness.h
//!   src/bin/server-*          servers on picoevent, mio, calloop          harness
//!   src/bin/load.rs           the clients of all of them                  load
//!   c/evhttp.c, src/bin/server-http-*   HTTP servers           http
//!   src/bin/empty.rs          a program that does nothing, for sizes
//! ```

pub mod harness;
pub mod http;
pub mod load;
pub mod pending;
mod usage;
