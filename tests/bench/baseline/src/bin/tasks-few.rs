//! hello-world as tasks, as many as hello-world serves connections.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::FEW;

#[path = "../program/tasks.rs"]
mod program;

const TASKS: usize = FEW;
const PAINTED: bool = false;
