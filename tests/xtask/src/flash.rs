//! `cargo xtask flash`: firmware onto a board that a person owns, by probe-rs.
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
    // Ctrl-C is probe-rs's to handle: it has to leave the chip in order. This program waits for it.
    flag::register(SIGINT, Arc::new(AtomicBool::new(false))).context("cannot catch Ctrl-C")?;
    command::run(Command::new(PROBE_RS).args(["run", "--chip", chip]).arg(elf))
}
