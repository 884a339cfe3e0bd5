//! hello-world, implemented with tasks: one task for each socket of hello-world.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::MANY;

#[path = "../program/tasks.rs"]
mod program;

const TASKS: usize = MANY;
const PAINTED: bool = false;
