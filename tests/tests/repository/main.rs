//! Checks of the repository as a whole.

mod commands;
mod documents;
mod language;
mod licences;
mod no_panic;
mod packages;
mod patches;
mod published;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the text of every Rust file in a folder and its subfolders, without build output.
fn sources(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap());
    let read = entries.flat_map(|entry| {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        match path.is_dir() {
            true if name == "target" => Vec::new(),
            true => sources(&format!("{folder}/{name}")),
            false if name.ends_with(".rs") => vec![fs::read_to_string(path).unwrap()],
            false => Vec::new(),
        }
    });
    read.collect()
}
