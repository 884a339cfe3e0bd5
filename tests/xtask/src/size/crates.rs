//! Whose the bytes of a firmware are.
//!
//! With link-time optimization a function of one crate is inlined into one of another, so the name
//! of a symbol does not say enough: half of the event loop may stand in the task that runs it. The
//! debugging information knows for each instruction which function it was written in, and within
//! which others that stands. An instruction belongs to the innermost of them that is not the core
//! library's, whose helpers are everywhere: they are their caller's. Code without such information,
//! and variables, go by the name of their symbol.
//!
//! Every byte is counted once. What belongs to nobody has a name too, and the sums are checked
//! against the sections.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, ensure};

use super::elf::{Kind, Section, Symbol, sections};
use crate::places::Places;

/// The compiler's own functions for memory, or the board's in their place.
pub const MEMORY: &str = "(memory functions)";
/// Code that the optimizer found twice and keeps once.
pub const SHARED: &str = "(code shared by functions)";
/// Interrupt vectors, a boot loader's first stage.
pub const VECTORS: &str = "(vectors)";
/// Constants have no names that a crate could be read from.
pub const CONSTANTS: &str = "(constants)";
/// Between two pieces, and what no symbol covers.
pub const REST: &str = "(padding and the rest)";

/// Bytes of one crate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Written into the chip.
    pub flash: u64,
    /// Of RAM.
    pub ram: u64,
    /// Of them in flash, code.
    pub code: u64,
}

/// The crates of a firmware, and what each takes.
pub type Shares = BTreeMap<String, Share>;

/// Tells whose the bytes of the firmware in an ELF file are.
///
/// # Errors
/// When the file cannot be read, has no debugging information, or the sums are not its sections'.
pub fn shares(elf: &Path) -> Result<Shares> {
    let places = Places::read(elf)?;
    let mut shares = Shares::new();
    let (mut flash, mut ram) = (0, 0);
    for section in sections(elf)? {
        flash += if section.kind.is_in_flash() { section.size } else { 0 };
        ram += if section.kind.is_in_ram() { section.size } else { 0 };
        for (owner, bytes) in split(&section, &places) {
            let share = shares.entry(owner).or_default();
            share.flash += if section.kind.is_in_flash() { bytes } else { 0 };
            share.ram += if section.kind.is_in_ram() { bytes } else { 0 };
            share.code += if section.kind == Kind::Code { bytes } else { 0 };
        }
    }
    let sums = shares.values().fold((0, 0), |(f, r), share| (f + share.flash, r + share.ram));
    ensure!(
        sums == (flash, ram),
        "the crates of {} come to {sums:?} bytes, its sections to {:?}",
        elf.display(),
        (flash, ram),
    );
    Ok(shares)
}

/// Returns the bytes of code of each crate by the names of a program's symbols, for a program that
/// has no debugging information.
pub fn code_by_name(program: &Path) -> Result<BTreeMap<String, u64>> {
    let mut code = BTreeMap::new();
    for section in sections(program)?.into_iter().filter(|section| section.kind == Kind::Code) {
        let mut symbols = section.symbols;
        // Two names of the same code are one code.
        symbols.dedup_by_key(|symbol| symbol.address);
        for Symbol { name, size, .. } in symbols.iter().filter(|symbol| symbol.size > 0) {
            *code.entry(crate_of(name).unwrap_or(REST).to_owned()).or_default() += size;
        }
    }
    ensure!(!code.is_empty(), "{} has no symbols", program.display());
    Ok(code)
}

/// The variables of a firmware in RAM, the largest first.
pub fn variables(elf: &Path) -> Result<Vec<Symbol>> {
    let sections = sections(elf)?.into_iter().filter(|section| section.kind.is_in_ram());
    let mut symbols: Vec<_> = sections.flat_map(|section| section.symbols).collect();
    symbols.retain(|symbol| symbol.size > 0);
    symbols.sort_by_key(|symbol| (u64::MAX - symbol.size, symbol.name.clone()));
    Ok(symbols)
}

/// Parts a section: owners and their bytes, in runs.
fn split(section: &Section, places: &Places) -> Vec<(String, u64)> {
    let end = section.address + section.size;
    let mut runs = Vec::new();
    let mut at = section.address;
    let mut symbols = section.symbols.iter().peekable();
    while let Some(symbol) = symbols.next() {
        let next = symbols.peek().map_or(end, |next| next.address);
        // Aliases, and those within another.
        let from = symbol.address.max(at);
        let to = match symbol.size {
            0 => next,
            size => symbol.address + size,
        };
        let to = to.min(end);
        if from >= to {
            continue;
        }
        runs.push((gap(section), from - at));
        if section.kind == Kind::Code && special(&symbol.name).is_none() {
            code(symbol, from..to, places, &mut runs);
        } else {
            runs.push((owner(section, symbol), to - from));
        }
        at = to;
    }
    runs.push((gap(section), end - at));
    runs
}

/// The owner of what no symbol covers.
fn gap(section: &Section) -> String {
    let owner = if section.kind == Kind::Constants { of_constants(section) } else { REST };
    owner.to_owned()
}

fn of_constants(section: &Section) -> &'static str {
    if section.name.starts_with(".rodata") { CONSTANTS } else { VECTORS }
}

fn owner(section: &Section, symbol: &Symbol) -> String {
    match section.kind {
        Kind::Constants => of_constants(section).to_owned(),
        _ => special(&symbol.name).or_else(|| crate_of(&symbol.name)).unwrap_or(REST).to_owned(),
    }
}

/// Asks for the function that each byte of a symbol's code was written in.
fn code(
    symbol: &Symbol,
    addresses: std::ops::Range<u64>,
    places: &Places,
    runs: &mut Vec<(String, u64)>,
) {
    for address in addresses {
        let functions = places.functions(address);
        let mut crates = functions.iter().filter_map(|function| crate_of(function));
        let found = crates.clone().find(|name| *name != "core").or(crates.next_back());
        let owner = found.or_else(|| crate_of(&symbol.name)).unwrap_or(REST);
        match runs.last_mut() {
            Some((last, bytes)) if *last == owner => *bytes += 1,
            _ => runs.push((owner.to_owned(), 1)),
        }
    }
}

/// The owner that a symbol's name says, if it is nobody's in particular.
fn special(name: &str) -> Option<&'static str> {
    let bare = name.trim_start_matches('_').trim_start_matches("aeabi_");
    if ["memcpy", "memmove", "memset", "memclr", "memcmp", "bcmp"]
        .iter()
        .any(|f| bare.starts_with(f))
    {
        Some(MEMORY)
    } else if name.starts_with("OUTLINED_FUNCTION") {
        Some(SHARED)
    } else if name.starts_with("__aeabi_") {
        Some("compiler_builtins")
    } else {
        None
    }
}

/// The crate at the front of a path: of `<a::B as c::D>::e`, it is `a`, and `c` if `a::B` is a
/// primitive type or any type.
pub(super) fn crate_of(path: &str) -> Option<&str> {
    let path = path.trim_start_matches(['<', '&', '*', '[', '(']);
    let path = ["mut ", "const ", "dyn ", "impl "]
        .iter()
        .find_map(|word| path.strip_prefix(word))
        .map_or(path, |rest| rest.trim_start_matches(['<', '&', '*', '[', '(']));
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    if rest.starts_with("::") && !name.is_empty() {
        Some(name)
    } else {
        path.split_once(" as ").and_then(|(_, interface)| crate_of(interface))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_its_crate() {
        for (path, expected) in [
            ("picoevent::timer::Timers::arm", Some("picoevent")),
            ("<picoevent::time::Instant as core::cmp::Ord>::cmp", Some("picoevent")),
            (
                "picoevent::conn::feed::<impl picoevent::base::EventBase<A>>::sent",
                Some("picoevent"),
            ),
            ("<u32 as defmt::traits::Format>::format", Some("defmt")),
            ("<T as core::convert::Into<U>>::into", Some("core")),
            ("<dyn core::any::Any>::type_id", Some("core")),
            ("picoevent_mio::Live::settle", Some("picoevent_mio")),
            ("<&mut smoltcp::A as core::fmt::Debug>::fmt", Some("smoltcp")),
            ("Reset", None),
            ("", None),
        ] {
            assert_eq!(crate_of(path), expected, "{path}");
        }
    }

    #[test]
    fn this_program_has_code_of_its_own_and_of_the_library() {
        let code = code_by_name(&std::env::current_exe().unwrap()).unwrap();
        assert!(code["xtask"] > 0 && code["core"] > 0, "{code:?}");
        assert!(code_by_name(Path::new("/proc/self/stat")).is_err());
    }

    #[test]
    fn functions_of_nobody_in_particular_have_a_name() {
        assert_eq!(special("__aeabi_memcpy4"), Some(MEMORY));
        assert_eq!(special("memset"), Some(MEMORY));
        assert_eq!(special("OUTLINED_FUNCTION_7"), Some(SHARED));
        assert_eq!(special("__aeabi_uldivmod"), Some("compiler_builtins"));
        assert_eq!(special("picoevent::memory"), None);
    }

    #[test]
    fn each_byte_of_a_section_is_counted_once() {
        let places = Places::read(&std::env::current_exe().unwrap()).unwrap();
        let symbol = |name: &str, address, size| Symbol { name: name.to_owned(), address, size };
        let section = Section {
            name: ".bss".to_owned(),
            kind: Kind::Ram,
            address: 100,
            size: 60,
            symbols: vec![
                symbol("app::A", 104, 16),
                symbol("app::SAME", 104, 16),
                symbol("app::INSIDE", 110, 4),
                symbol("other::B", 116, 10),
                symbol("label", 130, 0),
                symbol("app::C", 140, 40),
            ],
        };
        let mut sums = BTreeMap::new();
        for (owner, bytes) in split(&section, &places) {
            *sums.entry(owner).or_insert(0) += bytes;
        }
        // The gaps and the label; what stands over the end is cut.
        let expected = [("app", 16 + 20), ("other", 6), (REST, 4 + 4 + 10)];
        let expected = expected.map(|(owner, bytes)| (owner.to_owned(), bytes));
        assert_eq!(sums, BTreeMap::from(expected));
    }
}
