//! A timer wheel, written by hand: slots of time, each with a list of timers. Slots near the current time are shorter.
//!
//! ```text
//!   level 0   64 slots of 1 ms      timers due within this 64 ms
//!   level 1   64 slots of 64 ms     timers due within this 4 s
//!   …         six levels in all: two years
//! ```
//!
//! Times are numbers of milliseconds with digits of six bits. The deadline of a timer is compared with the current
//! time. The timer's level is the position of the most significant digit that differs. Adding and cancelling a timer
//! each change one list. When the time reaches a slot of a higher level, the slot's timers move to lower levels. A bit
//! mask for each level shows which slots are in use.

use std::time::Instant;

use anyhow::Result;

use super::{Body, Operations, Timers};

const LEVELS: usize = 6;
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;

/// No timer: the end of a list. In `Timer::list`, this value means that the timer is not pending.
const NONE: u32 = u32::MAX;

struct Wheel {
    heads: [u32; LEVELS * SLOTS],
    used: [u64; LEVELS],
    timers: Vec<Timer>,
    now: u64,
    fired: u64,
    started: Instant,
}

#[derive(Clone, Copy)]
struct Timer {
    at: u64,
    next: u32,
    previous: u32,
    /// The level and the slot, as an index in `heads`.
    list: u32,
    call: fn(&mut u64),
}

pub(super) fn run(count: u32, body: Body<'_>) -> Result<()> {
    let timer = Timer { at: 0, next: NONE, previous: NONE, list: NONE, call: |fired| *fired += 1 };
    body(&mut Wheel {
        heads: [NONE; LEVELS * SLOTS],
        used: [0; LEVELS],
        timers: vec![timer; count as usize],
        now: 0,
        fired: 0,
        started: Instant::now(),
    })
}

impl Wheel {
    fn insert(&mut self, which: u32) {
        let at = self.timers[which as usize].at;
        let level = ((at ^ self.now | 1).ilog2() / BITS).min(LEVELS as u32 - 1);
        let slot = (at >> (level * BITS)) as u32 % SLOTS as u32;
        let list = level * SLOTS as u32 + slot;
        let next = std::mem::replace(&mut self.heads[list as usize], which);
        if next != NONE {
            self.timers[next as usize].previous = which;
        }
        let timer = &mut self.timers[which as usize];
        (timer.next, timer.previous, timer.list) = (next, NONE, list);
        self.used[level as usize] |= 1 << slot;
    }

    fn remove(&mut self, which: u32) {
        let Timer { next, previous, list, .. } = self.timers[which as usize];
        if list == NONE {
            return;
        }
        if next != NONE {
            self.timers[next as usize].previous = previous;
        }
        match previous {
            NONE => {
                self.heads[list as usize] = next;
                if next == NONE {
                    self.used[list as usize / SLOTS] &= !(1 << (list as usize % SLOTS));
                }
            }
            previous => self.timers[previous as usize].next = next,
        }
        self.timers[which as usize].list = NONE;
    }

    /// Advances the time and fires the timers that are due.
    fn advance(&mut self, now: u64) {
        while let Some((level, slot, start)) = self.next()
            && start <= now
        {
            self.now = start;
            self.empty(level, slot);
        }
        self.now = now;
    }

    /// Returns the level, the index and the start time of the next slot in use, or `None` if no slot is in use.
    fn next(&self) -> Option<(usize, usize, u64)> {
        (0..LEVELS).find_map(|level| {
            let shift = level as u32 * BITS;
            let current = (self.now >> shift) % SLOTS as u64;
            let ahead = self.used[level] & (u64::MAX << current);
            let slot = (ahead != 0).then(|| ahead.trailing_zeros())?;
            let start = (self.now >> (shift + BITS) << BITS | u64::from(slot)) << shift;
            Some((level, slot as usize, start.max(self.now)))
        })
    }

    /// Empties a slot: its timers fire or move to a lower level.
    fn empty(&mut self, level: usize, slot: usize) {
        self.used[level] &= !(1 << slot);
        let mut at = std::mem::replace(&mut self.heads[level * SLOTS + slot], NONE);
        while at != NONE {
            let (which, timer) = (at, &mut self.timers[at as usize]);
            (at, timer.list) = (timer.next, NONE);
            if level == 0 {
                (timer.call)(&mut self.fired);
            } else {
                self.insert(which);
            }
        }
    }
}

impl Operations for Wheel {
    fn set(&mut self, which: &[u32], ms: &[u32]) {
        for (&which, &ms) in which.iter().zip(ms) {
            self.remove(which);
            self.timers[which as usize].at = self.now + u64::from(ms);
            self.insert(which);
        }
    }

    fn cancel(&mut self, which: &[u32]) {
        for &which in which {
            self.remove(which);
        }
    }

    fn refresh(&mut self) {
        self.advance(self.started.elapsed().as_millis() as u64);
    }
}

impl Timers for Wheel {
    fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn Operations)) -> u64 {
        self.refresh();
        body(self);
        self.fired
    }

    fn iterate(&mut self) -> Result<u64> {
        self.refresh();
        Ok(self.fired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The timers have delays of all magnitudes, and the time is virtual.
    #[test]
    fn a_timer_of_any_level_fires_at_its_deadline() {
        let delays: Vec<u64> = (0..30).flat_map(|bit| [(1 << bit) - 1, 1 << bit]).collect();
        let timer = Timer { at: 0, next: NONE, previous: NONE, list: NONE, call: |n| *n += 1 };
        let mut wheel = Wheel {
            heads: [NONE; LEVELS * SLOTS],
            used: [0; LEVELS],
            timers: vec![timer; delays.len()],
            now: 0,
            fired: 0,
            started: Instant::now(),
        };
        for from in [0, 63, 4_095, 1_000_000_007] {
            wheel.now = from;
            for (which, delay) in delays.iter().enumerate() {
                wheel.timers[which].at = from + delay;
                wheel.insert(which as u32);
            }
            let mut times: Vec<_> = delays.iter().map(|delay| from + delay).collect();
            times.sort_unstable();
            for time in times.iter().copied() {
                let due =
                    wheel.timers.iter().filter(|timer| timer.list != NONE && timer.at == time);
                let due = due.count() as u64;
                let before = wheel.fired;
                wheel.advance(time);
                assert_eq!(wheel.fired - before, due, "at {time} from {from}");
            }
            assert!(wheel.timers.iter().all(|timer| timer.list == NONE));
        }
    }
}
