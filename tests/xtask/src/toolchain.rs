//! Which Rust compiles firmware.
//!
//! Firmware needs `core` for targets that are not this machine's. There are two ways to have it:
//!
//! 1. The Rust that runs this program has the targets installed: rustup's `rustup target add`, or
//!    a distribution that packages them. This is the ordinary way.
//! 2. Debian's `rustc-web`, which compiles `core` itself from `rust-web-src`, for machines that
//!    cannot reach rustup's server but do have a Debian mirror.
//!
//! [`probe`] finds out what a machine has, [`decide`] says what follows from that, and
//! [`crate::setup`] acts on it. Nothing outside this module and `setup` knows which way was taken.

pub mod decide;
pub mod probe;

use std::{env, path::Path, process::Command};

use anyhow::{Result, bail};

use crate::command;
use decide::Step;

/// The bare-metal targets firmware and the core crate are built for.
pub const TARGETS: [&str; 4] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "riscv32imac-unknown-none-elf",
];

/// The variable that forces a way: `rustup` or `debian`.
pub const CHOICE: &str = "PICOEVENT_TOOLCHAIN";

/// A Rust that can compile for [`TARGETS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The one that runs this program, normally rustup's.
    Rustup,
    /// Debian's `rustc-web` in `/usr/bin`, which compiles `core` from source.
    Debian,
}

impl Toolchain {
    /// The toolchain that [`CHOICE`] asks for, or `None` when it does not ask.
    ///
    /// # Errors
    /// When the variable has another value than the two names.
    pub fn forced() -> Result<Option<Toolchain>> {
        match env::var(CHOICE).as_deref() {
            Err(_) | Ok("") => Ok(None),
            Ok("rustup") => Ok(Some(Toolchain::Rustup)),
            Ok("debian") => Ok(Some(Toolchain::Debian)),
            Ok(other) => bail!("{CHOICE} is {other:?}; it can be rustup or debian"),
        }
    }

    /// The toolchain that is ready to be used on this machine.
    ///
    /// # Errors
    /// When none is; the answer is `cargo xtask setup`.
    pub fn ready() -> Result<Toolchain> {
        match decide::next(&probe::probe(), Toolchain::forced()?) {
            Step::Use(toolchain) => Ok(toolchain),
            _ => bail!("the Rust here cannot compile firmware yet: run `cargo xtask setup`"),
        }
    }

    /// Starts a cargo command in `folder` that compiles for `target`, one of [`TARGETS`].
    ///
    /// The caller says `--target` or has it in the folder's `.cargo/config.toml`.
    pub fn cargo(self, folder: &Path, target: &str) -> Command {
        let mut command = command::cargo(folder);
        // These would replace the linker arguments in the boards' .cargo/config.toml.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.env_remove("CARGO_BUILD_RUSTFLAGS");
        if self == Toolchain::Debian {
            use_debian(&mut command, target);
        }
        command
    }
}

/// Makes `command` run Debian's cargo, unmoved by the Rust that runs this program.
fn use_debian(command: &mut Command, target: &str) {
    for name in ["RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    // rustup's programs have the same names and come first on the PATH otherwise.
    let path = env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("/usr/bin:{path}"));
    // `build-std` is an unstable option, which this variable permits on a stable compiler. It is
    // asked for here, not in a committed file, because host crates must not see it.
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_UNSTABLE_BUILD_STD", "core");
    // Debian's Rust comes without the rust-lld that these targets name as their linker.
    let target = target.to_uppercase().replace('-', "_");
    command.env(format!("CARGO_TARGET_{target}_LINKER"), "ld.lld");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn debians_cargo_is_told_what_rustups_knows() {
        let command = Toolchain::Debian.cargo(Path::new("/"), "thumbv7m-none-eabi");
        let envs: Vec<_> = command.get_envs().collect();
        let linker = OsStr::new("CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER");
        assert!(envs.contains(&(linker, Some(OsStr::new("ld.lld")))));
        assert!(envs.contains(&(OsStr::new("RUSTUP_TOOLCHAIN"), None)));
    }

    #[test]
    fn the_ordinary_way_sets_no_variable() {
        let command = Toolchain::Rustup.cargo(Path::new("/"), "thumbv7m-none-eabi");
        assert!(command.get_envs().all(|(_, value)| value.is_none()));
    }
}
