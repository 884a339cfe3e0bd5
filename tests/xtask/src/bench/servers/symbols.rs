//! Whose the code in a linked program is, by the names of its symbols.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use object::{Object, ObjectSymbol, SymbolKind};

/// The bytes of code of each crate.
///
/// # Errors
/// When the file can not be read, is no program, or has no symbols.
pub fn text_by_crate(program: &Path) -> Result<BTreeMap<String, u64>> {
    let shown = || program.display().to_string();
    let bytes = fs::read(program).with_context(shown)?;
    let file = object::File::parse(&*bytes).with_context(shown)?;
    let mut text = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
        // Two names of the same code are one code.
        if symbol.size() == 0 || !seen.insert(symbol.address()) {
            continue;
        }
        let name = rustc_demangle::demangle(symbol.name().unwrap_or_default()).to_string();
        *text.entry(crate_of(&name).to_owned()).or_default() += symbol.size();
    }
    anyhow::ensure!(!text.is_empty(), "{} has no symbols", shown());
    Ok(text)
}

/// The crate that a demangled name begins with, which for a method is that of its type.
fn crate_of(name: &str) -> &str {
    let name = name.trim_start_matches(['<', '&', '*', '(', '[']);
    let name = name.strip_prefix("mut ").or(name.strip_prefix("const ")).unwrap_or(name);
    let name = name.strip_prefix("dyn ").unwrap_or(name);
    let end = name.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_with_its_crate() {
        for (name, of) in [
            ("picoevent::base::EventBase<A>::next", "picoevent"),
            ("<picoevent::tables::Tables<A> as picoevent::list::Links>::link", "picoevent"),
            ("<&mut picoevent_sim::live::Live as core::fmt::Debug>::fmt", "picoevent_sim"),
            ("picoevent_sim::live::Live::settle", "picoevent_sim"),
            ("<dyn core::any::Any>::type_id", "core"),
            ("main", "main"),
        ] {
            assert_eq!(crate_of(name), of, "{name}");
        }
    }

    #[test]
    fn this_program_has_code_of_its_own_and_of_the_library() {
        let text = text_by_crate(&std::env::current_exe().unwrap()).unwrap();
        assert!(text["xtask"] > 0 && text["core"] > 0, "{text:?}");
        assert!(text_by_crate(Path::new("/proc/self/stat")).is_err());
    }
}
