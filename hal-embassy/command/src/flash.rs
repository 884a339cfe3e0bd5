//! Writes an image to a board with probe-rs or espflash.
//!
//! Both programs write the image, start it, and show its log until Ctrl-C. probe-rs uses the board's debug probe, and
//! espflash uses the board's USB connector. A board that appears as a drive needs neither program: see
//! [`crate::drive`].

use std::{
    path::Path,
    process::Command,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context, Result, bail};
use signal_hook::{consts::signal::SIGINT, flag};

use crate::command;

/// The program that talks to debug probes.
const PROBE_RS: &str = "probe-rs";

/// The message of probe-rs if it finds no probe.
const NO_PROBE: &str = "No debug probes were found";

/// The program that talks to the loader of Espressif's chips.
const ESPFLASH: &str = "espflash";

/// Checks that espflash is installed. Does not look for a board, because espflash itself looks for the board.
///
/// # Errors
/// If espflash is not installed. The error explains what to do.
pub fn check_espflash() -> Result<()> {
    if command::find_program(ESPFLASH).is_none() {
        bail!("{ESPFLASH} is not installed: cargo install espflash --locked");
    }
    Ok(())
}

/// Flashes an image to a chip and shows its log. `chip` is espflash's name for the chip.
///
/// # Errors
/// If espflash fails. The error shows the command line, to paste it into a shell.
pub fn by_espflash(elf: &Path, chip: &str) -> Result<()> {
    let mut espflash = Command::new(ESPFLASH);
    espflash.args(["flash", "--chip", chip, "--monitor", "--log-format", "defmt"]);
    command::run(espflash.arg(elf))
}

/// Checks that probe-rs is installed and finds a probe.
///
/// # Errors
/// If probe-rs is not installed, or no probe is connected. The error explains what to do.
pub fn check_probe() -> Result<()> {
    if command::find_program(PROBE_RS).is_none() {
        bail!("{PROBE_RS} is not installed: cargo install probe-rs-tools --locked");
    }
    let found = command::capture(Command::new(PROBE_RS).arg("list"), command::QUERY_LIMIT)?;
    if found.contains(NO_PROBE) {
        bail!(
            "{PROBE_RS} finds no debug probe: connect the board by its debug port, then try again"
        );
    }
    Ok(())
}

/// Flashes an image to a chip and shows its log. `chip` is probe-rs' name for the chip.
///
/// # Errors
/// If probe-rs fails. The error shows the command line, to paste it into a shell.
pub fn run(elf: &Path, chip: &str) -> Result<()> {
    // probe-rs handles Ctrl-C, since probe-rs must leave the chip in a clean state. This program ignores Ctrl-C and
    // waits until probe-rs ends.
    flag::register(SIGINT, Arc::new(AtomicBool::new(false))).context("cannot catch Ctrl-C")?;
    command::run(Command::new(PROBE_RS).args(["run", "--chip", chip]).arg(elf))
}
