//! hello-world as tasks: as many tasks as hello-world serves connections at once.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::FEW;

#[path = "../program/tasks.rs"]
mod program;

const TASKS: usize = FEW;
const PAINTED: bool = false;
