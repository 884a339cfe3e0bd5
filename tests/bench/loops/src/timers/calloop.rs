//! calloop: a source for each pending timer, as in calloop's documentation.

use std::time::{Duration, Instant};

use anyhow::Result;
use calloop::timer::{TimeoutAction, Timer};
use calloop::{Dispatcher, EventLoop, LoopHandle, RegistrationToken};

use super::{Body, Operations, Timers};

struct Loop {
    event_loop: EventLoop<'static, App>,
    app: App,
    now: Instant,
}

struct App {
    handle: LoopHandle<'static, App>,
    pending: Vec<Option<Pending>>,
    fired: u64,
}

struct Pending {
    timer: Dispatcher<'static, Timer, App>,
    token: RegistrationToken,
}

pub(super) fn run(count: u32, body: Body<'_>) -> Result<()> {
    let event_loop = EventLoop::try_new()?;
    let handle = event_loop.handle();
    let pending = (0..count).map(|_| None).collect();
    body(&mut Loop { event_loop, app: App { handle, pending, fired: 0 }, now: Instant::now() })
}

impl Operations for Loop {
    fn set(&mut self, which: &[u32], ms: &[u32]) {
        let App { handle, pending, .. } = &mut self.app;
        for (&which, &ms) in which.iter().zip(ms) {
            let deadline = self.now + Duration::from_millis(ms.into());
            let slot = &mut pending[which as usize];
            match slot {
                Some(Pending { timer, token }) => {
                    timer.as_source_mut().set_deadline(deadline);
                    handle.update(token).expect("a timer that is pending can be moved");
                }
                None => {
                    let call = move |_, _: &mut (), app: &mut App| {
                        app.fired += 1;
                        app.pending[which as usize] = None;
                        TimeoutAction::Drop
                    };
                    let timer = Dispatcher::new(Timer::from_deadline(deadline), call);
                    let token = handle.register_dispatcher(timer.clone());
                    let token = token.expect("there is room for a timer");
                    *slot = Some(Pending { timer, token });
                }
            }
        }
    }

    fn cancel(&mut self, which: &[u32]) {
        for &which in which {
            if let Some(Pending { token, .. }) = self.app.pending[which as usize].take() {
                self.app.handle.remove(token);
            }
        }
    }

    fn refresh(&mut self) {
        self.now = Instant::now();
    }
}

impl Timers for Loop {
    fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn Operations)) -> u64 {
        self.refresh();
        body(self);
        self.app.fired
    }

    fn iterate(&mut self) -> Result<u64> {
        self.event_loop.dispatch(Duration::ZERO, &mut self.app)?;
        Ok(self.app.fired)
    }
}
