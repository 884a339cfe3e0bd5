//! Builds a board's firmware, and finds built firmware.
//!
//! The boards share one target folder, and some boards share a target triple, so cargo overwrites programs with the
//! same name. Therefore each ELF file is copied, under a lock, to `examples/boards/target/firmware/<board>/<program>`.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use crate::{board::Board, command, command_line::Usage, toolchain::Toolchain, workspace};

/// The environment variable that contains the folder of built firmware, for the end-to-end tests.
pub const FOLDER: &str = "PICOEVENT_FIRMWARE";

/// Returns firmware that was built before, for a test.
///
/// # Errors
/// If [`FOLDER`] is not set, or the folder does not contain the program. The error suggests `cargo xtask test`.
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
/// [`Usage`] if the board has no program with this name, or an error of cargo.
pub fn build(toolchain: Toolchain, board: &Board, program: &str) -> Result<PathBuf> {
    let known = programs(&board.folder())?;
    let Some(program) = known.iter().find(|known| known.name == program) else {
        let known: Vec<_> = known.iter().map(|known| known.name.as_str()).collect();
        let known = known.join(", ");
        bail!(Usage(format!("{} has no example {program:?}; it has {known}", board.name)));
    };
    let built = build_with(toolchain, board, &options(&program.features, [program.name.as_str()]))?;
    let elf = built.into_iter().next();
    elf.ok_or_else(|| {
        anyhow!("cargo did not report the path of {} for {}", program.name, board.name)
    })
}

/// Compiles every program of a board. Returns the ELF files. Programs that need the same features are compiled
/// together.
pub fn build_all(toolchain: Toolchain, board: &Board) -> Result<Vec<PathBuf>> {
    let mut together: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for Program { name, features } in programs(&board.folder())? {
        together.entry(features).or_default().push(name);
    }
    let mut built = Vec::new();
    for (features, names) in &together {
        let what = options(features, names.iter().map(String::as_str));
        built.extend(build_with(toolchain, board, &what)?);
    }
    Ok(built)
}

/// Compiles programs of `tests/bench/baseline`, the package of programs for comparison. Returns the ELF files.
pub fn build_baseline(toolchain: Toolchain, board: &Board, names: &[&str]) -> Result<Vec<PathBuf>> {
    let mut features = vec![board.name.to_owned()];
    let known = programs(&workspace::baseline())?;
    let wanted = known.into_iter().filter(|program| names.contains(&program.name.as_str()));
    features.extend(wanted.flat_map(|program| program.features));
    let mut what = vec!["--package".to_owned(), "picoevent-baseline".to_owned()];
    what.extend(options(&features, names.iter().copied()));
    let built = build_with(toolchain, board, &what)?;
    let find = |program: &&str| {
        let elf = built.iter().find(|elf| elf.ends_with(program)).cloned();
        elf.with_context(|| {
            format!("cargo did not report the path of {program} for {}", board.name)
        })
    };
    names.iter().map(find).collect()
}

/// The gateway that is implemented with embassy tasks: a program of the package `picoevent-baseline`.
pub const GATEWAY_AS_TASKS: &str = "gateway-tasks";

/// Compiles [`GATEWAY_AS_TASKS`] for a board.
pub fn build_gateway_as_tasks(toolchain: Toolchain, board: &Board) -> Result<()> {
    build_baseline(toolchain, board, &[GATEWAY_AS_TASKS]).map(drop)
}

/// A program of a package, as listed in the manifest of the package.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Program {
    name: String,
    /// The features that the program needs. Programs that do not need these features are built without these features.
    #[serde(default, rename = "required-features")]
    features: Vec<String>,
}

/// Returns the programs of the package in a folder.
fn programs(package: &Path) -> Result<Vec<Program>> {
    #[derive(Deserialize)]
    struct Manifest {
        bin: Vec<Program>,
    }
    let file = package.join("Cargo.toml");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let manifest: Manifest =
        toml::from_str(&text).with_context(|| format!("cannot parse {}", file.display()))?;
    Ok(manifest.bin)
}

/// Returns the cargo arguments that build the programs with these features.
fn options<'a>(features: &[String], names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut options: Vec<_> =
        names.into_iter().flat_map(|name| ["--bin".to_owned(), name.to_owned()]).collect();
    if !features.is_empty() {
        options.extend(["--features".to_owned(), features.join(",")]);
    }
    options
}

fn build_with(toolchain: Toolchain, board: &Board, what: &[String]) -> Result<Vec<PathBuf>> {
    let destination = workspace::firmware().join(board.name);
    fs::create_dir_all(&destination)
        .with_context(|| format!("cannot make {}", destination.display()))?;
    let lock = File::create(workspace::firmware().join(".lock"))?;
    lock.lock().context("cannot lock the firmware folder")?;

    // cargo must run in the board's folder. In another folder, cargo does not read the board's .cargo/config.toml,
    // which sets the target and the linker script.
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

/// Replaces the file `to` by a copy of `from`. A process that has opened the old file still reads the old content.
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
            let programs = programs(&board.folder()).unwrap();
            let mut names: Vec<_> = programs.iter().map(|program| program.name.as_str()).collect();
            names.sort_unstable();
            assert_eq!(names, ["echo", "gateway", "hello-world"], "{}", board.name);
        }
    }

    #[test]
    fn the_programs_of_a_board_are_in_its_manifest() {
        let found = programs(&workspace::boards().join("qemu-mps2-an385")).unwrap();
        let needs =
            |name: &str| &found.iter().find(|program| program.name == name).unwrap().features;
        assert!(needs("hello-world").is_empty());
        assert_eq!(needs("gateway"), &["udp"]);
        assert_eq!(
            options(needs("gateway"), ["gateway"]),
            ["--bin", "gateway", "--features", "udp"]
        );
        assert_eq!(options(&[], ["a", "b"]), ["--bin", "a", "--bin", "b"]);
        assert!(programs(Path::new("nowhere")).is_err());
    }

    #[test]
    fn a_file_is_replaced_completely() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("hello-world"));
        for content in ["one", "two"] {
            fs::write(&from, content).unwrap();
            replace(&from, &to).unwrap();
            assert_eq!(fs::read_to_string(&to).unwrap(), content);
        }
    }
}
