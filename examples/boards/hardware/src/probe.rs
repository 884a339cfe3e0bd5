//! The log, panics and the exit through a debug probe.
//!
//! On the host, `probe-rs run` prints the log, and ends when the firmware ends.

use {defmt_rtt as _, panic_probe as _};

/// Ends the program by semihosting. `status` becomes the exit status of `probe-rs run`.
///
/// Without a probe, the breakpoint of semihosting causes a hard fault. So the chip checks for a probe, and sleeps
/// until it is reset if there is none. A Cortex-M0+ cannot check this: its hard fault handler loops.
pub async fn exit(status: i32) -> ! {
    // Of the boards' processors, only the Cortex-M0+ has no atomic exchange.
    let can_see = cfg!(target_has_atomic = "32");
    defmt::flush();
    if !can_see || cortex_m::peripheral::DCB::is_debugger_attached() {
        semihosting::process::exit(status)
    }
    loop {
        cortex_m::asm::wfi();
    }
}
