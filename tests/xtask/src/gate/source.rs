//! The sources of the gate's figures.

use std::process::Command;

use anyhow::{Context, Result};

use super::record::{Group, Record};
use crate::{
    bench::{chain, chip},
    board::BOARDS,
    command, count, firmware,
    qemu::Machine,
    size::{alone, measure as measure_elf},
    toolchain::Toolchain,
};

/// Figures with their names.
type Figures = Vec<(String, u64)>;

/// One kind of figures.
struct Source {
    /// The title: what is counted, and on which machine.
    title: &'static str,
    /// Returns the name and the version of the compiler on which the figures depend.
    compiler: fn(Toolchain) -> Result<String>,
    measure: fn(Toolchain) -> Result<Figures>,
}

/// Every kind of figures. After adding an entry here, run `cargo xtask gate --record`.
const SOURCES: &[Source] = &[
    Source { title: "instructions, this machine", compiler: host_compiler, measure: instructions },
    Source {
        title: "instructions of an event, this machine",
        compiler: host_compiler,
        measure: |_| chain::counts(),
    },
    Source {
        title: "instructions, a microcontroller",
        compiler: firmware_compiler,
        measure: on_the_chip,
    },
    Source { title: "bytes, microcontrollers", compiler: firmware_compiler, measure: bytes },
];

/// The table sizes: some of the sizes of `cargo xtask count`. Two sizes are enough to show that a cost grows.
const TABLES: [u32; 2] = [10, 1_000];

/// Measures everything that is recorded.
pub fn measure(toolchain: Toolchain) -> Result<Record> {
    let group = |Source { title, compiler, measure }: &Source| {
        let (compiler, figures) = (compiler(toolchain)?, measure(toolchain)?);
        Ok(((*title).to_owned(), Group { compiler, figures: figures.into_iter().collect() }))
    };
    SOURCES.iter().map(group).collect()
}

/// Counts the core's operations with callgrind.
fn instructions(_: Toolchain) -> Result<Figures> {
    let mut figures = Figures::new();
    for row in count::measure(TABLES)? {
        for (size, count) in TABLES.iter().zip(row.counts) {
            figures.push((format!("{}, of {size}", row.name), count));
        }
    }
    Ok(figures)
}

/// Counts operations and served connections under QEMU. Both emulated boards have the same counts.
fn on_the_chip(_: Toolchain) -> Result<Figures> {
    let counts = chip::counts(Machine::Mps2An385)?;
    Ok(counts.into_iter().map(|(name, thousandths)| (name, (thousandths + 500) / 1_000)).collect())
}

/// Measures firmware for QEMU, and the core alone.
fn bytes(toolchain: Toolchain) -> Result<Figures> {
    let mut figures = Figures::new();
    for board in BOARDS.iter().filter(|board| board.is_emulated()) {
        let usage = measure_elf(&firmware::build(toolchain, board, "hello-world")?)?;
        figures.push((format!("flash of hello-world, {}", board.name), usage.flash));
        figures.push((format!("static RAM of hello-world, {}", board.name), usage.ram));
    }
    for (image, has) in alone::IMAGES {
        let code = alone::code(toolchain, alone::SMALL, image)?;
        figures.push((format!("code of the core with {has}"), code.core));
    }
    let memory = alone::memory(toolchain)?;
    figures.extend(memory.into_iter().map(|(name, bytes)| (format!("RAM of {name}"), bytes)));
    Ok(figures)
}

/// Returns the compiler and its host triple. The instructions depend on the host.
fn host_compiler(_: Toolchain) -> Result<String> {
    let output = command::output(Command::new("rustc").arg("--version").arg("--verbose"))?;
    let host = output.lines().find_map(|line| line.strip_prefix("host: "));
    let version = output.lines().next().unwrap_or_default();
    Ok(format!("{version} for {}", host.context("rustc did not print its host")?))
}

/// Returns the compiler's name, version and build. Two builds of the same version, such as those of rustup and Debian,
/// generate different code.
fn firmware_compiler(toolchain: Toolchain) -> Result<String> {
    command::first_line(toolchain.rustc().arg("--version"))
}
