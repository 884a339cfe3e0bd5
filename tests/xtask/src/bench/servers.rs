//! Servers on picoevent and on other loops, each a process of its own under the same clients.
//!
//! ```text
//!   hello (W3)  echo (W4)  idle (W5)  start (W6)      the workloads
//!   contest     all servers in rounds, as a table     tally    instructions, system calls
//!   duel        one server and its clients            place  report
//!   contestant  what there is, and how it is built    others
//! ```
//!
//! The sources are in `tests/bench/servers`. A server that its clients find wrong, and clients that
//! a server finds wrong, are an error and no figure.

mod contest;
mod contestant;
mod duel;
pub mod echo;
pub mod hello;
pub mod idle;
mod others;
mod place;
mod report;
pub mod start;
mod tally;
