//! calloop, with a level-triggered source for each descriptor.

use std::time::Duration;

use anyhow::Result;
use calloop::generic::Generic;
use calloop::{EventLoop, Interest, Mode, PostAction};

use super::ring::Ring;
use super::{Body, Chain, Watch};

struct Loop<'w>(EventLoop<'w, &'w Ring>, &'w Ring);

pub(super) fn run(watch: &Watch<'_>, body: Body<'_>) -> Result<()> {
    let ready = watch.ready;
    let event_loop = EventLoop::try_new()?;
    for (index, &descriptor) in watch.descriptors.iter().enumerate() {
        let source = Generic::new(descriptor, Interest::READ, Mode::Level);
        let call = move |_, _: &mut _, ring: &mut &Ring| {
            ready(ring, index as u32);
            Ok(PostAction::Continue)
        };
        event_loop.handle().insert_source(source, call).map_err(|error| error.error)?;
    }
    body(&mut Loop(event_loop, watch.ring))
}

impl Chain for Loop<'_> {
    fn iterate(&mut self) -> Result<()> {
        Ok(self.0.dispatch(Duration::ZERO, &mut self.1)?)
    }
}
