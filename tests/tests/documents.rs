//! What the documents say of the tests is true.

use std::fs;
use std::path::{Path, PathBuf};

/// Each difference from libevent names a test, in the last column of its row.
#[test]
fn every_test_that_the_map_from_libevent_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let map = fs::read_to_string(root.join("docs/from-libevent.md")).unwrap();
    let (_, differences) = map.split_once("## Different on purpose").unwrap();
    let rows = differences.lines().filter(|line| line.starts_with("| ")).skip(1);
    let named: Vec<_> = rows.flat_map(|row| tests_of(row).collect::<Vec<_>>()).collect();
    assert!(named.len() > 10, "the table has another form than this test knows: {named:?}");

    let folders = ["core", "hal-embassy", "sim-host", "examples/hello-world", "tests"];
    let sources: String = folders.iter().flat_map(|folder| sources(&root.join(folder))).collect();
    for test in named {
        assert!(sources.contains(&format!("fn {test}()")), "there is no test {test}");
    }
}

/// The names in a row's last cell, each between backticks.
fn tests_of(row: &str) -> impl Iterator<Item = &str> {
    let cell = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or_default();
    cell.split('`').skip(1).step_by(2)
}

/// The text of every Rust file in a folder, but not of what was built.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<_>) = entries.partition(|path| path.is_dir());
    let inner = folders.iter().filter(|folder| !folder.ends_with("target"));
    let mut texts: Vec<_> = inner.flat_map(|folder| sources(folder)).collect();
    let rust = files.iter().filter(|file| file.extension().is_some_and(|name| name == "rs"));
    texts.extend(rust.map(|file| fs::read_to_string(file).unwrap()));
    texts
}
