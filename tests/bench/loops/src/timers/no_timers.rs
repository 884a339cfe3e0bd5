//! No timers: measures the time of the work that is not done by a loop.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;

use super::{Body, Operations, Timers};

struct NoTimers;

pub(super) fn run(_: u32, body: Body<'_>) -> Result<()> {
    body(&mut NoTimers)
}

impl Operations for NoTimers {
    fn set(&mut self, which: &[u32], ms: &[u32]) {
        for pair in which.iter().zip(ms) {
            black_box(pair);
        }
    }

    fn cancel(&mut self, which: &[u32]) {
        for one in which {
            black_box(one);
        }
    }

    fn refresh(&mut self) {
        black_box(Instant::now());
    }
}

impl Timers for NoTimers {
    fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn Operations)) -> u64 {
        body(self);
        0
    }

    fn iterate(&mut self) -> Result<u64> {
        Ok(0)
    }
}
