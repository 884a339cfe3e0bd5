//! The way to the debug probe: log lines, panics, and the end of a program.
//!
//! `probe-rs run` is at the other end of it: it prints the lines, and ends when the firmware does.

use {defmt_rtt as _, panic_probe as _};

/// Ends the program with `status`, which becomes that of `probe-rs run`, by semihosting.
///
/// Without a probe nobody takes the status, and the breakpoint that asks for it would be a hard fault. A chip that
/// sees that it has none sleeps until it is reset. A Cortex-M0+ cannot see that: its fault handler loops.
pub async fn exit(status: i32) -> ! {
    // The Cortex-M0+ is the one without atomic exchange.
    let can_see = cfg!(target_has_atomic = "32");
    defmt::flush();
    if !can_see || cortex_m::peripheral::DCB::is_debugger_attached() {
        semihosting::process::exit(status)
    }
    loop {
        cortex_m::asm::wfi();
    }
}
