//! The clock: SysTick is the counter, and a general-purpose timer is the alarm.
//!
//! Neither timer can be both: SysTick has no one-shot mode, and under QEMU a guest cannot read the value of a
//! general-purpose timer.

use board_support::clock::{Clock, Timers};
use board_support::mmio::Registers;
use board_support::rounds::Rounds;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use critical_section::CriticalSection;

use crate::interrupt;

// SAFETY: this is timer 0 of the chip, and only this module touches it.
const ALARM: Registers = unsafe { Registers::new(0x4003_0000, 0x1000) };

const CONFIGURATION: usize = 0x00;
const MODE: usize = 0x04;
const CONTROL: usize = 0x0C;
const MASK: usize = 0x18;
const CLEAR: usize = 0x24;
const LOAD: usize = 0x28;

/// Joins both halves to one 32-bit timer.
const WHOLE: u32 = 0;
const ONE_SHOT: u32 = 1;
const OFF: u32 = 0;
const ON: u32 = 1;
const TIMED_OUT: u32 = 1;

embassy_time_driver::time_driver_impl!(static CLOCK: Clock<Stellaris> = Clock::new());
static ROUNDS: Rounds<24> = Rounds::new();

/// Both timers run at the core's clock, which keeps its reset value of 12.5 MHz.
struct Stellaris;

/// Starts the counter.
pub(crate) fn start(counter: &mut SYST) {
    ALARM.write(CONFIGURATION, WHOLE);
    ALARM.write(MODE, ONE_SHOT);
    ALARM.write(MASK, TIMED_OUT);
    interrupt::TIMER0.unmask();
    counter.set_clock_source(SystClkSource::Core);
    counter.set_reload(0x00FF_FFFF);
    counter.clear_current();
    counter.enable_interrupt();
    counter.enable_counter();
}

impl Timers for Stellaris {
    const TICKS: u64 = 25;
    const MICROSECONDS: u64 = 2;

    fn ticks(cs: CriticalSection) -> u64 {
        ROUNDS.ticks(cs, SYST::get_current, SCB::is_pendst_pending)
    }

    fn set_alarm(ticks: u32) {
        ALARM.write(LOAD, ticks);
        ALARM.write(CONTROL, ON);
    }

    fn stop_alarm() {
        ALARM.write(CONTROL, OFF);
        ALARM.write(CLEAR, TIMED_OUT);
    }
}

/// The core acknowledges this interrupt itself on entry. All interrupts have the same priority, so no other interrupt
/// handler runs before `on_round` has counted the round.
#[exception]
fn SysTick() {
    critical_section::with(|cs| ROUNDS.on_round(cs));
}

pub(crate) extern "C" fn on_alarm() {
    CLOCK.on_alarm();
}
