//! `cargo xtask size --boards`: the memory of the examples on every hardware board.

use anyhow::{Context, Result};

use super::measure;
use crate::{
    board::Board,
    firmware, marks,
    table::{Format, Table, grouped},
    toolchain::Toolchain,
    workspace,
};

/// The measured examples, which every hardware board has.
const EXAMPLES: [&str; 3] = ["hello-world", "echo", "gateway"];

/// Links the examples for every hardware board, prints their bytes and writes them into `docs/boards.md`.
///
/// # Errors
/// If one does not link, or the document cannot be written.
pub fn run(format: Format) -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let columns: String = EXAMPLES.map(|name| format!(" | {name}, flash | static RAM")).concat();
    let mut table = Table::new("release builds, bytes", &format!("board{columns}"));
    for (board, _) in Board::on_hardware() {
        let elves = firmware::build_all(toolchain, board)?;
        let mut cells = Vec::new();
        for example in EXAMPLES {
            let elf = elves.iter().find(|elf| elf.ends_with(example));
            let elf = elf.with_context(|| format!("{} has no {example}", board.name))?;
            let usage = measure(elf)?;
            cells.extend([usage.flash, usage.ram].map(grouped));
        }
        table.row(board.name, cells);
    }
    print!("\n{}\n\n{}", table.title, table.grid(format));
    let document = workspace::root().join("docs/boards.md");
    marks::write_down(&document, "boards", &table.grid(Format::Markdown))
}
