//! Reads an ELF file: the sections that are loaded on the chip, and their symbols.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use object::{
    Object, ObjectSection, ObjectSymbol, SectionFlags, SymbolSection,
    elf::{SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE},
    read::SectionKind,
};

/// What a section contains, and in which memory the section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Code, in flash.
    Code,
    /// Constants, in flash.
    Constants,
    /// Variables in RAM, with their initial values in flash.
    Both,
    /// Variables in RAM that are zeroed or not initialised.
    Ram,
}

impl Kind {
    /// Returns the kind, or `None` for debug information, symbols and log strings, which are never
    /// on the chip.
    fn of(flags: SectionFlags, kind: SectionKind) -> Option<Self> {
        let SectionFlags::Elf { sh_flags } = flags else { return None };
        let has = |flag: u32| sh_flags & u64::from(flag) != 0;
        match kind {
            _ if !has(SHF_ALLOC) => None,
            SectionKind::UninitializedData => Some(Kind::Ram),
            _ if has(SHF_WRITE) => Some(Kind::Both),
            _ if has(SHF_EXECINSTR) => Some(Kind::Code),
            _ => Some(Kind::Constants),
        }
    }

    /// Returns whether the section is written into flash.
    pub fn is_in_flash(self) -> bool {
        self != Kind::Ram
    }

    /// Returns whether the section has an address in RAM.
    pub fn is_in_ram(self) -> bool {
        matches!(self, Kind::Both | Kind::Ram)
    }
}

/// A section on the chip.
#[derive(Debug, Clone)]
pub struct Section {
    /// The section's name.
    pub name: String,
    /// The section's kind.
    pub kind: Kind,
    /// The section's first address.
    pub address: u64,
    /// The section's size in bytes.
    pub size: u64,
    /// The section's symbols, sorted by address.
    pub symbols: Vec<Symbol>,
}

/// A named part of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The symbol's name, with the Rust path.
    pub name: String,
    /// The symbol's first address.
    pub address: u64,
    /// The symbol's size in bytes. A symbol of assembler code may have the size 0; such a symbol extends to the next
    /// symbol.
    pub size: u64,
}

/// riscv-rt's section for the RAM that no other section uses. Other start-up code has no section for the stack.
const STACK: &str = ".stack";

/// Reads the sections that are on the chip and not empty, in the file's order. Leaves out the section of the stack,
/// because this section is all the RAM that no other section uses.
pub fn sections(elf: &Path) -> Result<Vec<Section>> {
    let bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let file = object::File::parse(&*bytes);
    let file = file.with_context(|| format!("{} is not an object file", elf.display()))?;
    let mut found = Vec::new();
    for section in file.sections().filter(|section| section.size() > 0) {
        let Some(kind) = Kind::of(section.flags(), section.kind()) else { continue };
        if section.name() == Ok(STACK) {
            continue;
        }
        let inside = |symbol: &object::Symbol<'_, '_>| {
            symbol.section() == SymbolSection::Section(section.index())
        };
        let symbols = file.symbols().filter(inside).filter_map(|symbol| {
            let name = symbol.name().ok().filter(|name| is_function_or_variable(name))?;
            // The lowest bit of a function's address is set for Thumb code.
            let thumb = u64::from(kind == Kind::Code && file.architecture() == ARM);
            let address = symbol.address() & !thumb;
            Some(Symbol { name: demangled(name), address, size: symbol.size() })
        });
        let mut symbols: Vec<_> = symbols.collect();
        // Of the symbols at the same address, the longest symbol comes first.
        symbols.sort_by_key(|symbol| (symbol.address, u64::MAX - symbol.size));
        let name = section.name().unwrap_or("(unnamed)").to_owned();
        let (address, size) = (section.address(), section.size());
        found.push(Section { name, kind, address, size, symbols });
    }
    Ok(found)
}

const ARM: object::Architecture = object::Architecture::Arm;

/// Returns whether a symbol is a function or a variable. Arm's mapping symbols, such as `$t` and `$d`, are neither.
fn is_function_or_variable(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('$')
}

/// Returns the Rust path of a symbol, without the hash of a mangled name.
fn demangled(name: &str) -> String {
    addr2line::demangle_auto(name.into(), None).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_section_follows_from_its_elf_flags() {
        let elf = |flags: u32| SectionFlags::Elf { sh_flags: u64::from(flags) };
        let kind = |flags, kind| Kind::of(elf(flags), kind);
        let both = SHF_ALLOC | SHF_WRITE;
        assert_eq!(kind(both, SectionKind::UninitializedData), Some(Kind::Ram));
        assert_eq!(kind(both, SectionKind::Data), Some(Kind::Both));
        assert_eq!(kind(SHF_ALLOC, SectionKind::ReadOnlyData), Some(Kind::Constants));
        assert_eq!(kind(SHF_ALLOC | SHF_EXECINSTR, SectionKind::Text), Some(Kind::Code));
        assert_eq!(kind(0, SectionKind::Debug), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error() {
        let error = sections(Path::new(file!()).file_name().unwrap().as_ref()).unwrap_err();
        assert_eq!(error.to_string(), "cannot read elf.rs");
    }

    #[test]
    fn the_symbols_of_this_test_are_in_its_sections() {
        let sections = sections(&std::env::current_exe().unwrap()).unwrap();
        let code = sections.iter().find(|section| section.name == ".text").unwrap();
        let end = code.address + code.size;
        assert!(code.symbols.iter().all(|symbol| (code.address..=end).contains(&symbol.address)));
        let name = "elf::tests::the_symbols_of_this_test_are_in_its_sections";
        assert!(code.symbols.iter().any(|symbol| symbol.name.contains(name)));
    }
}
