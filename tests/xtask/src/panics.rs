//! Checks that no function of the core can panic: the image `tests/no-panic` must link.
//!
//! The image has an undefined symbol if a panic is reachable. To verify the check itself, the image is also built with
//! a planted panic. That build must not link.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{
    command::{self, cannot_start, describe},
    toolchain::Toolchain,
    workspace,
};

/// The target of the image: a microcontroller with hardware division. Rust's library `compiler_builtins` contains
/// `memcpy` for this target.
pub const TARGET: &str = "thumbv7m-none-eabi";

/// The optimization levels of released firmware. The compiler removes different code at each level.
const LEVELS: [&str; 4] = ["s", "z", "2", "3"];

/// The linker's message if a panic is reachable.
const MISSING: &str = "undefined symbol: picoevent_core_can_panic";

/// Links the image at every optimization level. Then checks that the image with the planted panic does not link.
///
/// # Errors
/// If a function of the core can panic, or the check does not find the planted panic.
pub fn run(toolchain: Toolchain) -> Result<()> {
    for level in LEVELS {
        command::run(&mut build(toolchain, level))
            .context("a function of the core can panic, or the image cannot be built")?;
    }
    let mut cargo = build(toolchain, LEVELS[0]);
    cargo.args(["--features", "planted"]);
    println!("$ {}", describe(&cargo));
    let output = cargo.output().with_context(|| cannot_start(&cargo))?;
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "a planted panic was not found");
    ensure!(
        message.contains(MISSING),
        "the build failed, but not because of the planted panic:\n{message}"
    );
    println!("a planted panic is found: {MISSING}");
    Ok(())
}

fn build(toolchain: Toolchain, level: &str) -> Command {
    let mut cargo = toolchain.cargo(&workspace::no_panic(), TARGET);
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level).args(["build", "--release"]);
    cargo
}
