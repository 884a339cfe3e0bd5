//! The log, panics and the exit through a debug probe.
//!
//! On the host, `probe-rs run` prints the log, and ends when the firmware ends.

use {defmt_rtt as _, panic_probe as _};

/// Ends the program by semihosting. `status` becomes the exit status of `probe-rs run`.
///
/// Without a probe, the breakpoint of semihosting causes a hard fault. So the chip checks whether a probe is connected.
/// If no probe is connected, the chip sleeps until it is reset. A Cortex-M0+ cannot check whether a probe is connected.
/// So without a probe, a Cortex-M0+ loops in the hard fault handler.
pub async fn exit(status: i32) -> ! {
    // `can_detect_probe` is false only for a Cortex-M0+. All other processors of the boards have atomic exchange.
    let can_detect_probe = cfg!(target_has_atomic = "32");
    defmt::flush();
    if !can_detect_probe || cortex_m::peripheral::DCB::is_debugger_attached() {
        semihosting::process::exit(status)
    }
    loop {
        cortex_m::asm::wfi();
    }
}
