//! `cargo xtask size --boards`: measures the memory of the examples on every hardware board.

use std::path::Path;

use anyhow::{Context, Result};

use super::elf::{Section, sections};
use crate::{
    board::Board,
    firmware, generated,
    table::{Format, Table, grouped},
    toolchain::Toolchain,
    workspace,
};

/// The measured examples, which every hardware board has.
const EXAMPLES: [&str; 3] = ["hello-world", "echo", "gateway"];

/// Links the examples for every hardware board. Prints their sizes and writes them into `docs/boards.md`.
///
/// # Errors
/// If an example does not link, or `docs/boards.md` cannot be written.
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
            cells.extend(measure(elf)?.map(grouped));
        }
        table.row(board.name, cells);
    }
    print!("\n{}\n\n{}", table.title, table.grid(format));
    let document = workspace::root().join("docs/boards.md");
    generated::write_section(&document, "boards", &table.grid(Format::Markdown))
}

/// Returns the bytes of flash and of static RAM.
fn measure(elf: &Path) -> Result<[u64; 2]> {
    Ok(sum(&sections(elf)?))
}

fn sum(sections: &[Section]) -> [u64; 2] {
    let mut sum = [0, 0];
    for Section { name, kind, size, .. } in sections {
        // These sections of Espressif's linker scripts contain nothing. `.stack` is the remaining RAM. Each of the
        // other sections is a gap: the chip shows the same memory at two addresses, and this memory is counted in the
        // section at the other address.
        let is_ignored =
            [".stack", ".text_gap"].contains(&name.as_str()) || name.ends_with("_dummy");
        if is_ignored {
            continue;
        }
        // These sections are code that the loader copies into RAM, so they count as flash and as RAM.
        let is_copied = [".trap", ".rwtext"].iter().any(|begin| name.starts_with(begin));
        sum[0] += if kind.is_in_flash() { *size } else { 0 };
        sum[1] += if kind.is_in_ram() || is_copied { *size } else { 0 };
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::elf::Kind;

    #[test]
    fn code_in_ram_counts_twice_and_the_rest_of_the_ram_does_not() {
        let section = |name: &str, size, kind| Section {
            name: name.to_owned(),
            kind,
            address: 0,
            size,
            symbols: Vec::new(),
        };
        let sections = [
            section(".rwtext.wifi", 1, Kind::Code),
            section(".data", 10, Kind::Both),
            section(".bss", 100, Kind::Ram),
            section(".text_gap", 1_000, Kind::Ram),
            section(".rwdata_dummy", 1_000_000, Kind::Ram),
            section(".text", 10_000, Kind::Code),
            section(".stack", 100_000, Kind::Ram),
        ];
        assert_eq!(sum(&sections), [10_011, 111]);
    }
}
