//! hello-world with as many connections as sockets.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::MANY;

#[path = "../program/event_loop.rs"]
mod program;

const CONNS: usize = MANY;
const SOCKETS: usize = MANY;
const PAINTED: bool = false;
