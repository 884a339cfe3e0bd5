//! The workloads of the core, with whole iterations of the loop on a minimal back end.

#![no_std]
#![no_main]

use core::convert::Infallible;
use core::hint::black_box;
use core::task::Poll;

use picoevent::{Action, Backend, Instant};
use picoevent_bench_chip::meter::Report;
use picoevent_bench_chip::workloads::{
    App, Base, activate,
    interrupts::{self, TRIGGER},
    lines, ready, rings, timers,
};

#[unsafe(no_mangle)]
extern "C" fn on_pend() {
    TRIGGER.raise();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start("");
    activate::run(&mut report, iterate);
    ready::run(&mut report, iterate);
    timers::run(&mut report, iterate);
    timers::operations(&mut report);
    interrupts::run(&mut report, iterate);
    rings::run(&mut report, iterate);
    lines::run(&mut report, iterate);
    report.end()
}

/// Runs a whole iteration. The events of the back end were already reported to the base.
#[inline(never)]
fn iterate(base: &mut Base<'_>, app: &mut App) {
    let Poll::Ready(Ok(ended)) = base.iterate(app, &mut Clock(base.now())) else { return };
    assert_eq!(ended, None, "the loop has ended");
}

/// A back end that does not wait: instead of waiting for a deadline, it advances the clock to the deadline.
struct Clock(Instant);

impl Backend<App> for Clock {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.0
    }

    fn act(&mut self, action: Action, _: &mut Base<'_>) -> Result<(), Infallible> {
        black_box(action);
        Ok(())
    }

    fn wait(&mut self, until: Instant, _: &mut Base<'_>) -> Poll<Result<(), Infallible>> {
        if until != Instant::MAX {
            self.0 = self.0.max(until);
        }
        Poll::Ready(Ok(()))
    }
}
