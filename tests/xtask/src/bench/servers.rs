//! Servers on picoevent and on other loops, each in a process of its own, under the same clients.
//!
//! ```text
//!   hello (W3)  echo (W4)  idle (W5)  start (W6)      the workloads
//!   rounds      all servers in rounds, as a table     tally    instructions, system calls
//!   run         one server and its clients            place  report
//!   contender   the servers, and how they are built   others
//! ```
//!
//! The sources are in `tests/bench/servers`. If clients find their server wrong, or a server its
//! clients, that is an error, and there is no figure.

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
