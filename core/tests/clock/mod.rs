//! A back end with a virtual clock and no devices.

use std::convert::Infallible;
use std::task::Poll;
use std::time::Duration;

use picoevent::{Action, Backend, EventBase, Fired, Instant};

/// The back end.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub now: Instant,
    /// The time at which each wait ends. If it is `None`, a wait ends at its deadline.
    pub wakes: Option<Instant>,
    /// The deadline of the last wait, as given to [`Backend::wait`].
    pub until: Instant,
    /// The time that each callback takes.
    pub work: Duration,
}

impl Clock {
    pub const fn at(now: Instant) -> Self {
        Self { now, wakes: None, until: Instant::ZERO, work: Duration::ZERO }
    }
}

impl<A> Backend<A> for Clock {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, _: Action, _: &mut EventBase<A>) -> Result<(), Infallible> {
        Ok(())
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<A>) -> Poll<Result<(), Infallible>> {
        self.until = until;
        self.now = self.now.max(self.wakes.unwrap_or(until));
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, fired: Fired<A>, base: &mut EventBase<A>, app: &mut A) {
        fired.call(app, base);
        self.now = self.now.after(self.work);
    }
}
