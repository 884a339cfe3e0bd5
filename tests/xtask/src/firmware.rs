//! Builds a board's firmware, and finds built firmware.
//!
//! The boards share one target folder, and two of them one target triple, so cargo overwrites
//! programs of the same name. Each ELF file is therefore copied to a path of its own,
//! `examples/boards/target/firmware/<board>/<program>`, under a lock.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{board::Board, command, command_line::Usage, toolchain::Toolchain, workspace};

/// The variable with the folder of built firmware, for the end-to-end tests.
pub const FOLDER: &str = "PICOEVENT_FIRMWARE";

/// Returns firmware that was built before, for a test.
///
/// # Errors
/// If [`FOLDER`] is not set or has no such program; the error suggests `cargo xtask test`.
pub fn prebuilt(board: &str, program: &str) -> Result<PathBuf> {
    let Some(folder) = env::var_os(FOLDER) else {
        bail!("{FOLDER} is not set: run `cargo xtask test`, which builds the firmware first");
    };
    let elf = Path::new(&folder).join(board).join(program);
    if !elf.is_file() {
        bail!("there is no {}: run `cargo xtask test`, which builds the firmware", elf.display());
    }
    Ok(elf)
}

/// Compiles one program of a board and returns its ELF file.
///
/// # Errors
/// [`Usage`] if the board has no such program; otherwise an error of cargo.
pub fn build(toolchain: Toolchain, board: &Board, program: &str) -> Result<PathBuf> {
    let known = programs(board)?;
    if !known.iter().any(|name| name == program) {
        let known = known.join(", ");
        bail!(Usage(format!("{} has no example {program:?}; it has {known}", board.name)));
    }
    let built = build_with(toolchain, board, &of_program(program))?;
    let elf = built.into_iter().next();
    elf.ok_or_else(|| anyhow!("cargo did not say where it put {program} for {}", board.name))
}

/// Compiles every program of a board and returns their ELF files.
pub fn build_all(toolchain: Toolchain, board: &Board) -> Result<Vec<PathBuf>> {
    let mut built = build_with(toolchain, board, &["--bins"])?;
    for program in programs(board)?.iter().filter(|program| feature_of(program).is_some()) {
        built.extend(build_with(toolchain, board, &of_program(program))?);
    }
    Ok(built)
}

/// Compiles programs of the package that hello-world is compared with. Returns their ELF files.
pub fn build_baseline(
    toolchain: Toolchain,
    board: &Board,
    programs: &[&str],
) -> Result<Vec<PathBuf>> {
    let mut features = board.name.to_owned();
    for program in programs {
        features.extend(feature_of(program).into_iter().flat_map(|feature| [",", feature]));
    }
    let mut what = vec!["--package", "picoevent-baseline", "--features", &features];
    what.extend(programs.iter().flat_map(|program| ["--bin", program]));
    let built = build_with(toolchain, board, &what)?;
    let find = |program: &&str| {
        let elf = built.iter().find(|elf| elf.ends_with(program)).cloned();
        elf.with_context(|| format!("cargo did not say where it put {program} for {}", board.name))
    };
    programs.iter().map(find).collect()
}

/// The gateway as tasks, a program of the same package.
pub const GATEWAY_AS_TASKS: &str = "gateway-tasks";

/// Compiles the gateway as tasks for a board.
pub fn build_gateway_as_tasks(toolchain: Toolchain, board: &Board) -> Result<()> {
    build_baseline(toolchain, board, &[GATEWAY_AS_TASKS]).map(drop)
}

/// Returns the additional feature that a program is built with.
fn feature_of(program: &str) -> Option<&'static str> {
    match program {
        "recorded" => Some("record"),
        "device" => Some("device"),
        "gateway" | GATEWAY_AS_TASKS | "udp-time" => Some("udp"),
        "gateway-online" => Some("online"),
        "hello-world-v6" => Some("ipv6"),
        _ => None,
    }
}

/// Returns the cargo arguments that build one program.
fn of_program(program: &str) -> Vec<&str> {
    let mut options = vec!["--bin", program];
    options.extend(feature_of(program).into_iter().flat_map(|feature| ["--features", feature]));
    options
}

/// Returns the names of a board's programs, which its manifest lists.
///
/// # Errors
/// If the manifest cannot be read.
pub fn programs(board: &Board) -> Result<Vec<String>> {
    let path = board.folder().join("Cargo.toml");
    let shown = path.display();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
    let manifest: toml::Table = text.parse().with_context(|| format!("cannot read {shown}"))?;
    let programs = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    let names = programs.filter_map(|program| program.get("name")?.as_str().map(str::to_owned));
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

fn build_with(toolchain: Toolchain, board: &Board, what: &[&str]) -> Result<Vec<PathBuf>> {
    let destination = workspace::firmware().join(board.name);
    fs::create_dir_all(&destination)
        .with_context(|| format!("cannot make {}", destination.display()))?;
    let lock = File::create(workspace::firmware().join(".lock"))?;
    lock.lock().context("cannot lock the firmware folder")?;

    // cargo reads the board's .cargo/config.toml, with its target and linker script, in that folder
    // only.
    let mut cargo = toolchain.cargo(&board.folder(), board.target);
    cargo.args(["build", "--release"]).args(what);
    let mut copies = Vec::new();
    for executable in command::build(&mut cargo)? {
        let name = executable.file_name().unwrap_or_default();
        let copy = destination.join(name);
        replace(&executable, &copy)?;
        copies.push(copy);
    }
    Ok(copies)
}

/// Copies a file. A process that has the old file open keeps it unchanged.
fn replace(from: &Path, to: &Path) -> Result<()> {
    let fresh = to.with_extension("fresh");
    fs::copy(from, &fresh)
        .and_then(|_| fs::rename(&fresh, to))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hardware_board_has_the_same_programs() {
        for (board, _) in Board::on_hardware() {
            let programs = programs(board).unwrap();
            assert_eq!(programs, ["echo", "gateway", "hello-world"], "{}", board.name);
        }
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("hello-world"));
        for content in ["one", "two"] {
            fs::write(&from, content).unwrap();
            replace(&from, &to).unwrap();
            assert_eq!(fs::read_to_string(&to).unwrap(), content);
        }
    }
}
