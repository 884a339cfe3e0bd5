//! Copies of the repository with a bug in them, to see whether a test finds it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::command;

/// The patches in a folder, by their names.
///
/// # Errors
/// When the folder can not be read.
pub fn patches(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut patches: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    patches.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.sort();
    Ok(patches)
}

/// Applies a patch to a copy, or with `--reverse` takes it out again.
///
/// # Errors
/// When it does not fit.
pub fn apply(copy: &Path, patch: &Path, more: &[&str]) -> Result<()> {
    let mut git = Command::new("git");
    // The copy is no repository, though it may lie in one.
    git.env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy));
    git.current_dir(copy).args(["apply", "--whitespace=nowarn"]).args(more).arg(patch);
    let applied = git.output().with_context(|| command::cannot_start(&git))?;
    if !applied.status.success() {
        let said = String::from_utf8_lossy(&applied.stderr).into_owned();
        bail!("{} does not fit: {}", patch.display(), said.trim());
    }
    Ok(())
}

/// Copies what is in a folder, but nothing that was built or belongs to git.
///
/// # Errors
/// When a file can not be read or written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let name = entry.file_name();
        if name == "target" || name == ".git" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy_folder(&source, &target)?;
        } else if entry.file_type()?.is_file() {
            fs::copy(&source, &target).with_context(|| source.display().to_string())?;
        }
    }
    Ok(())
}
