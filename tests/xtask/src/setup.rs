//! `cargo xtask setup`: finds out what is missing and installs it.
//!
//! It says each thing it finds and each thing it does, one line a step, and does nothing when
//! everything is there. What it cannot install it names, with the command a person can type.

mod apt;

use std::{
    io::{Write, stdout},
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};

use crate::{
    command,
    qemu::{OLDEST_QEMU, QEMU_PROGRAM},
    toolchain::{
        CHOICE, TARGETS, Toolchain,
        decide::{self, Apt, Rustup, Step},
        probe,
    },
};

/// How long rustup may take for one target or component. Without a way to its server it may hang.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// Installs what is missing and returns the toolchain that compiles firmware.
///
/// # Errors
/// When something is missing that cannot be installed; the error says what to type.
pub fn run() -> Result<Toolchain> {
    let toolchain = emulation()?;
    host_tool("fmt", "rustfmt", "rustfmt-web")?;
    host_tool("clippy", "clippy", "rust-web-clippy")?;
    libevent()?;
    tool("valgrind")?;
    Ok(toolchain)
}

/// Makes sure that firmware can be compiled and run under QEMU, and returns the toolchain that
/// compiles it.
///
/// # Errors
/// When something is missing that cannot be installed; the error says what to type.
pub fn emulation() -> Result<Toolchain> {
    let toolchain = toolchain()?;
    qemu()?;
    Ok(toolchain)
}

/// Reaches a Rust that compiles firmware, step by step.
fn toolchain() -> Result<Toolchain> {
    let forced = Toolchain::forced()?;
    let mut rustup_failed = false;
    let mut apt_failed = false;
    loop {
        let mut found = probe::probe();
        if rustup_failed && found.rustup == Rustup::Untried {
            found.rustup = Rustup::Failed;
        }
        if apt_failed {
            found.apt = Apt::Failed;
        }
        match decide::next(&found, forced) {
            Step::Use(toolchain) => {
                report(toolchain, forced.is_some());
                return Ok(toolchain);
            }
            Step::AddTargets(targets) => {
                // One that failed is not added by asking again, nor are the others likely to be.
                rustup_failed = targets.iter().any(|target| !rustup(&["target", "add", target]))
                    || !probe::probe().missing_targets.is_empty();
            }
            Step::InstallPackages(packages) => {
                let done = apt::install(&packages, found.apt).is_ok();
                apt_failed = !done || !probe::probe().missing_packages.is_empty();
            }
            Step::GiveUp(advice) => bail!("{advice}"),
        }
    }
}

fn report(toolchain: Toolchain, forced: bool) {
    let (name, mut rustc) = match toolchain {
        Toolchain::Rustup => ("the Rust in use", Command::new("rustc")),
        Toolchain::Debian => ("Debian's Rust and core's source", Command::new("/usr/bin/rustc")),
    };
    let why = if forced { format!(", as {CHOICE} says") } else { String::new() };
    println!("found rustc {} for {}: {name}{why}", version(&mut rustc), TARGETS.join(", "));
}

/// Makes sure that `cargo <subcommand>` works, for this machine's own code.
fn host_tool(subcommand: &str, component: &str, package: &'static str) -> Result<()> {
    let there = || {
        let mut cargo = command::cargo(Path::new("."));
        command::capture(cargo.args([subcommand, "--version"]), RUSTUP_LIMIT)
    };
    if there().is_err() {
        let with_rustup = command::find_program("rustup").is_some();
        if with_rustup {
            rustup(&["component", "add", component]);
        } else {
            apt::install(&[package], probe::apt())?;
        }
    }
    match there() {
        Ok(version) => println!("found {}", version.trim()),
        Err(error) => {
            bail!("cargo {subcommand} does not work ({error}): rustup component add {component}")
        }
    }
    Ok(())
}

/// Makes sure that there is a QEMU for Arm, and that it is new enough.
fn qemu() -> Result<()> {
    if command::find_program(QEMU_PROGRAM).is_none() {
        apt::install(&["qemu-system-arm"], probe::apt())?;
    }
    let found = probe::version(&mut Command::new(QEMU_PROGRAM)).unwrap_or_default();
    if found.as_slice() < OLDEST_QEMU.as_slice() {
        bail!(
            "{QEMU_PROGRAM} is {}; this repository needs {} or newer",
            dotted(&found),
            dotted(&OLDEST_QEMU)
        );
    }
    println!("found {QEMU_PROGRAM} {}", dotted(&found));
    Ok(())
}

/// Makes sure that there is a program which Debian has in a package of the same name.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn tool(program: &'static str) -> Result<()> {
    if command::find_program(program).is_none() {
        apt::install(&[program], probe::apt())?;
    }
    let version = command::capture(Command::new(program).arg("--version"), RUSTUP_LIMIT)?;
    println!("found {}", version.lines().next().unwrap_or_default());
    Ok(())
}

/// Makes sure that C can be compiled against libevent, for the oracle.
///
/// # Errors
/// When it cannot, and what is missing cannot be installed.
pub fn libevent() -> Result<()> {
    if check_header("event2/event.h").is_err() {
        let compiler = command::find_program("cc").is_none().then_some(["gcc", "libc6-dev"]);
        let mut packages = vec!["libevent-dev"];
        packages.extend(compiler.into_iter().flatten());
        apt::install(&packages, probe::apt())?;
    }
    check_header("event2/event.h")?;
    println!("found cc and libevent's headers");
    Ok(())
}

/// Makes sure that C can be compiled against the event loops that [`crate::bench`] compares with.
///
/// # Errors
/// When it cannot, and what is missing cannot be installed.
pub fn peers() -> Result<()> {
    libevent()?;
    for (header, package) in [("ev.h", "libev-dev"), ("uv.h", "libuv1-dev")] {
        if check_header(header).is_err() {
            apt::install(&[package], probe::apt())?;
        }
        println!("found {header}");
    }
    Ok(())
}

fn check_header(header: &str) -> Result<()> {
    let mut cc = Command::new("cc");
    cc.args(["-x", "c", "-fsyntax-only", "-include", header, "/dev/null"]);
    command::output(&mut cc).map(drop)
}

/// Runs rustup, says how that went, and returns whether it went well.
fn rustup(words: &[&str]) -> bool {
    print!("rustup {} ... ", words.join(" "));
    // Without this the line would appear only when the step is over.
    let _ = stdout().flush();
    match command::capture(Command::new("rustup").args(words), RUSTUP_LIMIT) {
        Ok(_) => println!("done"),
        Err(error) => {
            println!("failed: {error}");
            return false;
        }
    }
    true
}

fn version(program: &mut Command) -> String {
    dotted(&probe::version(program).unwrap_or_default())
}

/// Writes a version as people do, `7.2.22`.
fn dotted(version: &[u32]) -> String {
    if version.is_empty() {
        return "of unknown version".to_owned();
    }
    let parts: Vec<_> = version.iter().map(u32::to_string).collect();
    parts.join(".")
}
