//! `cargo xtask size`: what hello-world takes of each board's memory.
//!
//! Flash is what is written into the chip: vectors, code, constants, and the first values of
//! variables. Static RAM is what the linker gives away: variables with a first value, zeroed and
//! uninitialised. The stack is not in it: it takes what is left.

mod table;

use std::{fs, path::Path};

use anyhow::{Context, Result};
use object::{
    Object, ObjectSection, SectionFlags,
    elf::{SHF_ALLOC, SHF_WRITE},
    read::SectionKind,
};

use crate::{board::BOARDS, firmware, toolchain::Toolchain};
pub use table::Format;

/// The example that is measured.
const EXAMPLE: &str = "hello-world";

/// What one firmware takes, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes written into the chip.
    pub flash: u64,
    /// Bytes of RAM that have an address before the program starts.
    pub ram: u64,
    /// Every section that is in flash or RAM, with its size, in the file's order.
    pub sections: Vec<(String, u64)>,
}

/// Builds hello-world for every board and prints the table.
///
/// # Errors
/// When a board cannot be built.
pub fn run(format: Format) -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let mut rows = Vec::new();
    for board in &BOARDS {
        rows.push((board.name, measure(&firmware::build(toolchain, board, EXAMPLE)?)?));
    }
    print!("\n{EXAMPLE}, release build, bytes\n\n{}", table::table(&rows, format));
    Ok(())
}

/// Measures the firmware in an ELF file.
///
/// # Errors
/// When the file cannot be read or is no ELF file.
pub fn measure(elf: &Path) -> Result<Usage> {
    let bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let file = object::File::parse(&*bytes);
    let file = file.with_context(|| format!("cannot understand {}", elf.display()))?;
    let sections = file.sections().map(|section| {
        let name = section.name().unwrap_or("(unnamed)").to_owned();
        (name, section.size(), Kind::of(section.flags(), section.kind()))
    });
    Ok(sum(sections))
}

/// What a section costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Code and constants.
    Flash,
    /// Variables whose first values are in flash.
    Both,
    /// Variables that are zeroed or not initialised.
    Ram,
    /// Debugging information, symbols, log strings: never on the chip.
    Neither,
}

impl Kind {
    fn of(flags: SectionFlags, kind: SectionKind) -> Self {
        let SectionFlags::Elf { sh_flags } = flags else { return Kind::Neither };
        let has = |flag: u32| sh_flags & u64::from(flag) != 0;
        match kind {
            _ if !has(SHF_ALLOC) => Kind::Neither,
            SectionKind::UninitializedData => Kind::Ram,
            _ if has(SHF_WRITE) => Kind::Both,
            _ => Kind::Flash,
        }
    }
}

fn sum(sections: impl Iterator<Item = (String, u64, Kind)>) -> Usage {
    let mut usage = Usage::default();
    for (name, size, kind) in sections {
        if size == 0 || kind == Kind::Neither {
            continue;
        }
        if matches!(kind, Kind::Flash | Kind::Both) {
            usage.flash += size;
        }
        if matches!(kind, Kind::Ram | Kind::Both) {
            usage.ram += size;
        }
        usage.sections.push((name, size));
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_values_count_twice_and_debug_information_never() {
        let section = |name: &str, size, kind| (name.to_owned(), size, kind);
        let sections = [
            section(".vector_table", 0x100, Kind::Flash),
            section(".text", 1_000, Kind::Flash),
            section(".data", 16, Kind::Both),
            section(".bss", 400, Kind::Ram),
            section(".gnu.sgstubs", 0, Kind::Flash),
            section(".defmt", 10, Kind::Neither),
        ];
        let usage = sum(sections.into_iter());
        assert_eq!((usage.flash, usage.ram), (1_272, 416));
        let names: Vec<_> = usage.sections.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, [".vector_table", ".text", ".data", ".bss"]);
    }

    #[test]
    fn a_section_is_judged_by_its_elf_flags() {
        let elf = |flags: u32| SectionFlags::Elf { sh_flags: u64::from(flags) };
        let both = SHF_ALLOC | SHF_WRITE;
        assert_eq!(Kind::of(elf(both), SectionKind::UninitializedData), Kind::Ram);
        assert_eq!(Kind::of(elf(both), SectionKind::Data), Kind::Both);
        assert_eq!(Kind::of(elf(SHF_ALLOC), SectionKind::ReadOnlyData), Kind::Flash);
        assert_eq!(Kind::of(elf(0), SectionKind::Debug), Kind::Neither);
    }

    #[test]
    fn this_test_can_be_measured() {
        let usage = measure(&std::env::current_exe().unwrap()).unwrap();
        let named = |wanted: &str| usage.sections.iter().any(|(name, _)| name == wanted);
        assert!(named(".text") && named(".bss") && usage.flash > usage.ram);
    }

    #[test]
    fn what_is_no_elf_file_is_an_error() {
        let error = measure(Path::new(file!()).file_name().unwrap().as_ref()).unwrap_err();
        assert_eq!(error.to_string(), "cannot read size.rs");
    }
}
