//! Programs in files: for each difference the shortest program that uses only it, and programs that
//! once failed.
//!
//! They are played before the programs of the seeds. If a file has the name of a difference, its program must
//! use exactly that difference.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    compare::Pair,
    differences::{DIFFERENCES, Difference},
    generate::{Kind, generate},
    program::Program,
    shrink::shrink,
};

impl Difference {
    /// Returns the name of its file.
    fn file(&self) -> String {
        format!("{}.txt", self.name.replace(' ', "-"))
    }
}

/// Plays the programs of a folder. Returns one text for each program that fails.
pub fn check(pair: &mut Pair, folder: &Path) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let program: Program = text.parse().with_context(|| path.display().to_string())?;
        let meant = DIFFERENCES.iter().position(|difference| difference.file() == name);
        match (pair.play(&program)?, meant) {
            (Err(mismatch), _) => wrong.push(format!("{name}:\n{}", mismatch.excerpt())),
            (Ok(used), Some(bit)) if used != 1 << bit => {
                wrong.push(format!(
                    "{name} uses the differences {used:#b}, not the one of its name"
                ));
            }
            (Ok(_), _) => {}
        }
    }
    Ok(wrong)
}

/// Writes a file for each difference: the shortest program that was found and that uses only this difference.
pub fn write(pair: &mut Pair, folder: &Path) -> Result<()> {
    for (bit, difference) in DIFFERENCES.iter().enumerate() {
        let shortest = search(pair, difference.kind(), 1 << bit)?;
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

/// Returns the shortest of some programs that use exactly this difference, or `None` if none is found.
fn search(pair: &mut Pair, kind: Kind, wanted: u64) -> Result<Option<Program>> {
    const SEEDS: u64 = 20_000;
    const ENOUGH: usize = 12;
    let mut found: Vec<Program> = Vec::new();
    for seed in 0..SEEDS {
        let program = generate(kind, seed);
        if !matches!(pair.play(&program)?, Ok(used) if used == wanted) {
            continue;
        }
        found.push(shrink(
            &program,
            |shorter| matches!(pair.play(shorter), Ok(Ok(used)) if used == wanted),
        ));
        if found.len() == ENOUGH {
            break;
        }
    }
    Ok(found.into_iter().min_by_key(|program| program.lines.len()))
}
