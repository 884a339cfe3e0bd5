//! The server of `tasks-many`, to measure the depth of its stack. The stack is painted: filled with a pattern. The
//! timeouts for silent peers are short.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::MANY;

#[path = "../program/tasks.rs"]
mod program;

const TASKS: usize = MANY;
const PAINTED: bool = true;
