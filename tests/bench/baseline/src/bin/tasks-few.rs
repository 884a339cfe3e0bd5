//! hello-world, implemented with tasks: one task for each connection that hello-world serves at once.

#![no_std]
#![no_main]

use picoevent_baseline::sizes::FEW;

#[path = "../program/tasks.rs"]
mod program;

const TASKS: usize = FEW;
const PAINTED: bool = false;
