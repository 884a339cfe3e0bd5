//! No loop: only the reads and writes of the tokens, controlled by an array of ready pairs. Every contender does these
//! reads and writes, so their time is a part of the time of every contender.

use anyhow::Result;

use super::{Body, Chain, Watch};

struct NoLoop<'w> {
    watch: &'w Watch<'w>,
    /// The pairs with a token: `now` for this iteration, `next` for the next iteration.
    now: Vec<u32>,
    next: Vec<u32>,
    /// The number of tokens that the ring had sent before the latest call of `ready`.
    sent: u64,
}

pub(super) fn run(watch: &Watch<'_>, body: Body<'_>) -> Result<()> {
    let capacity = watch.tokens as usize;
    let (now, next) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
    body(&mut NoLoop { watch, now, next, sent: 0 })
}

impl Chain for NoLoop<'_> {
    fn iterate(&mut self) -> Result<()> {
        let Watch { ring, ready, tokens, .. } = *self.watch;
        if self.now.is_empty() && ring.sent() == u64::from(tokens) {
            self.now.extend((0..tokens).map(|token| token * (ring.pairs() / tokens)));
        }
        for &index in &self.now {
            self.sent = ring.sent();
            ready(ring, index);
            if ring.sent() != self.sent {
                self.next.push(if index + 1 == ring.pairs() { 0 } else { index + 1 });
            }
        }
        self.now.clear();
        std::mem::swap(&mut self.now, &mut self.next);
        Ok(())
    }
}
