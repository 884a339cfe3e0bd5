//! calloop: closures that calloop calls at the end of an iteration.

use std::time::Duration;

use anyhow::Result;
use calloop::{EventLoop, LoopHandle};

use super::{Active, Body};

struct Idle {
    event_loop: EventLoop<'static, App>,
    events: u32,
    app: App,
}

struct App {
    handle: LoopHandle<'static, App>,
    left: u64,
    calls: u64,
}

pub(super) fn run(events: u32, body: Body<'_>) -> Result<()> {
    let event_loop = EventLoop::try_new()?;
    let handle = event_loop.handle();
    body(&mut Idle { event_loop, events, app: App { handle, left: 0, calls: 0 } })
}

impl Active for Idle {
    fn run(&mut self, callbacks: u64) -> Result<u64> {
        let app = &mut self.app;
        (app.left, app.calls) = (callbacks - u64::from(self.events), 0);
        for _ in 0..self.events {
            app.handle.insert_idle(on_idle);
        }
        let mut before = u64::MAX;
        while self.app.calls != before {
            before = self.app.calls;
            self.event_loop.dispatch(Duration::ZERO, &mut self.app)?;
        }
        Ok(self.app.calls)
    }
}

fn on_idle(app: &mut App) {
    app.calls += 1;
    if app.left > 0 {
        app.left -= 1;
        app.handle.insert_idle(on_idle);
    }
}
