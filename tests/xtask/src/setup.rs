//! `cargo xtask setup`: installs missing programs.
//!
//! The command prints one line for each program that it finds, and for each step of an installation. If nothing is
//! missing, the command changes nothing. If a program cannot be installed, the command prints what the user can type.

mod apt;

use std::{
    io::{Write, stdout},
    path::Path,
    process::Command,
};

use anyhow::{Result, bail, ensure};

use crate::{
    command,
    qemu::{OLDEST_QEMU, Processor},
    toolchain::{self, CHOICE, Machine, TARGETS, Toolchain},
};

/// Installs missing programs. Returns the toolchain that compiles firmware.
///
/// # Errors
/// If a program is missing and cannot be installed. The error text contains the command that the user can type. The
/// other functions of this module return such errors, too.
pub fn run() -> Result<Toolchain> {
    let toolchain = emulation()?;
    host_tool("fmt", "rustfmt", "rustfmt-web")?;
    host_tool("clippy", "clippy", "rust-web-clippy")?;
    libevent()?;
    tool("valgrind")?;
    Ok(toolchain)
}

/// Makes sure that firmware can be compiled and run under QEMU. Returns the toolchain that compiles firmware.
pub fn emulation() -> Result<Toolchain> {
    let forced = Toolchain::forced()?;
    let toolchain = toolchain::choose(&mut ThisMachine, forced)?;
    let name = match toolchain {
        Toolchain::Rustup => "the Rust in use",
        Toolchain::Debian => "Debian's Rust and core's source",
    };
    let why = if forced.is_some() { format!(", forced by {CHOICE}") } else { String::new() };
    let version = command::first_line(toolchain.rustc().arg("--version"))?;
    println!("found {version} for {}: {name}{why}", TARGETS.join(", "));
    qemu()?;
    Ok(toolchain)
}

struct ThisMachine;

impl Machine for ThisMachine {
    fn lacks(&self, toolchain: Toolchain) -> Vec<&'static str> {
        toolchain.lacks()
    }

    fn install(&mut self, toolchain: Toolchain, lacks: &[&'static str]) -> Result<(), String> {
        match toolchain {
            Toolchain::Rustup => {
                let command = format!("rustup target add {}", lacks.join(" "));
                if command::find_program("rustup").is_none() {
                    return Err(format!(
                        "install rustup (https://rustup.rs), then type\n  {command}"
                    ));
                }
                // If one target cannot be added, adding the other targets is likely to fail, too.
                let added = lacks.iter().all(|target| rustup(&["target", "add", target]));
                if added && toolchain.lacks().is_empty() {
                    return Ok(());
                }
                Err(format!("where rustup can reach its server, type\n  {command}"))
            }
            Toolchain::Debian => {
                apt::install(lacks).map_err(|error| error.to_string())?;
                match &*toolchain.lacks() {
                    [] => Ok(()),
                    still => Err(format!(
                        "get a newer {} than apt-get has, for {}",
                        still.join(" "),
                        TARGETS.join(", ")
                    )),
                }
            }
        }
    }
}

/// Makes sure that `cargo <subcommand>` works with the Rust toolchain that compiles programs for this machine.
fn host_tool(subcommand: &str, component: &str, package: &str) -> Result<()> {
    let there = || {
        let mut cargo = command::cargo(Path::new("."));
        command::first_line(cargo.args([subcommand, "--version"]))
    };
    if there().is_err() {
        if command::find_program("rustup").is_some() {
            rustup(&["component", "add", component]);
        } else {
            apt::install(&[package])?;
        }
    }
    match there() {
        Ok(version) => println!("found {version}"),
        Err(error) => {
            bail!("cargo {subcommand} does not work ({error}): rustup component add {component}")
        }
    }
    Ok(())
}

/// Makes sure that a new enough QEMU is installed for each kind of processor.
fn qemu() -> Result<()> {
    for processor in Processor::ALL {
        let found = find_or_install(processor.program(), processor.package())?;
        let is_new = toolchain::is_at_least(&found, OLDEST_QEMU);
        ensure!(is_new, "this is {found}; this repository needs {OLDEST_QEMU} or newer");
    }
    Ok(())
}

/// Makes sure that a program is installed. The Debian package of the program has the same name.
pub fn tool(program: &'static str) -> Result<()> {
    find_or_install(program, program).map(drop)
}

/// Makes sure that programs are installed. Each program is given together with its Debian package. Prints the packages
/// that it installs.
pub fn programs(wanted: &[(&str, &str)]) -> Result<()> {
    let is_missing = |(program, _): &&(&str, &str)| command::find_program(program).is_none();
    let mut packages: Vec<_> =
        wanted.iter().filter(is_missing).map(|(_, package)| *package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    println!("installs {}", packages.join(", "));
    apt::install(&packages)
}

fn find_or_install(program: &str, package: &str) -> Result<String> {
    if command::find_program(program).is_none() {
        apt::install(&[package])?;
    }
    let version = command::first_line(Command::new(program).arg("--version"))?;
    println!("found {version}");
    Ok(version)
}

/// Makes sure that C can be compiled with libevent, for the oracle.
pub fn libevent() -> Result<()> {
    let compiler = command::find_program("cc").is_none().then_some(["gcc", "libc6-dev"]);
    let compiler = compiler.into_iter().flatten();
    header("event2/event.h", &["libevent-dev"].into_iter().chain(compiler).collect::<Vec<_>>())
}

/// Makes sure that C can be compiled with the event loops that [`crate::bench`] compares.
pub fn peers() -> Result<()> {
    libevent()?;
    header("ev.h", &["libev-dev"])?;
    header("uv.h", &["libuv1-dev"])
}

/// Makes sure that a header of these packages can be included.
fn header(header: &str, packages: &[&str]) -> Result<()> {
    let there = || {
        let mut cc = Command::new("cc");
        cc.args(["-x", "c", "-fsyntax-only", "-include", header, "/dev/null"]);
        command::output(&mut cc)
    };
    if there().is_err() {
        apt::install(packages)?;
        there()?;
    }
    println!("found {header}");
    Ok(())
}

/// Runs rustup and prints the result. Returns whether rustup succeeded.
fn rustup(words: &[&str]) -> bool {
    print!("rustup {} ... ", words.join(" "));
    // Show the line now. Without the flush, the line would appear only after rustup has ended.
    let _ = stdout().flush();
    let done = command::capture(Command::new("rustup").args(words), command::QUERY_LIMIT);
    match &done {
        Ok(_) => println!("done"),
        Err(error) => println!("failed: {error}"),
    }
    done.is_ok()
}
