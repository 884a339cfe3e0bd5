//! hello-world, with a socket for each connection that it serves, and no more.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::FEW;

#[path = "../program/event_loop.rs"]
mod program;

const CONNS: usize = FEW;
const SOCKETS: usize = FEW;
const PAINTED: bool = false;
