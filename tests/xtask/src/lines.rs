//! `cargo xtask lines`: counts the lines of two versions of the gateway. One version runs on picoevent's event loop.
//! The other version is implemented with embassy tasks, for comparison.
//!
//! The command counts the code that the developer of a product writes: the application and its set-up for one board. It
//! does not count board support, tests, comments and empty lines. It does not count the feature `online` either,
//! because the version with tasks does not have this feature. All sources are formatted by rustfmt with the same
//! settings. `cargo xtask test` checks the format.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    table::{Table, grouped},
    workspace,
};

/// An implementation: its name and its sources. A folder stands for all files in the folder.
type Implementation = (&'static str, &'static [&'static str]);

/// The compared implementations.
const IMPLEMENTATIONS: [Implementation; 2] = [
    (
        "tasks of embassy-net",
        &[
            "tests/bench/baseline/src/gateway.rs",
            "tests/bench/baseline/src/gateway",
            "tests/bench/baseline/src/bin/gateway-tasks.rs",
        ],
    ),
    (
        "picoevent",
        &[
            "examples/gateway/src/lib.rs",
            "examples/gateway/src/console.rs",
            "examples/gateway/src/discovery.rs",
            "examples/gateway/src/http.rs",
            "examples/gateway/src/offline.rs",
            "examples/gateway/src/store.rs",
            "examples/gateway/src/uplink.rs",
            "examples/boards/support/programs/gateway.rs",
        ],
    ),
];

/// Counts and prints a table for each implementation that exists.
///
/// # Errors
/// If a file cannot be read.
pub fn run() -> Result<()> {
    for (name, paths) in IMPLEMENTATIONS {
        let files = files(&workspace::root(), paths)?;
        if !files.is_empty() {
            print!("{}", table(name, &files)?);
        }
    }
    Ok(())
}

fn table(name: &str, files: &[PathBuf]) -> Result<Table> {
    let mut table = Table::new(format!("gateway, {name}"), "file | lines");
    let mut sum = 0;
    for file in files {
        let path = workspace::root().join(file);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let lines = count(&text);
        sum += lines;
        table.row(&file.display().to_string(), [grouped(lines)]);
    }
    table.row("all", [grouped(sum)]);
    Ok(table)
}

/// Returns the Rust files at these paths, without files that contain only tests. Missing paths are ignored.
fn files(root: &Path, paths: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for listed in paths {
        let path = root.join(listed);
        if path.is_dir() {
            let mut inside = Vec::new();
            for entry in path.read_dir().with_context(|| path.display().to_string())? {
                inside.push(Path::new(listed).join(entry?.file_name()).display().to_string());
            }
            inside.sort();
            files
                .extend(self::files(root, &inside.iter().map(|name| &**name).collect::<Vec<_>>())?);
        } else if path.is_file() && listed.ends_with(".rs") && !listed.ends_with("/tests.rs") {
            files.push(listed.into());
        }
    }
    Ok(files)
}

/// Counts the lines of a source that are neither empty nor a comment, up to the source's tests.
fn count(text: &str) -> u64 {
    let lines = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_empty_lines_and_tests_do_not_count() {
        let text = "//! Header.\n\nuse a;\n\n/// Does.\nfn f() { // why\n    // how\n    g();\n}\n\n\
                    #[cfg(test)]\nmod tests {\n    fn t() {}\n}\n";
        assert_eq!(count(text), 4);
    }

    #[test]
    fn a_folder_stands_for_its_sources() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        for name in ["b.rs", "a.rs", "tests.rs", "notes.md"] {
            fs::write(folder.path().join("src").join(name), "").unwrap();
        }
        let found = files(folder.path(), &["src", "src/b.rs", "missing"]).unwrap();
        assert_eq!(found, ["src/a.rs", "src/b.rs", "src/b.rs"].map(PathBuf::from));
    }

    #[test]
    fn the_gateway_as_tasks_is_found() {
        let (_, paths) = IMPLEMENTATIONS[0];
        let files = files(&workspace::root(), paths).unwrap();
        assert!(files.len() >= 7, "{files:?}");
        assert!(files.iter().any(|file| file.ends_with("bin/gateway-tasks.rs")), "{files:?}");
    }
}
