//! hello-world with one connection for each socket.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::MANY;

#[path = "../program/event_loop.rs"]
mod program;

const CONNS: usize = MANY;
const SOCKETS: usize = MANY;
const PAINTED: bool = false;
