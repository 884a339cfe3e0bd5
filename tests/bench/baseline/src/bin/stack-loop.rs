//! hello-world with its usual capacities, to measure the depth of its stack. The stack is painted: filled with a
//! pattern. The timeouts for silent peers are short.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::{FEW, MANY};

#[path = "../program/event_loop.rs"]
mod program;

const CONNS: usize = FEW;
const SOCKETS: usize = MANY;
const PAINTED: bool = true;
