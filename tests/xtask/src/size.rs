//! `cargo xtask size`: measures the memory of the firmware on each board, and how much of this memory the core takes.
//!
//! Flash holds everything that is written into the chip: vectors, code, constants, and the initial values of variables.
//! Static RAM holds what the linker assigns: initialised, zeroed and uninitialised variables. The stack uses the
//! remaining RAM, so the stack is not included. The depth of the stack is measured by running the firmware. Each table
//! is also written into `docs/performance.md`.

pub mod alone;
mod baseline;
pub mod hardware;
mod owners;
pub mod stack;
pub mod stacks;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
pub use picoevent_command::{crates, elf};

use crate::{
    board::BOARDS,
    firmware, generated,
    table::{Format, Table},
    toolchain::Toolchain,
    workspace,
};
use elf::{Section, sections};

/// The measured example.
const EXAMPLE: &str = "hello-world";

/// The title of the column for the program `tasks-many` on the first board. This program does the same as hello-world,
/// but with tasks: one task for each socket of hello-world.
const AS_TASKS: &str = "tasks, same board";

/// The memory of one firmware, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes written into the chip.
    pub flash: u64,
    /// Bytes of RAM assigned by the linker.
    pub ram: u64,
    /// Every section in flash or RAM with its size, in the file's order.
    pub sections: Vec<(String, u64)>,
}

/// The options of `cargo xtask size`.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub struct Options {
    /// Print the tables as Markdown
    #[arg(long)]
    pub markdown: bool,
    /// Measure only the examples on every hardware board; writes docs/boards.md
    #[arg(long, conflicts_with = "stacks")]
    pub boards: bool,
    /// Measure only hello-world on lwIP and Mongoose; this folder must contain clones of both
    #[arg(long, value_name = "FOLDER")]
    pub stacks: Option<PathBuf>,
}

/// Measures the sizes, prints the tables, and writes the tables into `docs/performance.md` (`docs/boards.md` with
/// `--boards`).
///
/// # Errors
/// If something cannot be built or run.
pub fn run(options: &Options) -> Result<()> {
    let format = if options.markdown { Format::Markdown } else { Format::Plain };
    match &options.stacks {
        Some(clones) => stacks::run(clones, format),
        None if options.boards => hardware::run(format),
        None => measure_all(format),
    }
}

fn measure_all(format: Format) -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let mut elves = Vec::new();
    let (mut rows, mut shares) = (Vec::new(), Vec::new());
    for board in &BOARDS {
        let elf = firmware::build(toolchain, board, EXAMPLE)?;
        rows.push((board.name, measure(&elf)?));
        if board.has_code() {
            shares.push((board.name, crates::shares(&elf)?));
        }
        elves.push(elf);
    }
    for elf in firmware::build_baseline(toolchain, &BOARDS[0], &["tasks-many"])? {
        shares.insert(1, (AS_TASKS, crates::shares(&elf)?));
    }
    let document = workspace::root().join("docs/performance.md");
    let show = |name, table: Table| {
        print!("\n{}\n\n{}", table.title, table.grid(format));
        generated::write_section(&document, name, &table.grid(Format::Markdown))
    };
    show("size boards", table::table(&rows))?;
    show("size flash", owners::table("flash, by crate", &shares, |share| share.flash))?;
    show("size ram", owners::table("static RAM, by crate", &shares, |share| share.ram))?;
    let title = format!("variables, {}", BOARDS[0].name);
    show("size variables", owners::variables_table(&title, &elves[0])?)?;
    show("size servers", baseline::table(toolchain)?)?;
    show("size core", alone::table(toolchain)?)?;
    show("size memory", alone::memory_table(toolchain)?)?;
    show("size protocols", alone::protocols(toolchain)?)?;
    show("size protocols by file", alone::parts(toolchain)?)?;
    show("size stack", stack::table(toolchain)?)
}

/// Measures the firmware in an ELF file.
pub fn measure(elf: &Path) -> Result<Usage> {
    Ok(sum(&sections(elf)?))
}

fn sum(sections: &[Section]) -> Usage {
    let mut usage = Usage::default();
    for Section { name, kind, size, .. } in sections {
        if kind.is_in_flash() {
            usage.flash += size;
        }
        if kind.is_in_ram() {
            usage.ram += size;
        }
        usage.sections.push((name.clone(), *size));
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use elf::Kind;

    #[test]
    fn initial_values_count_twice() {
        let section = |name: &str, size, kind| Section {
            name: name.to_owned(),
            kind,
            address: 0,
            size,
            symbols: Vec::new(),
        };
        let usage = sum(&[
            section(".vector_table", 0x100, Kind::Constants),
            section(".text", 1_000, Kind::Code),
            section(".data", 16, Kind::Both),
            section(".bss", 400, Kind::Ram),
        ]);
        assert_eq!((usage.flash, usage.ram), (1_272, 416));
        let names: Vec<_> = usage.sections.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, [".vector_table", ".text", ".data", ".bss"]);
    }

    #[test]
    fn the_program_of_this_test_can_be_measured() {
        let usage = measure(&std::env::current_exe().unwrap()).unwrap();
        let named = |wanted: &str| usage.sections.iter().any(|(name, _)| name == wanted);
        assert!(named(".text") && named(".bss") && usage.flash > usage.ram);
    }
}
