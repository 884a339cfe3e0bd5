//! Servers on picoevent and on other loops. Each server runs in a separate process, with the same clients.
//!
//! ```text
//!   hello (W3)  echo (W4)  idle (W5)  start (W6)  proxy (W7)  http (W8)      the workloads
//!   comparison  all servers in rounds, as a table     tally    instructions, system calls
//!   session     one server and its clients            cores  report
//!   contender   the servers, and how they are built   others
//! ```
//!
//! The sources are in `tests/bench/servers`. If clients or servers detect an error, the command fails and
//! reports no figure.

mod comparison;
mod contender;
mod cores;
pub mod echo;
pub mod hello;
pub mod http;
pub mod idle;
mod others;
pub mod proxy;
mod report;
mod session;
pub mod start;
mod tally;
