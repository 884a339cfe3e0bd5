//! Measures the core's dispatch alone, without the other steps of an iteration of the loop. The measured cost is the
//! cost in a loop that performs no actions, calls no prepare watchers, and does not check whether the loop must end.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent_bench_chip::meter::Report;
use picoevent_bench_chip::workloads::{
    App, Base, activate,
    interrupts::{self, TRIGGER},
    ready, timers,
};

#[unsafe(no_mangle)]
extern "C" fn on_pend() {
    TRIGGER.raise();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start(", dispatch alone");
    activate::run(&mut report, dispatch);
    interrupts::run(&mut report, dispatch);
    // The counts of the workload `ready` contain more than the dispatch. After an event for a source has fired, the
    // base returns an action that requests the source's next report.
    ready::run(&mut report, |base, app| {
        dispatch(base, app);
        while let Some(action) = base.next_action() {
            black_box(action);
        }
    });
    timers::run(&mut report, |base, app| {
        if let Some(deadline) = base.deadline() {
            base.advance(deadline);
        }
        dispatch(base, app);
    });
    report.end()
}

#[inline(never)]
fn dispatch(base: &mut Base<'_>, app: &mut App) {
    base.dispatch(app);
}
