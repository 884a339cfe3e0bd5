//! The clock: the 64-bit counter of the core-local interruptor (CLINT), and its comparator.

use board_support::clock::{Clock, Timers};
use board_support::mmio::Registers;
use critical_section::CriticalSection;
use riscv::interrupt::Interrupt;

// SAFETY: these are the comparator and the counter of the only hart, and only this module touches them.
const CLINT: Registers = unsafe { Registers::new(0x0200_0000, 0xC000) };

const COMPARE: usize = 0x4000;
const COMPARE_HIGH: usize = 0x4004;
const TIME: usize = 0xBFF8;
const TIME_HIGH: usize = 0xBFFC;

embassy_time_driver::time_driver_impl!(static CLOCK: Clock<Clint> = Clock::new());

/// The counter and the comparator run at 10 MHz.
struct Clint;

/// Enables the comparator's interrupt.
pub(crate) fn start() {
    Clint::stop_alarm();
    // SAFETY: the handler is `on_alarm`, and no critical section relies on the mask of a single
    // interrupt.
    unsafe { riscv::interrupt::enable_interrupt(Interrupt::MachineTimer) };
}

/// Returns the counter. Reads both halves again if the upper half has changed meanwhile.
fn now() -> u64 {
    loop {
        let (high, low) = (CLINT.read(TIME_HIGH), CLINT.read(TIME));
        if high == CLINT.read(TIME_HIGH) {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

/// Sets the comparator, which interrupts from time `at` on. The order of the writes avoids an earlier
/// interrupt (RISC-V privileged architecture, section 3.2.1).
fn compare(at: u64) {
    CLINT.write(COMPARE, u32::MAX);
    CLINT.write(COMPARE_HIGH, (at >> 32) as u32);
    CLINT.write(COMPARE, at as u32);
}

impl Timers for Clint {
    const TICKS: u64 = 10;
    const MICROSECONDS: u64 = 1;

    fn ticks(_: CriticalSection) -> u64 {
        now()
    }

    fn set_alarm(ticks: u32) {
        compare(now() + u64::from(ticks));
    }

    fn stop_alarm() {
        compare(u64::MAX);
    }
}

#[riscv_rt::core_interrupt(Interrupt::MachineTimer)]
fn on_alarm() {
    CLOCK.on_alarm();
}
