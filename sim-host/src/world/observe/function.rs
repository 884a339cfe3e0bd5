//! A function of the application, identified by its address.
//!
//! The name of the function is looked up in the program's symbols when it is needed. If the program has no symbols, no
//! name is found.

use std::ffi::c_void;

/// The address of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function(usize);

impl Function {
    pub(crate) const fn at(address: usize) -> Self {
        Self(address)
    }

    /// Returns the function's name without the crate's name, and the function's source location. The name or the
    /// location is `None` if it is not known. Example: `Hello::accepted` and `src/lib.rs:58`. If the program's debug
    /// information has only line numbers, the name is `accepted`.
    ///
    /// The first lookup takes 0.1 s or more.
    pub fn look_up(self) -> (Option<String>, Option<String>) {
        // The resolver expects a return address, which is after the call.
        let address = std::ptr::without_provenance_mut::<c_void>(self.0.wrapping_add(1));
        let mut known = (None, None);
        // The resolver reports inlined functions first, and the called function last.
        backtrace::resolve(address, |symbol| {
            let name = symbol.name().map(|name| without_crate(&format!("{name:#}")));
            let file = symbol.filename().zip(symbol.lineno());
            known = (name, file.map(|(file, line)| format!("{}:{line}", file.display())));
        });
        known
    }
}

/// Converts `<hello_world::Hello>::accepted` to `Hello::accepted`.
fn without_crate(name: &str) -> String {
    let name = name.replace(['<', '>'], "");
    match name.split_once("::") {
        Some((_, rest)) if !rest.is_empty() => rest.to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somewhere(number: usize) -> usize {
        number + 1
    }

    #[test]
    fn the_name_of_a_function_is_looked_up() {
        let call: fn(usize) -> usize = somewhere;
        let (name, location) = Function::at(call as usize).look_up();
        let (name, location) = (name.unwrap(), location.unwrap());
        assert!(name.ends_with("somewhere"), "{name}");
        assert!(location.contains("function.rs:"), "{location}");
    }

    #[test]
    fn a_name_is_shown_without_its_crate() {
        assert_eq!(without_crate("<hello_world::Hello>::accepted"), "Hello::accepted");
        assert_eq!(without_crate("echo::Echo::moved"), "Echo::moved");
        assert_eq!(without_crate("main"), "main");
    }
}
