//! A binary heap of timers, written by hand with the heap of the standard library. Each timer and each entry of the
//! heap has a generation number. An entry is stale if its number differs from the number of its timer. So cancelling
//! only increments a number, but the heap grows each time that a timer is set.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use anyhow::Result;

use super::{Body, Operations, Timers};

struct Heap {
    entries: BinaryHeap<Reverse<Entry>>,
    timers: Vec<Timer>,
    fired: u64,
    now: u64,
    started: Instant,
}

/// The deadline, the index of the timer, and the count of the timer when the entry was made.
type Entry = (u64, u32, u32);

#[derive(Clone, Copy)]
struct Timer {
    changes: u32,
    call: fn(&mut u64),
}

pub(super) fn run(count: u32, body: Body<'_>) -> Result<()> {
    let timers = vec![Timer { changes: 0, call: |fired| *fired += 1 }; count as usize];
    let entries = BinaryHeap::with_capacity(timers.len());
    body(&mut Heap { entries, timers, fired: 0, now: 0, started: Instant::now() })
}

impl Operations for Heap {
    fn set(&mut self, which: &[u32], ms: &[u32]) {
        for (&which, &ms) in which.iter().zip(ms) {
            let timer = &mut self.timers[which as usize];
            timer.changes += 1;
            self.entries.push(Reverse((self.now + u64::from(ms) * 1_000, which, timer.changes)));
        }
    }

    fn cancel(&mut self, which: &[u32]) {
        for &which in which {
            self.timers[which as usize].changes += 1;
        }
    }

    fn refresh(&mut self) {
        self.now = self.started.elapsed().as_micros() as u64;
    }
}

impl Timers for Heap {
    fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn Operations)) -> u64 {
        self.refresh();
        body(self);
        self.fired
    }

    fn iterate(&mut self) -> Result<u64> {
        self.refresh();
        while let Some(&Reverse((at, which, changes))) = self.entries.peek()
            && at <= self.now
        {
            self.entries.pop();
            let timer = self.timers[which as usize];
            if timer.changes == changes {
                (timer.call)(&mut self.fired);
            }
        }
        Ok(self.fired)
    }
}
