//! The check that no verb of the core can panic: `tests/no-panic` links.
//!
//! Its image has an undefined symbol where a panic can be reached. So that the check itself is
//! known to work, a panic is planted in the image after that, and it must not link.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{
    command::{self, cannot_start, describe},
    toolchain::Toolchain,
    workspace,
};

/// What the image is built for: a microcontroller with `memcpy` and division of its own.
pub const TARGET: &str = "thumbv7m-none-eabi";

/// The levels of optimization at which firmware is released. At each of them the compiler sees
/// other things.
const LEVELS: [&str; 4] = ["s", "z", "2", "3"];

/// What the linker says where a panic can be reached.
const MISSING: &str = "undefined symbol: picoevent_core_can_panic";

/// Links the image at every level, and fails to link it with a planted panic.
///
/// # Errors
/// When a verb of the core can panic, or when one that can would not be found.
pub fn run(toolchain: Toolchain) -> Result<()> {
    for level in LEVELS {
        command::run(&mut build(toolchain, level))
            .context("a verb of the core can panic, or the image cannot be built")?;
    }
    let mut cargo = build(toolchain, LEVELS[0]);
    cargo.args(["--features", "planted"]);
    println!("$ {}", describe(&cargo));
    let output = cargo.output().with_context(|| cannot_start(&cargo))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "a planted panic was not found");
    ensure!(said.contains(MISSING), "the planted panic was not what failed:\n{said}");
    println!("a planted panic is found: {MISSING}");
    Ok(())
}

fn build(toolchain: Toolchain, level: &str) -> Command {
    let mut cargo = toolchain.cargo(&workspace::no_panic(), TARGET);
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level).args(["build", "--release"]);
    cargo
}
