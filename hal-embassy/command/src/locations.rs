//! Finds the source line for an address of the firmware's code.
//!
//! A board that panics logs only addresses, since messages and file names would take kilobytes of its flash. The debug
//! information in the ELF file on the host contains the functions and source lines of these addresses.

use std::{borrow::Cow, fs, path::Path, sync::Arc};

use addr2line::{Context, LookupResult};
use anyhow::{Context as _, Result};
use gimli::{Dwarf, EndianArcSlice, LittleEndian, SectionId};
use object::{Object, ObjectSection};

use crate::defmt_log::LogLine;

/// After a panic, a board logs one line for each call on the stack. These lines begin with this text.
const CALL_PREFIX: &str = "called from ";

/// The functions and source lines of a firmware.
pub struct Locations(Context<EndianArcSlice<LittleEndian>>);

impl Locations {
    /// Reads the debug information of the firmware's ELF file.
    ///
    /// # Errors
    /// If the file cannot be read or is not an object file, or if its debug information is damaged.
    pub fn read(elf: &Path) -> Result<Self> {
        let bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
        let file = object::File::parse(&*bytes)?;
        let section = |id: SectionId| {
            let data = file.section_by_name(id.name()).map(|section| section.uncompressed_data());
            let data = data.transpose()?.unwrap_or(Cow::Borrowed(&[]));
            anyhow::Ok(EndianArcSlice::new(Arc::from(&*data), LittleEndian))
        };
        Ok(Self(Context::from_dwarf(Dwarf::load(section)?)?))
    }

    /// Adds the function and the source line to a log line that has the address of a call.
    pub fn explain(&self, mut line: LogLine) -> LogLine {
        let address =
            line.message.strip_prefix(CALL_PREFIX).and_then(|address| address.strip_prefix("0x"));
        // The logged address is the return address. The call instruction is before that address.
        let call =
            address.and_then(|address| u64::from_str_radix(address, 16).ok()?.checked_sub(2));
        if let Some(location) = call.and_then(|call| self.find(call)) {
            line.message = format!("{}, {location}", line.message);
        }
        line
    }

    /// Returns the functions of the code at `address`, the innermost first. Each function is inlined into the next
    /// function of the list. Returns an empty list if there is no debug information for the address.
    pub fn functions(&self, address: u64) -> Vec<String> {
        let mut functions = Vec::new();
        let LookupResult::Output(frames) = self.0.find_frames(address) else { return functions };
        let Ok(mut frames) = frames else { return functions };
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|name| name.demangle().ok());
            functions.extend(name.map(Cow::into_owned));
        }
        functions
    }

    /// Returns the innermost function of the code at `address`, with its source line.
    fn find(&self, address: u64) -> Option<String> {
        let LookupResult::Output(frames) = self.0.find_frames(address) else { return None };
        let frame = frames.ok()?.next().ok()??;
        let function = frame.function.as_ref().and_then(|name| name.demangle().ok());
        let function = function.unwrap_or(Cow::Borrowed("a function without a name")).into_owned();
        let line = frame.location.and_then(|at| Some(format!("{}:{}", at.file?, at.line?)));
        Some(format!("{function} at {}", line.as_deref().unwrap_or("an unknown line")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: String) -> LogLine {
        LogLine { timestamp: String::new(), level: Some("error"), message }
    }

    #[test]
    fn lines_without_a_call_are_unchanged() {
        let locations = Locations::read(&std::env::current_exe().unwrap()).unwrap();
        for message in ["listening on port 9995", "called from somewhere", "called from 0x1"] {
            let line = line(message.to_owned());
            assert_eq!(locations.explain(line.clone()), line);
        }
    }

    #[test]
    fn a_file_without_code_is_an_error() {
        assert!(Locations::read(Path::new(file!())).is_err());
    }
}
