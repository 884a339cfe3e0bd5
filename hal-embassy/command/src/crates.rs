//! Finds the crate that owns each byte of a firmware.
//!
//! With link-time optimization, the compiler inlines functions of one crate into functions of another crate. So the
//! name of a symbol is not enough: half of the event loop may be in the function of the task that runs the loop. For
//! each instruction, the debug information lists the function that contains the instruction in the source, then the
//! caller into which this function is inlined, and so on. An instruction belongs to the crate of the first function in
//! this list that is not in the core library. So inlined code of the core library belongs to its caller. Variables, and
//! code without debug information, belong to the crate in the name of their symbol.
//!
//! Every byte is counted once. Bytes without an owner are counted under a separate name, and the sums are compared
//! with the sizes of the sections.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, ensure};

use crate::elf::{Kind, Section, Symbol, sections};
use crate::locations::Locations;

/// `memcpy`, `memset` and similar functions: the compiler's versions, or smaller versions that are linked instead.
pub const MEMORY: &str = "(memory functions)";
/// Identical code of several functions, merged by the optimizer.
pub const SHARED: &str = "(code shared by functions)";
/// Interrupt vectors, or a boot loader's first stage.
pub const VECTORS: &str = "(vectors)";
/// Constants: their names do not show their crate.
pub const CONSTANTS: &str = "(constants)";
/// Padding, bytes without a symbol, and symbols whose name contains no crate.
pub const REST: &str = "(padding and the rest)";

/// The numbers of bytes of one crate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Bytes in flash.
    pub flash: u64,
    /// Bytes in RAM.
    pub ram: u64,
    /// Bytes of code in flash. `flash` contains them, too.
    pub code: u64,
}

/// The crates of a firmware, with their bytes.
pub type Shares = BTreeMap<String, Share>;

/// Finds the owners of a firmware's bytes in its ELF file.
///
/// # Errors
/// If the file cannot be read, if the file's debug information is damaged, or if the sums differ from the sizes of the
/// file's sections.
pub fn shares(elf: &Path) -> Result<Shares> {
    let locations = Locations::read(elf)?;
    let mut shares = Shares::new();
    let (mut flash, mut ram) = (0, 0);
    for section in sections(elf)? {
        flash += if section.kind.is_in_flash() { section.size } else { 0 };
        ram += if section.kind.is_in_ram() { section.size } else { 0 };
        for (owner, bytes) in split(&section, &locations) {
            let share = shares.entry(owner).or_default();
            share.flash += if section.kind.is_in_flash() { bytes } else { 0 };
            share.ram += if section.kind.is_in_ram() { bytes } else { 0 };
            share.code += if section.kind == Kind::Code { bytes } else { 0 };
        }
    }
    let sums = shares.values().fold((0, 0), |(f, r), share| (f + share.flash, r + share.ram));
    ensure!(
        sums == (flash, ram),
        "the crates of {} have {sums:?} bytes in total, but its sections have {:?}",
        elf.display(),
        (flash, ram),
    );
    Ok(shares)
}

/// Returns the bytes of code of each crate, by the names of the symbols, for a program without
/// debug information.
pub fn code_by_name(program: &Path) -> Result<BTreeMap<String, u64>> {
    let mut code = BTreeMap::new();
    for section in sections(program)?.into_iter().filter(|section| section.kind == Kind::Code) {
        let mut symbols = section.symbols;
        // Code with two names counts once.
        symbols.dedup_by_key(|symbol| symbol.address);
        for Symbol { name, size, .. } in symbols.iter().filter(|symbol| symbol.size > 0) {
            *code.entry(crate_of(name).unwrap_or(REST).to_owned()).or_default() += size;
        }
    }
    ensure!(!code.is_empty(), "{} has no symbols", program.display());
    Ok(code)
}

/// Returns the variables in RAM of a firmware, the largest first.
pub fn variables(elf: &Path) -> Result<Vec<Symbol>> {
    let sections = sections(elf)?.into_iter().filter(|section| section.kind.is_in_ram());
    let mut symbols: Vec<_> = sections.flat_map(|section| section.symbols).collect();
    symbols.retain(|symbol| symbol.size > 0);
    symbols.sort_by_key(|symbol| (u64::MAX - symbol.size, symbol.name.clone()));
    Ok(symbols)
}

/// Splits a section into runs of bytes with one owner each.
fn split(section: &Section, locations: &Locations) -> Vec<(String, u64)> {
    let end = section.address + section.size;
    let mut runs = Vec::new();
    let mut at = section.address;
    let mut symbols = section.symbols.iter().peekable();
    while let Some(symbol) = symbols.next() {
        let next = symbols.peek().map_or(end, |next| next.address);
        // The symbol may be an alias of another symbol, or lie within another symbol. So do not count bytes before `at`
        // again.
        let from = symbol.address.max(at);
        let to = match symbol.size {
            0 => next,
            size => symbol.address + size,
        };
        let to = to.min(end);
        if from >= to {
            continue;
        }
        runs.push((gap_owner(section), from - at));
        if section.kind == Kind::Code && helper_owner(&symbol.name).is_none() {
            code(symbol, from..to, locations, &mut runs);
        } else {
            runs.push((owner(section, symbol), to - from));
        }
        at = to;
    }
    runs.push((gap_owner(section), end - at));
    runs
}

/// Returns the owner of bytes without a symbol.
fn gap_owner(section: &Section) -> String {
    let owner = if section.kind == Kind::Constants { of_constants(section) } else { REST };
    owner.to_owned()
}

fn of_constants(section: &Section) -> &'static str {
    if section.name.starts_with(".rodata") { CONSTANTS } else { VECTORS }
}

fn owner(section: &Section, symbol: &Symbol) -> String {
    match section.kind {
        Kind::Constants => of_constants(section).to_owned(),
        _ => {
            helper_owner(&symbol.name).or_else(|| crate_of(&symbol.name)).unwrap_or(REST).to_owned()
        }
    }
}

/// Finds the crate of each byte of a symbol's code, and appends the bytes to `runs`. The module's documentation
/// describes which crate this is.
fn code(
    symbol: &Symbol,
    addresses: std::ops::Range<u64>,
    locations: &Locations,
    runs: &mut Vec<(String, u64)>,
) {
    for address in addresses {
        let functions = locations.functions(address);
        let mut crates = functions.iter().filter_map(|function| crate_of(function));
        let found = crates.clone().find(|name| *name != "core").or(crates.next_back());
        let owner = found.or_else(|| crate_of(&symbol.name)).unwrap_or(REST);
        match runs.last_mut() {
            Some((last, bytes)) if *last == owner => *bytes += 1,
            _ => runs.push((owner.to_owned(), 1)),
        }
    }
}

/// Returns the owner of a symbol whose name has no Rust path, if the symbol is one of the known helpers of the
/// compiler; `None` for every other symbol.
fn helper_owner(name: &str) -> Option<&'static str> {
    let bare_name = name.trim_start_matches('_').trim_start_matches("aeabi_");
    if ["memcpy", "memmove", "memset", "memclr", "memcmp", "bcmp"]
        .iter()
        .any(|f| bare_name.starts_with(f))
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

/// Returns the crate at the beginning of a path. For `<a::B as c::D>::e` the crate is `a`. For `<T as c::D>::e`, where
/// `T` is a primitive type or a type parameter, the crate is `c`. Returns `None` for a name without a path, such as
/// `Reset`.
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
                "picoevent::conn::reports::<impl picoevent::base::EventBase<A>>::sent",
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
        assert!(code["picoevent_command"] > 0 && code["core"] > 0, "{code:?}");
        assert!(code_by_name(Path::new("/proc/self/stat")).is_err());
    }

    #[test]
    fn functions_without_a_crate_have_an_owner() {
        assert_eq!(helper_owner("__aeabi_memcpy4"), Some(MEMORY));
        assert_eq!(helper_owner("memset"), Some(MEMORY));
        assert_eq!(helper_owner("OUTLINED_FUNCTION_7"), Some(SHARED));
        assert_eq!(helper_owner("__aeabi_uldivmod"), Some("compiler_builtins"));
        assert_eq!(helper_owner("picoevent::memory"), None);
    }

    #[test]
    fn each_byte_of_a_section_is_counted_once() {
        let locations = Locations::read(&std::env::current_exe().unwrap()).unwrap();
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
        for (owner, bytes) in split(&section, &locations) {
            *sums.entry(owner).or_insert(0) += bytes;
        }
        // `REST` has the bytes without a symbol, and the bytes of the symbol `label`, whose name contains no crate.
        // Bytes beyond the end of the section are not counted.
        let expected = [("app", 16 + 20), ("other", 6), (REST, 4 + 4 + 10)];
        let expected = expected.map(|(owner, bytes)| (owner.to_owned(), bytes));
        assert_eq!(sums, BTreeMap::from(expected));
    }
}
