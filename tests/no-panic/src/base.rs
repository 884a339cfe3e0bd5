//! The functions of the loop that back ends and applications call.

use core::task::{Poll, Waker};

use picoevent::{Action, Backend, DispatchLimit, Instant, Run, Signal, Trigger};

use crate::unknown::{any, duration, maybe_duration, priority, signal, what};
use crate::{App, Base};

pub fn every_function(base: &mut Base<'_>) {
    settings(any(&mut *base));
    queries(any(&mut *base));
    feed(any(&mut *base));
    steps(any(&mut *base));
    iterate(any(base));
}

fn settings(base: &mut Base<'_>) {
    let callbacks = any(Some(1));
    let limit = DispatchLimit { callbacks, time: maybe_duration(), priority: priority() };
    base.set_dispatch_limit(any(Some(limit)));
    base.exit();
    any(&mut *base).exit_after(duration());
    any(&mut *base).loop_break();
    any(&mut *base).loop_continue();
    any(&mut *base).set_close_limits(duration(), duration());
    any(&mut *base).update_now(Instant::from_micros(any(1)));
    any(&mut *base).set_idle_clock(|| Instant::from_micros(any(1)), Instant::from_micros(any(1)));
    any(&mut *base).remove_idle_clock();
    any(base).seed(any(&[1; 32]));
}

fn queries(base: &mut Base<'_>) {
    let mut bytes = [0; 40];
    any(any(&mut *base).random(any(&mut bytes)).is_ok());
    any((any(&mut *base).random_u32().is_ok(), base.is_seeded()));
    any((base.now(), base.got_exit(), base.got_break(), base.deadline(), base.wants_time()));
    any((base.counts(), base.peaks(), base.longest_write()));
    any(any(&mut *base).take_peaks());
    any(base.events().last());
    any((base.conns().last(), base.listeners().last()));
    any(base.dump());
}

fn feed(base: &mut Base<'_>) {
    let Ok(source) = base.new_source() else { return };
    any(&mut *base).ready(any(source), what());
    any(base).raised(signal(), any(1));
}

fn steps(base: &mut Base<'_>) {
    let app = &mut App;
    base.begin(any(Run::ONCE) | any(Run::NONBLOCK));
    any(&mut *base).prepare(app);
    while let Some(action) = any(&mut *base).next_action() {
        any(action);
    }
    let _ = any(any(&mut *base).wait());
    any(&mut *base).advance(Instant::from_micros(any(1)));
    if let Some(fired) = any(&mut *base).next() {
        any(fired).call(app, any(&mut *base));
    }
    any(&mut *base).dispatch(app);
    any(base).dispatch_with(app, || Instant::from_micros(any(1)));
}

fn iterate(base: &mut Base<'_>) {
    let device = &mut Device;
    any(any(&mut *base).settle(any(&mut *device)).is_ok());
    any(any(&mut *base).iterate(&mut App, any(&mut *device)).is_ready());
    any(any(base).drain(any(device)).is_ready());
}

/// A back end with values that the compiler cannot know.
struct Device;

static TRIGGER: Trigger = Trigger::new(Signal::INT);
static TRIGGERS: [&Trigger; 1] = [&TRIGGER];

impl Backend<App> for Device {
    type Error = u8;

    fn now(&mut self) -> Instant {
        Instant::from_micros(any(1))
    }

    fn triggers(&self) -> (&[&Trigger], &Waker) {
        (any(&TRIGGERS), Waker::noop())
    }

    fn act(&mut self, action: Action, base: &mut Base<'_>) -> Result<(), u8> {
        any((action, base));
        any(Ok(()))
    }

    fn deadline(&mut self, base: &mut Base<'_>) -> Instant {
        any(base);
        self.now()
    }

    fn wait(&mut self, until: Instant, base: &mut Base<'_>) -> Poll<Result<(), u8>> {
        any((until, base));
        any(Poll::Ready(Ok(())))
    }

    fn report(&mut self, base: &mut Base<'_>) {
        any(base);
    }
}
