//! `cargo xtask flash`: writes firmware to a real board with probe-rs.
//!
//! probe-rs writes the program through the board's debug probe, starts it, and shows its log until
//! Ctrl-C.

use std::{
    process::Command,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context, Result, bail};
use signal_hook::{consts::signal::SIGINT, flag};

use crate::{board::Board, command, firmware, toolchain::Toolchain};

/// The program that talks to debug probes.
const PROBE_RS: &str = "probe-rs";

/// Builds `example` for `board`, flashes it and shows its log.
pub fn run(example: &str, board: &str) -> Result<()> {
    let (board, chip) = Board::flashable(board)?;
    if command::find_program(PROBE_RS).is_none() {
        bail!("{PROBE_RS} is not installed: cargo install probe-rs-tools --locked");
    }
    let elf = firmware::build(Toolchain::ready()?, board, example)?;
    // probe-rs handles Ctrl-C, since it must leave the chip in a clean state. This program waits
    // for it.
    flag::register(SIGINT, Arc::new(AtomicBool::new(false))).context("cannot catch Ctrl-C")?;
    command::run(Command::new(PROBE_RS).args(["run", "--chip", chip]).arg(elf))
}
