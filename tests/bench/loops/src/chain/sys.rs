//! No loop: the same reads and writes, driven by an array of ready pairs. The time of every contender contains the
//! time of this work.

use anyhow::Result;

use super::{Body, Chain, Watch};

struct Sys<'w> {
    watch: &'w Watch<'w>,
    /// The pairs with a token: `now` for this turn, `next` for the next turn.
    now: Vec<u32>,
    next: Vec<u32>,
    /// The number of tokens that the ring had sent before the latest call of `ready`.
    fired: u64,
}

pub(super) fn run(watch: &Watch<'_>, body: Body<'_>) -> Result<()> {
    let capacity = watch.tokens as usize;
    let (now, next) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
    body(&mut Sys { watch, now, next, fired: 0 })
}

impl Chain for Sys<'_> {
    fn turn(&mut self) -> Result<()> {
        let Watch { ring, ready, tokens, .. } = *self.watch;
        if self.now.is_empty() && ring.fired() == u64::from(tokens) {
            self.now.extend((0..tokens).map(|token| token * (ring.pairs() / tokens)));
        }
        for &index in &self.now {
            self.fired = ring.fired();
            ready(ring, index);
            if ring.fired() != self.fired {
                self.next.push(if index + 1 == ring.pairs() { 0 } else { index + 1 });
            }
        }
        self.now.clear();
        std::mem::swap(&mut self.now, &mut self.next);
        Ok(())
    }
}
