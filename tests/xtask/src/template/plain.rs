//! Fills in the template without cargo-generate, which takes minutes to build.
//!
//! [`super::generate`] checks that cargo-generate makes the same files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// A row of the table in `board.rhai`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The board's folder in `examples/boards`.
    pub(super) folder: String,
    /// The file in `firmware/start`, without its ending.
    pub(super) start: String,
    /// The target triple.
    pub(super) target: String,
    /// The arguments of `cargo picoevent` that run an image.
    pub(super) run: String,
}

impl Row {
    /// Returns the board's name.
    pub(super) fn board(&self) -> &str {
        self.folder.rsplit('/').next().unwrap_or_default()
    }

    /// Returns whether QEMU runs the board's firmware.
    pub(super) fn is_emulated(&self) -> bool {
        self.run.starts_with("qemu ")
    }
}

/// Returns the folder of the template.
pub(super) fn template() -> PathBuf {
    workspace::root().join("examples/template")
}

/// Reads the table of boards.
pub(super) fn rows() -> Result<Vec<Row>> {
    let path = template().join("board.rhai");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.lines().filter(|line| line.trim_start().starts_with("[\"")).map(row).collect()
}

fn row(line: &str) -> Result<Row> {
    let texts: Vec<_> = line.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    match <[String; 4]>::try_from(texts) {
        Ok([folder, start, target, run]) => Ok(Row { folder, start, target, run }),
        Err(_) => bail!("this is no row of four texts: {line}"),
    }
}

/// Makes a project of the template in a new folder.
pub(super) fn fill(row: &Row, name: &str, project: &Path) -> Result<()> {
    let root = workspace::root().display().to_string();
    let values = [
        ("project-name", name),
        ("board", row.board()),
        ("folder", &row.folder),
        ("target", &row.target),
        ("run", &row.run),
        ("picoevent", &root),
        ("picoevent_from_firmware", &root),
    ];
    for file in files(&template())? {
        let place = match file.to_string_lossy().strip_prefix("firmware/start/") {
            Some(start) if start == format!("{}.rs", row.start) => "firmware/src/start.rs".into(),
            Some(_) => continue,
            None if is_instruction(&file) => continue,
            None => file.clone(),
        };
        let text = fs::read_to_string(template().join(&file))?;
        let text = values.iter().fold(text, |text, (placeholder, value)| {
            text.replace(&format!("{{{{{placeholder}}}}}"), value)
        });
        ensure!(!text.contains("{{"), "{} has an unknown placeholder", file.display());
        let place = project.join(place);
        fs::create_dir_all(place.parent().unwrap_or(project))?;
        fs::write(&place, text).with_context(|| place.display().to_string())?;
    }
    Ok(())
}

/// Returns whether a file is only for cargo-generate and not part of a project.
fn is_instruction(file: &Path) -> bool {
    file.ends_with("cargo-generate.toml") || file.extension().is_some_and(|end| end == "rhai")
}

/// Returns the relative paths of all files in a folder and its subfolders, sorted. Leaves out git's and cargo's output.
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
    fn the_table_agrees_with_that_of_the_boards() {
        let rows = rows().unwrap();
        assert!(!rows.is_empty());
        for row in &rows {
            let board = Board::all().find(|board| board.name == row.board()).unwrap();
            assert_eq!(row.target, board.target, "{row:?}");
            let (RunsOn::Qemu(name) | RunsOn::Hardware(Hardware { chip: name, .. })) =
                board.runs_on;
            assert!(row.run.split(' ').any(|word| word == name), "{row:?} does not name {name}");
            assert_eq!(row.is_emulated(), board.is_emulated(), "{row:?}");
            assert_eq!(workspace::boards().join(&row.folder), board.folder());
        }
        // An ESP32 needs a `main` with other crates, and another flashing program.
        let is_offered = |board: &&Board| match board.runs_on {
            RunsOn::Hardware(hardware) => hardware.flashed_by != FlashedBy::Espflash,
            // A project cannot depend on a board package without code.
            RunsOn::Qemu(_) => board.has_code(),
        };
        let wanted: Vec<_> = Board::all().filter(is_offered).map(|board| board.name).collect();
        let mut offered: Vec<_> = rows.iter().map(Row::board).collect();
        offered.sort_by_key(|name| wanted.iter().position(|board| board == name));
        assert_eq!(offered, wanted, "examples/template/board.rhai has other rows");
    }

    #[test]
    fn a_row_has_four_texts() {
        assert_eq!(row(r#"    ["a/b", "c", "d", "e f"],"#).unwrap().board(), "b");
        assert!(row(r#"    ["a/b", "c", "d"],"#).is_err());
    }

    #[test]
    fn every_board_gets_a_whole_project() {
        for row in rows().unwrap() {
            let folder = tempfile::tempdir().unwrap();
            fill(&row, "my-device", folder.path()).unwrap();
            let read = |file: &str| fs::read_to_string(folder.path().join(file)).expect(file);
            assert!(read("firmware/src/start.rs").contains("crate::serve(stack)"), "{row:?}");
            assert!(read("firmware/Cargo.toml").contains("name = \"my-device\""));
            assert!(!folder.path().join("board.rhai").exists());
        }
    }
}
