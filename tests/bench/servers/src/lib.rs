//! The same servers on picoevent and on other loops, and the clients that measure them.
//!
//! `cargo xtask bench` builds and starts them. A server and its load are two processes that check
//! each other. A figure comes only from a run in which no byte was lost.
//!
//! ```text
//!   c/*.c                     servers on epoll, libevent, libev, libuv    agreement.h
//!   src/bin/server-*          servers on picoevent, mio, calloop          agreement
//!   src/bin/load.rs           the clients of all of them                  load
//!   c/evhttp.c, src/bin/server-http-*   HTTP servers           http
//!   src/bin/empty.rs          a program that does nothing, for sizes
//! ```

pub mod agreement;
pub mod http;
pub mod load;
pub mod pending;
mod used;
