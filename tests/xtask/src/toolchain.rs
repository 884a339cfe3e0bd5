//! The Rust toolchain that compiles firmware.
//!
//! Firmware needs the library `core` for targets other than this machine. There are two ways to get this library:
//!
//! 1. The targets are installed for the toolchain in use (`rustc` in the PATH), by `rustup target add` or from a
//!    distribution's packages. This is the usual way.
//! 2. Debian's `rustc-web` compiles `core` from `rust-web-src`. This way is for machines that cannot reach rustup's
//!    server but have a Debian mirror.
//!
//! [`choose`] chooses one of the ways, and [`crate::setup`] installs what is missing. Only this module and `setup`
//! depend on the chosen way. The search for a toolchain that is ready takes a fraction of a second, changes nothing,
//! and uses no network.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::command;

/// The bare-metal targets for firmware and the core crate.
pub const TARGETS: [&str; 5] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabihf",
    "riscv32imac-unknown-none-elf",
];

/// The environment variable that forces one of the two ways: `rustup` or `debian`.
pub const CHOICE: &str = "PICOEVENT_TOOLCHAIN";

/// The oldest Rust that compiles this workspace, from its manifest.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// A Rust toolchain that can compile for [`TARGETS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The toolchain in use (`rustc` in the PATH), normally rustup's.
    Rustup,
    /// Debian's `rustc-web` in `/usr/bin`, which compiles `core` from source.
    Debian,
}

/// A machine on which a toolchain may be incomplete. Tests use another implementation.
pub trait Machine {
    /// Returns the targets or Debian packages that a toolchain lacks.
    fn lacks(&self, toolchain: Toolchain) -> Vec<&'static str>;

    /// Installs the targets or packages that a toolchain lacks.
    ///
    /// # Errors
    /// If the installation fails. The error is the command that the user can type.
    fn install(&mut self, toolchain: Toolchain, lacks: &[&'static str]) -> Result<(), String>;
}

/// Returns a usable toolchain. If `forced` is `Some`, only that toolchain can be used. A toolchain that is ready is
/// preferred to a toolchain that must be installed, and rustup is preferred to Debian.
///
/// # Errors
/// If no allowed toolchain can be used. The error text says what the user can do.
pub fn choose(machine: &mut impl Machine, forced: Option<Toolchain>) -> Result<Toolchain> {
    let ready = wanted(forced).find(|toolchain| machine.lacks(*toolchain).is_empty());
    if let Some(ready) = ready {
        return Ok(ready);
    }
    let mut advice = Vec::new();
    for toolchain in wanted(forced) {
        match machine.install(toolchain, &machine.lacks(toolchain)) {
            Ok(()) => return Ok(toolchain),
            Err(way) => advice.push(way),
        }
    }
    bail!("no Rust here can compile firmware; {}", advice.join("\nor, "))
}

fn wanted(forced: Option<Toolchain>) -> impl Iterator<Item = Toolchain> {
    let all = [Toolchain::Rustup, Toolchain::Debian].into_iter();
    all.filter(move |toolchain| forced.is_none_or(|only| only == *toolchain))
}

impl Toolchain {
    /// Returns the toolchain that [`CHOICE`] names, or `None` if this variable is not set.
    ///
    /// # Errors
    /// If the variable has any other value.
    pub fn forced() -> Result<Option<Toolchain>> {
        match env::var(CHOICE).as_deref() {
            Err(_) | Ok("") => Ok(None),
            Ok("rustup") => Ok(Some(Toolchain::Rustup)),
            Ok("debian") => Ok(Some(Toolchain::Debian)),
            Ok(other) => bail!("{CHOICE} is {other:?}; it can be rustup or debian"),
        }
    }

    /// Returns the toolchain that is ready on this machine.
    ///
    /// # Errors
    /// If no toolchain is ready. The error text suggests `cargo xtask setup`.
    pub fn ready() -> Result<Toolchain> {
        let ready = wanted(Self::forced()?).find(|toolchain| toolchain.lacks().is_empty());
        ready.context("the Rust here cannot compile firmware yet: run `cargo xtask setup`")
    }

    /// Returns the targets or Debian packages that this toolchain lacks on this machine.
    pub fn lacks(self) -> Vec<&'static str> {
        match self {
            Toolchain::Rustup => missing_targets(),
            Toolchain::Debian => missing_packages(),
        }
    }

    /// Returns the toolchain's compiler.
    pub fn rustc(self) -> Command {
        let mut rustc = Command::new("rustc");
        if self == Toolchain::Debian {
            rustc = Command::new("/usr/bin/rustc");
            remove_rustup_variables(&mut rustc);
        }
        rustc
    }

    /// Returns a cargo command in `folder` that compiles for `target`, one of [`TARGETS`].
    ///
    /// The caller must pass `--target`, unless the folder's `.cargo/config.toml` sets the target.
    pub fn cargo(self, folder: &Path, target: &str) -> Command {
        let mut command = command::cargo(folder);
        // These variables would replace the linker arguments in the boards' .cargo/config.toml.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.env_remove("CARGO_BUILD_RUSTFLAGS");
        if self == Toolchain::Debian {
            use_debian(&mut command, target);
        }
        command
    }
}

/// Makes `command` run Debian's cargo, even if another toolchain is in use.
fn use_debian(command: &mut Command, target: &str) {
    remove_rustup_variables(command);
    // `/usr/bin` comes first in the PATH. Otherwise rustup's programs with the same names would be found first.
    let path = env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("/usr/bin:{path}"));
    // `build-std` is unstable. `RUSTC_BOOTSTRAP` allows `build-std` on a stable compiler. The variable is set here and
    // not in a committed file, because it must not be set when crates for the host are compiled.
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_UNSTABLE_BUILD_STD", "core");
    // Debian's Rust does not have rust-lld, the default linker of these targets.
    let target = target.to_uppercase().replace('-', "_");
    command.env(format!("CARGO_TARGET_{target}_LINKER"), "ld.lld");
}

fn remove_rustup_variables(command: &mut Command) {
    for name in ["RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
}

fn missing_targets() -> Vec<&'static str> {
    let Ok(sysroot) = sysroot("rustc") else { return TARGETS.to_vec() };
    let installed = |target: &str| has_core(&sysroot.join("lib/rustlib").join(target).join("lib"));
    TARGETS.into_iter().filter(|target| !installed(target)).collect()
}

/// Returns whether a target's library folder contains the library `core`, with any hash in its file name.
fn has_core(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

fn missing_packages() -> Vec<&'static str> {
    // Debian's package `rustc` has a program with the same path, but that program is too old. If this program is found,
    // all Rust packages count as missing.
    let output = command::first_line(Command::new("/usr/bin/rustc").arg("--version"));
    let new_enough = output.is_ok_and(|output| is_at_least(&output, OLDEST));
    let source = sysroot("/usr/bin/rustc").unwrap_or_default();
    let source = source.join("lib/rustlib/src/rust/library/core/src/lib.rs");
    // Debian's compiler can compile `core` for every target in its list.
    let targets = command::output(Command::new("/usr/bin/rustc").args(["--print", "target-list"]));
    let knows_all_targets = targets.is_ok_and(|list| unknown_targets(&list).is_empty());
    let packages = [
        ("rustc-web", new_enough && knows_all_targets),
        ("rust-web-src", new_enough && source.is_file()),
        ("cargo-web", new_enough && Path::new("/usr/bin/cargo").is_file()),
        ("rust-web-clippy", new_enough && Path::new("/usr/bin/cargo-clippy").is_file()),
        ("lld", Path::new("/usr/bin/ld.lld").is_file()),
    ];
    packages.into_iter().filter(|(_, there)| !there).map(|(package, _)| package).collect()
}

/// Returns the targets that are not in a compiler's list.
fn unknown_targets(list: &str) -> Vec<&'static str> {
    TARGETS.into_iter().filter(|target| !list.lines().any(|known| known == *target)).collect()
}

fn sysroot(rustc: &str) -> Result<PathBuf> {
    command::first_line(Command::new(rustc).args(["--print", "sysroot"])).map(PathBuf::from)
}

/// Returns whether the first dotted number in a program's version output is at least `oldest`.
pub fn is_at_least(output: &str, oldest: &str) -> bool {
    numbers(output).zip(numbers(oldest)).is_some_and(|(version, oldest)| version >= oldest)
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    let is_version = |word: &&str| word.contains('.') && word.starts_with(char::is_numeric);
    let word = text.split_whitespace().find(is_version)?;
    let part = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    word.split('.').map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    use Toolchain::{Debian, Rustup};

    /// A machine that lacks parts of both toolchains. It records which toolchains were tried.
    struct Fake {
        lacks: [Vec<&'static str>; 2],
        can: [bool; 2],
        tried: Vec<Toolchain>,
    }

    impl Machine for Fake {
        fn lacks(&self, toolchain: Toolchain) -> Vec<&'static str> {
            self.lacks[toolchain as usize].clone()
        }

        fn install(&mut self, toolchain: Toolchain, lacks: &[&'static str]) -> Result<(), String> {
            self.tried.push(toolchain);
            let can = self.can[toolchain as usize];
            if can { Ok(()) } else { Err(format!("type {}", lacks.join(" "))) }
        }
    }

    /// Returns the result of [`choose`] on a [`Fake`], and the toolchains that were tried.
    fn chosen(
        has: [bool; 2],
        can: [bool; 2],
        forced: Option<Toolchain>,
    ) -> (Result<Toolchain, String>, Vec<Toolchain>) {
        let lacks = [vec!["thumbv6m", "thumbv7m"], vec!["rustc-web", "lld"]];
        let lacks = [0, 1].map(|way| if has[way] { vec![] } else { lacks[way].clone() });
        let mut machine = Fake { lacks, can, tried: Vec::new() };
        (choose(&mut machine, forced).map_err(|error| error.to_string()), machine.tried)
    }

    #[test]
    fn an_installed_toolchain_is_used_and_nothing_is_tried() {
        assert_eq!(chosen([true, true], [true; 2], None), (Ok(Rustup), vec![]));
        assert_eq!(chosen([false, true], [true; 2], None), (Ok(Debian), vec![]));
        assert_eq!(chosen([true, true], [true; 2], Some(Debian)), (Ok(Debian), vec![]));
    }

    #[test]
    fn rustup_is_tried_first_and_debian_when_that_failed() {
        assert_eq!(chosen([false; 2], [true; 2], None), (Ok(Rustup), vec![Rustup]));
        let tried = vec![Rustup, Debian];
        assert_eq!(chosen([false; 2], [false, true], None), (Ok(Debian), tried.clone()));
        let advice =
            "no Rust here can compile firmware; type thumbv6m thumbv7m\nor, type rustc-web lld";
        assert_eq!(chosen([false; 2], [false; 2], None), (Err(advice.to_owned()), tried));
    }

    #[test]
    fn only_a_forced_toolchain_is_tried() {
        assert_eq!(chosen([true, false], [true; 2], Some(Debian)), (Ok(Debian), vec![Debian]));
        let (refused, tried) = chosen([false, true], [false; 2], Some(Rustup));
        assert!(refused.unwrap_err().ends_with("; type thumbv6m thumbv7m"));
        assert_eq!(tried, [Rustup]);
    }

    #[test]
    fn debians_cargo_gets_the_settings_that_rustups_cargo_does_not_need() {
        let command = Debian.cargo(Path::new("/"), "thumbv7m-none-eabi");
        let envs: Vec<_> = command.get_envs().collect();
        let linker = OsStr::new("CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER");
        assert!(envs.contains(&(linker, Some(OsStr::new("ld.lld")))));
        assert!(envs.contains(&(OsStr::new("RUSTUP_TOOLCHAIN"), None)));
        let command = Rustup.cargo(Path::new("/"), "thumbv7m-none-eabi");
        assert!(command.get_envs().all(|(_, value)| value.is_none()));
    }

    #[test]
    fn a_compiler_that_does_not_know_a_target_is_detected() {
        let list = "thumbv6m-none-eabi\nthumbv7m-none-eabi\nthumbv7em-none-eabihf\n\
                    thumbv8m.main-none-eabi\nriscv32imac-unknown-none-elf\n";
        assert_eq!(unknown_targets(list), ["thumbv8m.main-none-eabihf"]);
        assert_eq!(unknown_targets(&TARGETS.join("\n")), [""; 0]);
    }

    #[test]
    fn versions_are_parsed_from_program_output() {
        let qemu = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)";
        assert!(is_at_least(qemu, "7.2") && !is_at_least(qemu, "8.0"));
        assert!(is_at_least("rustc 1.97.0-nightly (abc 2026-05-01)", OLDEST));
        assert!(!is_at_least("rustc 1.63.0", OLDEST) && !is_at_least("no such program", OLDEST));
    }

    #[test]
    fn the_rust_that_runs_this_test_has_core_for_this_machine() {
        let library = sysroot("rustc").unwrap().join("lib/rustlib");
        let hosts = library.read_dir().unwrap().flatten();
        assert!(hosts.into_iter().any(|host| has_core(&host.path().join("lib"))));
        assert!(!has_core(&library.join("no-such-target/lib")));
    }
}
