//! `cargo xtask flash`: builds an example and writes it to a real board, as `cargo picoevent flash` does with any
//! image.

use anyhow::Result;
use picoevent_command::flash;

use crate::{board::Board, firmware, toolchain::Toolchain};

/// Builds `example` for `board`, flashes it and shows its log.
pub fn run(example: &str, board: &str) -> Result<()> {
    let (board, chip) = Board::flashable(board)?;
    flash::check_probe()?;
    flash::run(&firmware::build(Toolchain::ready()?, board, example)?, chip)
}
