//! The unchanged hello-world on a painted stack, which shows the depth of the stack, with short
//! timeouts for silent peers.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::{FEW, MANY};

#[path = "../program/event_loop.rs"]
mod program;

const CONNS: usize = FEW;
const SOCKETS: usize = MANY;
const PAINTED: bool = true;
