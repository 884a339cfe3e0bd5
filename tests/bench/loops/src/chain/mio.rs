//! A loop on mio, written by hand: edge-triggered, with a table of functions.

use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::Result;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::ring::Ring;
use super::{Body, Chain, Watch};

struct ByHand<'w> {
    poll: Poll,
    events: Events,
    slots: Vec<Slot>,
    ring: &'w Ring,
}

struct Slot {
    call: fn(&Ring, u32),
    index: u32,
}

pub(super) fn run(watch: &Watch<'_>, body: Body<'_>) -> Result<()> {
    let poll = Poll::new()?;
    let mut slots = Vec::with_capacity(watch.descriptors.len());
    for (index, descriptor) in watch.descriptors.iter().enumerate() {
        let token = Token(index);
        poll.registry().register(
            &mut SourceFd(&descriptor.as_raw_fd()),
            token,
            Interest::READABLE,
        )?;
        slots.push(Slot { call: watch.ready, index: index as u32 });
    }
    body(&mut ByHand { poll, events: Events::with_capacity(1024), slots, ring: watch.ring })
}

impl Chain for ByHand<'_> {
    fn iterate(&mut self) -> Result<()> {
        self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
        for event in &self.events {
            let slot = &self.slots[event.token().0];
            (slot.call)(self.ring, slot.index);
        }
        Ok(())
    }
}
