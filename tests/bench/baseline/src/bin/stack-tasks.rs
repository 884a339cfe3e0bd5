//! `tasks-many` on a painted stack, which shows the depth of the stack, with short timeouts for silent peers.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::MANY;

#[path = "../program/tasks.rs"]
mod program;

const TASKS: usize = MANY;
const PAINTED: bool = true;
