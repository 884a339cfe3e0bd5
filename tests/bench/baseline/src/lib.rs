//! Servers that do the same as hello-world and the gateway, written by hand as tasks of embassy-net, for comparison.
//!
//! `cargo xtask size` builds these programs for the boards under QEMU and compares them with hello-world. `cargo xtask
//! lines` counts the lines of the gateway. All programs use the same board support and the same workspace. So the Cargo
//! profile, the panic handler, the log, the network stack and the buffers are the same in all programs. A painted stack
//! is filled with a pattern, to measure the depth of the stack.
//!
//! | program | content |
//! |---|---|
//! | `tasks-few` | a task for each connection that hello-world serves at once |
//! | `tasks-many` | a task for each socket that hello-world has |
//! | `loop-few` | hello-world with as few sockets as connection slots |
//! | `loop-many` | hello-world with as many connection slots as sockets |
//! | `stack-loop` | hello-world with its usual capacities, on a painted stack |
//! | `stack-tasks` | `tasks-many`, on a painted stack |
//! | `gateway-tasks` | the gateway, implemented with tasks |

#![no_std]

#[cfg(feature = "udp")]
pub mod gateway;
pub mod server;
pub mod sizes;
pub mod stack;

#[cfg(feature = "qemu-lm3s6965evb")]
pub use board;
#[cfg(all(feature = "qemu-mps2-an385", not(feature = "qemu-lm3s6965evb")))]
pub use qemu_mps2_an385 as board;
