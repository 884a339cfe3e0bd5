//! hello-world with one socket for each connection that it serves at once.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::FEW;

#[path = "../program/event_loop.rs"]
mod program;

const CONNS: usize = FEW;
const SOCKETS: usize = FEW;
const PAINTED: bool = false;
