//! Makes projects from the template without cargo-generate, because cargo-generate takes minutes to build. Also reads
//! the two tables in the template's `board.rhai`: the boards, and the ways to start firmware.
//!
//! [`super::generate`] checks that cargo-generate makes the same files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// A row of the table of boards in `board.rhai`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The board's folder in `examples/boards`.
    pub(super) folder: String,
    /// The name of the [`Start`] that the board uses.
    pub(super) start: String,
    /// The target triple.
    pub(super) target: String,
    /// The command that runs an image. The path of the image is appended to the command.
    pub(super) run: String,
}

impl Row {
    /// Returns the board's name.
    pub(super) fn board(&self) -> &str {
        self.folder.rsplit('/').next().unwrap_or_default()
    }

    /// Returns whether QEMU runs the board's firmware.
    pub(super) fn is_emulated(&self) -> bool {
        self.start == "qemu"
    }

    /// Returns the workspace of the board's package. The projects for the board use the versions and the target folder
    /// of this workspace.
    pub(super) fn workspace(&self) -> PathBuf {
        if self.start == "esp32" { workspace::esp32() } else { workspace::boards() }
    }
}

/// A row of the second table in `board.rhai`: a way to start the firmware of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Start {
    name: String,
    /// The file in `firmware/start`.
    file: String,
    /// The linker's arguments, as a list in Rust.
    linker_arguments: String,
    /// Lines of `firmware/Cargo.toml`.
    crates_of_main: Vec<String>,
}

/// Returns the folder of the template.
pub(super) fn template() -> PathBuf {
    workspace::root().join("examples/template")
}

/// Reads the table of boards.
pub(super) fn rows() -> Result<Vec<Row>> {
    texts('"')?.into_iter().map(row).collect()
}

/// Reads the table of the ways to start firmware.
fn starts() -> Result<Vec<Start>> {
    texts('`')?.into_iter().map(start).collect()
}

/// Returns the texts in the rows of a table in `board.rhai`. The file has two tables, and each of them has its own kind
/// of quotation mark around the texts. `quote` selects the table.
fn texts(quote: char) -> Result<Vec<Vec<String>>> {
    let path = template().join("board.rhai");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let row = |line: &str| line.split(quote).skip(1).step_by(2).map(str::to_owned).collect();
    Ok(text.lines().filter(|line| line.starts_with(&format!("    [{quote}"))).map(row).collect())
}

fn row(texts: Vec<String>) -> Result<Row> {
    match <[String; 4]>::try_from(texts) {
        Ok([folder, start, target, run]) => Ok(Row { folder, start, target, run }),
        Err(texts) => bail!("this row does not have four texts: {texts:?}"),
    }
}

fn start(texts: Vec<String>) -> Result<Start> {
    match &texts[..] {
        [name, file, linker_arguments, crates_of_main @ ..] => Ok(Start {
            name: name.clone(),
            file: file.clone(),
            linker_arguments: linker_arguments.clone(),
            crates_of_main: crates_of_main.to_vec(),
        }),
        _ => bail!("this row has fewer than three texts: {texts:?}"),
    }
}

/// Makes a project from the template in a new folder.
pub(super) fn fill(row: &Row, name: &str, project: &Path) -> Result<()> {
    let root = workspace::root().display().to_string();
    let start = starts()?.into_iter().find(|start| start.name == row.start);
    let start = start.with_context(|| format!("no way to start is called {:?}", row.start))?;
    let crates: String = start.crates_of_main.iter().map(|line| format!("{line}\n")).collect();
    let values = [
        ("project-name", name),
        ("board", row.board()),
        ("folder", &row.folder),
        ("target", &row.target),
        ("run", &row.run),
        ("linker_arguments", &start.linker_arguments),
        ("crates_of_main", &crates),
        ("picoevent", &root),
        ("picoevent_from_firmware", &root),
    ];
    for file in files(&template())? {
        let target = match file.to_string_lossy().strip_prefix("firmware/start/") {
            Some(name) if name == start.file => "firmware/src/start.rs".into(),
            Some(_) => continue,
            None if is_instruction(&file) => continue,
            None => file.clone(),
        };
        let text = fs::read_to_string(template().join(&file))?;
        let text = values.iter().fold(text, |text, (placeholder, value)| {
            text.replace(&format!("{{{{{placeholder}}}}}"), value)
        });
        ensure!(!text.contains("{{"), "{} has an unknown placeholder", file.display());
        let target = project.join(target);
        fs::create_dir_all(target.parent().unwrap_or(project))?;
        fs::write(&target, text).with_context(|| target.display().to_string())?;
    }
    Ok(())
}

/// Returns whether a file is only for cargo-generate and not part of a project.
fn is_instruction(file: &Path) -> bool {
    file.ends_with("cargo-generate.toml") || file.extension().is_some_and(|end| end == "rhai")
}

/// Returns the relative paths of all files in a folder and its subfolders, sorted. Leaves out `.git`, `target` and
/// lock files.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let entries = folder.join(&inner);
        let entries = fs::read_dir(&entries).with_context(|| entries.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true if path.ends_with(".git") || path.ends_with("target") => {}
                true => folders.push(path),
                false if path.ends_with("Cargo.lock") => {}
                false => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{Board, FlashedBy, Hardware, RunsOn};

    #[test]
    fn the_table_matches_the_table_of_boards() {
        let rows = rows().unwrap();
        assert!(!rows.is_empty());
        for row in &rows {
            let board = Board::all().find(|board| board.name == row.board()).unwrap();
            assert_eq!(row.target, board.target, "{row:?}");
            let (RunsOn::Qemu(name) | RunsOn::Hardware(Hardware { chip: name, .. })) =
                board.runs_on;
            assert!(row.run.split(' ').any(|word| word == name), "{row:?} does not name {name}");
            let wanted = match board.runs_on {
                RunsOn::Qemu(_) => "qemu",
                RunsOn::Hardware(Hardware { flashed_by: FlashedBy::Espflash, .. }) => "esp32",
                RunsOn::Hardware(_) => "hardware",
            };
            assert_eq!(row.start, wanted, "{row:?}");
            assert_eq!(workspace::boards().join(&row.folder), board.folder());
        }
        // A project cannot depend on the package of a board without code, so the template does not offer this board.
        let packages = Board::all().filter(|board| board.has_code());
        let wanted: Vec<_> = packages.map(|board| board.name).collect();
        let mut offered: Vec<_> = rows.iter().map(Row::board).collect();
        offered.sort_by_key(|name| wanted.iter().position(|board| board == name));
        assert_eq!(offered, wanted, "examples/template/board.rhai has other rows");
    }

    #[test]
    fn a_row_has_enough_texts() {
        let texts = |texts: &[&str]| texts.iter().copied().map(str::to_owned).collect();
        assert_eq!(row(texts(&["a/b", "c", "d", "e f"])).unwrap().board(), "b");
        assert!(row(texts(&["a/b", "c", "d"])).is_err());
        assert_eq!(start(texts(&["a", "b", "c"])).unwrap().crates_of_main, [""; 0]);
        assert_eq!(start(texts(&["a", "b", "c", "d", "e"])).unwrap().crates_of_main, ["d", "e"]);
        assert!(start(texts(&["a", "b"])).is_err());
    }

    #[test]
    fn every_board_gets_the_crates_and_the_command_of_its_own_package() {
        for row in rows().unwrap() {
            let folder = tempfile::tempdir().unwrap();
            fill(&row, "my-device", folder.path()).unwrap();
            let table = |folder: &Path, file: &str| -> toml::Table {
                fs::read_to_string(folder.join(file)).expect(file).parse().expect(file)
            };
            let version = |dependency: &toml::Value| -> Option<String> {
                let version = dependency.get("version").unwrap_or(dependency).as_str()?;
                Some(version.trim_start_matches('=').to_owned())
            };
            let known = &table(&row.workspace(), "Cargo.toml")["workspace"]["dependencies"];
            let manifest = table(folder.path(), "firmware/Cargo.toml");
            for (name, dependency) in manifest["dependencies"].as_table().unwrap() {
                if dependency.get("path").is_none() {
                    assert_eq!(version(dependency), version(&known[name]), "{name} of {row:?}");
                }
            }
            let board = workspace::boards().join(&row.folder);
            let own = table(&board, "Cargo.toml");
            for name in ["cortex-m-rt", "esp-hal", "esp-rtos"] {
                let names = manifest["dependencies"].get(name).is_some();
                let is_own = own["dependencies"].get(name).is_some();
                assert_eq!(names, is_own && !row.is_emulated(), "{name} of {row:?}");
            }
            if row.start == "esp32" {
                let settings = table(&board, ".cargo/config.toml");
                let runner = settings["target"][&row.target]["runner"].as_str();
                assert_eq!(runner, Some(&*row.run));
            }
        }
    }

    #[test]
    fn every_board_gets_a_complete_project() {
        for row in rows().unwrap() {
            let folder = tempfile::tempdir().unwrap();
            fill(&row, "my-device", folder.path()).unwrap();
            let read = |file: &str| fs::read_to_string(folder.path().join(file)).expect(file);
            assert!(read("firmware/src/start.rs").contains("crate::serve(stack, "), "{row:?}");
            assert!(read("firmware/src/main.rs").contains("base.seed(&seed)"), "{row:?}");
            assert!(read("firmware/Cargo.toml").contains("name = \"my-device\""));
            assert!(!folder.path().join("board.rhai").exists());
        }
    }
}
