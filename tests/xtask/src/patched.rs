//! Makes copies of the repository with a planted bug, to check whether a test finds the bug.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{command, workspace};

/// Copies the repository to `copy` and plants each wanted bug of a folder, one after the other. `is_found` receives
/// the bug's name and returns whether the bug was found. If `is_found` returns an error, or if a patch no longer
/// applies, the bug counts as not found, and the next bug is planted. Returns the exit status.
///
/// # Errors
/// If the folder has no wanted bug, or the copy cannot be made or restored.
pub fn plant_each(
    bugs: &str,
    copy: &Path,
    is_wanted: impl Fn(&str) -> bool,
    is_found: impl FnMut(&str) -> Result<bool>,
) -> Result<i32> {
    let root = workspace::root();
    copy_folder(&root, copy)?;
    let mut patches = patches(&root.join(bugs))?;
    patches.retain(|path| is_wanted(&name(path)));
    ensure!(!patches.is_empty(), "there is no such patch in {bugs}");
    let not_found = plant(copy, &patches, is_found)?;
    println!("{} bugs, {not_found} not found as required", patches.len());
    Ok(i32::from(not_found > 0))
}

/// Applies each patch to `copy`, and removes the patch again. Returns the number of bugs that were not found.
fn plant(
    copy: &Path,
    patches: &[PathBuf],
    mut is_found: impl FnMut(&str) -> Result<bool>,
) -> Result<usize> {
    let mut not_found = 0;
    for patch in patches {
        let found = match apply(copy, patch, &[]) {
            Ok(()) => {
                let found = is_found(&name(patch));
                apply(copy, patch, &["--reverse"])?;
                found
            }
            not_applied => not_applied.map(|()| false),
        };
        if let Err(error) = &found {
            println!("{}: {error:#}", name(patch));
        }
        not_found += usize::from(!matches!(found, Ok(true)));
    }
    Ok(not_found)
}

fn name(patch: &Path) -> String {
    patch.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns the patches in a folder, sorted by name.
fn patches(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut patches: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    patches.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.sort();
    Ok(patches)
}

/// Applies a patch to a copy, or removes it with `--reverse`.
fn apply(copy: &Path, patch: &Path, more: &[&str]) -> Result<()> {
    let mut git = Command::new("git");
    // The copy is not a git repository, but may be inside a git repository. git must ignore that repository.
    git.env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy));
    git.current_dir(copy).args(["apply", "--whitespace=nowarn"]).args(more).arg(patch);
    let applied = git.output().with_context(|| command::cannot_start(&git))?;
    if !applied.status.success() {
        let message = String::from_utf8_lossy(&applied.stderr).into_owned();
        bail!("{} does not apply: {}", patch.display(), message.trim());
    }
    Ok(())
}

/// Copies a folder without build output and git's files.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_that_cannot_be_tried_counts_as_not_found_and_the_next_bug_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        fs::create_dir(&copy).unwrap();
        let file = copy.join("file");
        fs::write(&file, "right\n").unwrap();
        let patches = ["does-not-apply", "does-not-compile", "is-missed", "is-found"].map(|name| {
            let before = if name == "does-not-apply" { "other" } else { "right" };
            let patch = format!("--- a/file\n+++ b/file\n@@ -1 +1 @@\n-{before}\n+{name}\n");
            let path = folder.path().join(name).with_extension("patch");
            fs::write(&path, patch).unwrap();
            path
        });
        let mut tried = Vec::new();
        let not_found = plant(&copy, &patches, |name| {
            tried.push(fs::read_to_string(&file).unwrap());
            match name {
                "does-not-compile" => bail!("there is no such function"),
                _ => Ok(name == "is-found"),
            }
        });
        assert_eq!(not_found.unwrap(), 3);
        assert_eq!(tried, ["does-not-compile\n", "is-missed\n", "is-found\n"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "right\n");
    }
}
