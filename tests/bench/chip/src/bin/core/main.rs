//! The core by itself: events, sources, timers, an interrupt, the rings of a connection.
//!
//! Each kind of loop has an application type of its own, so that it is compiled as in a firmware,
//! where there is one application and one loop.

#![no_std]
#![no_main]

mod activate;
mod base;
mod interrupts;
mod ready;
mod rings;
mod timers;

use picoevent_bench_chip::meter::Report;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start();
    activate::run(&mut report);
    ready::run(&mut report);
    timers::run(&mut report);
    interrupts::run(&mut report);
    rings::run(&mut report);
    report.end()
}
