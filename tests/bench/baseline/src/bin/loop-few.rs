//! hello-world with 4 or 8 connection slots, depending on the board, and with the same number of sockets.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::FEW;

#[path = "../program/event_loop.rs"]
mod program;

const CONNS: usize = FEW;
const SOCKETS: usize = FEW;
const PAINTED: bool = false;
