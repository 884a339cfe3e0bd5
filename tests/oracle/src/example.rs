//! Programs in files. For each difference, one file has the shortest program that uses only this difference. Other
//! files have programs that once failed.
//!
//! These programs run before the programs that are generated from seeds. If a file has the name of a difference, its
//! program must use exactly this difference.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    compare::Comparator,
    differences::{DIFFERENCES, Difference},
    generate::{Kind, generate},
    program::Program,
    shrink::shrink,
};

impl Difference {
    /// Returns the name of the file with the program for this difference.
    fn file(&self) -> String {
        format!("{}.txt", self.name.replace(' ', "-"))
    }
}

/// Runs the programs of a folder. Returns one text for each program that fails.
pub fn check(comparator: &mut Comparator, folder: &Path) -> Result<Vec<String>> {
    let mut failures = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let program: Program = text.parse().with_context(|| path.display().to_string())?;
        let expected = DIFFERENCES.iter().position(|difference| difference.file() == name);
        match (comparator.run(&program)?, expected) {
            (Err(mismatch), _) => failures.push(format!("{name}:\n{}", mismatch.excerpt())),
            (Ok(used), Some(bit)) if used != 1 << bit => {
                failures.push(format!(
                    "{name} uses the differences {used:#b}, not the one of its name"
                ));
            }
            (Ok(_), _) => {}
        }
    }
    Ok(failures)
}

/// Writes a file for each difference, with the shortest program found that uses only this difference.
pub fn write(comparator: &mut Comparator, folder: &Path) -> Result<()> {
    for (bit, difference) in DIFFERENCES.iter().enumerate() {
        let shortest = search(comparator, difference.kind(), 1 << bit)?;
        let Some(program) = shortest else {
            println!("{}: there is no program that uses it alone", difference.name);
            continue;
        };
        let Difference { name, rule, libevent, ours, .. } = difference;
        let text = format!("# {name} ({rule})\n# libevent: {libevent}\n# ours: {ours}\n{program}");
        let path = folder.join(difference.file());
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Searches for programs that use exactly the differences `wanted`, and shortens them. Returns the shortest of these
/// programs, or `None` if none is found.
fn search(comparator: &mut Comparator, kind: Kind, wanted: u64) -> Result<Option<Program>> {
    const SEEDS: u64 = 20_000;
    const ENOUGH: usize = 12;
    let mut found: Vec<Program> = Vec::new();
    for seed in 0..SEEDS {
        let program = generate(kind, seed);
        if !matches!(comparator.run(&program)?, Ok(used) if used == wanted) {
            continue;
        }
        found.push(shrink(
            &program,
            |shorter| matches!(comparator.run(shorter), Ok(Ok(used)) if used == wanted),
        ));
        if found.len() == ENOUGH {
            break;
        }
    }
    Ok(found.into_iter().min_by_key(|program| program.lines.len()))
}
