//! The core's dispatch alone, without the other steps of a turn (an iteration of the loop). This is the cost for a loop
//! that knows that there are no actions, no watchers and no end of the loop.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent_bench_chip::loops::{
    App, Base, activate,
    interrupts::{self, TRIGGER},
    ready, timers,
};
use picoevent_bench_chip::meter::Report;

#[unsafe(no_mangle)]
extern "C" fn on_pend() {
    TRIGGER.raise();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start(", dispatch alone");
    activate::run(&mut report, pass);
    interrupts::run(&mut report, pass);
    // This measures not only the dispatch: an event that waits for a source causes an action each time.
    ready::run(&mut report, |base, app| {
        pass(base, app);
        while let Some(action) = base.next_action() {
            black_box(action);
        }
    });
    timers::run(&mut report, |base, app| {
        if let Some(deadline) = base.deadline() {
            base.advance(deadline);
        }
        pass(base, app);
    });
    report.end()
}

#[inline(never)]
fn pass(base: &mut Base<'_>, app: &mut App) {
    base.dispatch(app);
}
