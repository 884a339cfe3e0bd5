//! hello-world with 16 sockets and 16 connection slots.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::MANY;

#[path = "../program/event_loop.rs"]
mod program;

const CONNS: usize = MANY;
const SOCKETS: usize = MANY;
const PAINTED: bool = false;
