//! hello-world as tasks: as many tasks as hello-world has sockets.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::MANY;

#[path = "../program/tasks.rs"]
mod program;

const TASKS: usize = MANY;
const PAINTED: bool = false;
