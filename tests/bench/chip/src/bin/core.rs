//! The core, turned as a back end turns it.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent::Wait;
use picoevent_bench_chip::loops::{
    App, Base, activate,
    interrupts::{self, TRIGGER},
    ready, rings, timers,
};
use picoevent_bench_chip::meter::Report;

#[unsafe(no_mangle)]
extern "C" fn on_pend() {
    TRIGGER.raise();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start("");
    activate::run(&mut report, turn);
    ready::run(&mut report, turn);
    timers::run(&mut report, turn);
    timers::operations(&mut report);
    interrupts::run(&mut report, turn);
    rings::run(&mut report, turn);
    report.end()
}

/// Each step of a turn, but for the feeding: where a back end would wait until a deadline, it is
/// that time at once.
#[inline(never)]
fn turn(base: &mut Base<'_>, app: &mut App) {
    base.prepare(app);
    while let Some(action) = base.next_action() {
        black_box(action);
    }
    let now = match base.wait() {
        Wait::Until(deadline) => deadline,
        Wait::Not | Wait::Forever => base.now(),
        Wait::Ended(end) => panic!("the loop has ended: {end:?}"),
    };
    base.advance(now);
    base.dispatch(app);
}
