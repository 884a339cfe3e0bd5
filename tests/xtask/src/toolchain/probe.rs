//! Finding out what this machine has, by looking at files where that is enough.
//!
//! Nothing here changes anything or asks a network, and all of it together takes a fraction of a
//! second.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    TARGETS,
    decide::{Apt, Found, Rustup},
};
use crate::command;

/// A question to a program on this machine is answered in milliseconds or not at all.
const LIMIT: Duration = Duration::from_secs(20);

/// The oldest Rust that compiles this workspace, as its manifest says.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Looks for both toolchains and for the ways to complete them.
pub fn probe() -> Found {
    let rustup = command::find_program("rustup").is_some();
    Found {
        missing_targets: missing_targets(),
        rustup: if rustup { Rustup::Untried } else { Rustup::Absent },
        missing_packages: missing_packages(),
        apt: apt(),
    }
}

/// Whether Debian packages can be installed, and how.
pub fn apt() -> Apt {
    if command::find_program("apt-get").is_none() {
        Apt::Absent
    } else if answer(Command::new("id").arg("-u")).as_deref() == Some("0") {
        Apt::Root
    } else if command::find_program("sudo").is_some() {
        Apt::Sudo
    } else {
        Apt::NoRights
    }
}

fn missing_targets() -> Vec<&'static str> {
    let Some(sysroot) = sysroot("rustc") else { return TARGETS.to_vec() };
    let installed = |target: &str| has_core(&sysroot.join("lib/rustlib").join(target).join("lib"));
    TARGETS.into_iter().filter(|target| !installed(target)).collect()
}

/// Whether a target's library folder has `core` in it, under whatever hash.
fn has_core(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

fn missing_packages() -> Vec<&'static str> {
    // Debian's plain `rustc` has the same path and is too old; then all of them are wanted.
    let new_enough = version(&mut Command::new("/usr/bin/rustc")).is_some_and(is_new_enough);
    let source = sysroot("/usr/bin/rustc").unwrap_or_default();
    let source = source.join("lib/rustlib/src/rust/library/core/src/lib.rs");
    let packages = [
        ("rustc-web", new_enough),
        ("rust-web-src", new_enough && source.is_file()),
        ("cargo-web", new_enough && Path::new("/usr/bin/cargo").is_file()),
        ("rust-web-clippy", new_enough && Path::new("/usr/bin/cargo-clippy").is_file()),
        ("lld", Path::new("/usr/bin/ld.lld").is_file()),
    ];
    packages.into_iter().filter(|(_, there)| !there).map(|(package, _)| package).collect()
}

fn sysroot(rustc: &str) -> Option<PathBuf> {
    answer(Command::new(rustc).args(["--print", "sysroot"])).map(PathBuf::from)
}

/// The version that `program --version` names, as its numbers.
pub fn version(program: &mut Command) -> Option<Vec<u32>> {
    numbers(&answer(program.arg("--version"))?)
}

/// The first dotted number in `text`.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let word = text.split_whitespace().find(|word| {
        word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit())
    })?;
    let parts = word.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..digits].parse().ok()
    });
    parts.collect()
}

fn is_new_enough(version: Vec<u32>) -> bool {
    numbers(OLDEST).is_some_and(|oldest| version >= oldest)
}

/// What `command` says when it succeeds.
fn answer(command: &mut Command) -> Option<String> {
    let output = command::capture(command, LIMIT).ok()?;
    Some(output.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_out_of_what_programs_say() {
        let qemu = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright";
        assert_eq!(numbers(qemu), Some(vec![7, 2, 22]));
        assert_eq!(numbers("rustc 1.97.0-nightly (abc 2026-05-01)"), Some(vec![1, 97, 0]));
        assert_eq!(numbers("no such program"), None);
    }

    #[test]
    fn debians_plain_rustc_is_too_old() {
        assert!(!is_new_enough(vec![1, 63, 0]));
        assert!(is_new_enough(vec![1, 96, 0]));
        assert!(is_new_enough(numbers(OLDEST).unwrap()));
    }

    #[test]
    fn the_rust_that_runs_this_test_has_core_for_this_machine() {
        let library = sysroot("rustc").unwrap().join("lib/rustlib");
        let hosts = library.read_dir().unwrap().flatten();
        assert!(hosts.into_iter().any(|host| has_core(&host.path().join("lib"))));
        assert!(!has_core(&library.join("no-such-target/lib")));
    }
}
