//! `cargo xtask flash`: builds an example and writes it to a real board, like `cargo picoevent flash` does with any
//! image.

use anyhow::Result;
use picoevent_command::{drive, flash};

use crate::{
    board::{Board, FlashedBy},
    firmware,
    toolchain::Toolchain,
};

/// Builds `example` for `board` and flashes it. Shows the log of the board, or prints how to see the log.
pub fn run(example: &str, board: &str) -> Result<()> {
    let (board, hardware) = Board::flashable(board)?;
    let build = || firmware::build(Toolchain::ready()?, board, example);
    match hardware.flashed_by {
        FlashedBy::Probe => {
            flash::check_probe()?;
            flash::run(&build()?, hardware.chip)
        }
        FlashedBy::Drive => {
            // Check for the drive before the build, because the build takes long.
            let drive = drive::find(hardware.chip)?;
            drive::write(&build()?, hardware.chip, &drive)
        }
        FlashedBy::Espflash => {
            flash::check_espflash()?;
            flash::by_espflash(&build()?, hardware.chip)
        }
    }
}
