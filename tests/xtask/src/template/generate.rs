//! Tests the template with cargo-generate: the generated projects, and the errors for bad input.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Result, ensure};

use super::plain::{self, Row};
use crate::{command, workspace};

/// The newest version of cargo-generate that builds with Rust 1.95.
const VERSION: &str = "0.23.5";

/// The time limit of cargo-generate.
const LIMIT: Duration = Duration::from_secs(60);

/// cargo-generate, in a separate folder below `target`.
pub(super) struct Generator(PathBuf);

impl Generator {
    /// Finds the program. If the program is missing, compiles it. This takes some minutes.
    pub(super) fn install() -> Result<Self> {
        let folder = workspace::target().join("cargo-generate");
        let program = folder.join("bin/cargo-generate");
        let version = command::first_line(Command::new(&program).args(["generate", "--version"]));
        if !version.is_ok_and(|version| version.ends_with(VERSION)) {
            let mut cargo = command::cargo(&workspace::root());
            cargo.args([
                "install",
                "cargo-generate",
                "--version",
                VERSION,
                "--locked",
                "--debug",
                "--root",
            ]);
            command::run(cargo.arg(folder))?;
        }
        Ok(Self(program))
    }

    fn run(&self, folder: &Path, name: &str, board: &str) -> Result<Output> {
        let mut generate = Command::new(&self.0);
        generate.current_dir(folder).args(["generate", "--silent", "--name", name, "--path"]);
        generate.arg(plain::template()).args(["--define", &format!("board={board}"), "--define"]);
        generate.arg(format!("picoevent={}", workspace::root().display()));
        // cargo-generate needs an author, even if the template does not use the author. `USER` is the author.
        generate.env("USER", "nobody").env_remove("RUST_BACKTRACE");
        println!("$ {}", command::describe(&generate));
        command::run_to_end(&mut generate, LIMIT)
    }

    /// Makes the project of a board in a folder, and checks that [`plain::fill`] makes the same project. Returns the
    /// project's folder.
    pub(super) fn project(&self, folder: &Path, row: &Row) -> Result<PathBuf> {
        let name = format!("on-{}", row.board());
        let output = self.run(folder, &name, row.board())?;
        ensure!(output.status.success(), "cargo-generate failed: {}", printed(&output));
        let (project, expected) = (folder.join(&name), tempfile::tempdir()?);
        plain::fill(row, &name, expected.path())?;
        let (files, wanted) = (plain::files(&project)?, plain::files(expected.path())?);
        ensure!(files == wanted, "cargo-generate made {files:?} instead of {wanted:?}");
        for file in files {
            let (made, wanted) = (project.join(&file), expected.path().join(&file));
            let is_same = fs::read(made)? == fs::read(wanted)?;
            ensure!(is_same, "cargo-generate makes a different {}", file.display());
        }
        Ok(project)
    }

    /// Checks that bad input is refused with a sentence that says what to do.
    pub(super) fn refuses_bad_input(&self, good: &Row) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        let refused = |folder: &Path, name: &str, board: &str, sentence: &str| {
            let output = self.run(folder, name, board)?;
            let printed = printed(&output);
            ensure!(!output.status.success(), "{name} on {board} was made: {printed}");
            ensure!(printed.contains(sentence), "{name} on {board} is refused by {printed:?}");
            println!("{sentence}");
            Ok(())
        };
        refused(folder, "my-device", "nucleo", "no board is called \"nucleo\": remove the empty")?;
        for name in ["1st", "my device", "größe", "build"] {
            let sentence = format!("\"{name}\" cannot be the name of a program: choose another");
            refused(folder, name, good.board(), &sentence)?;
            ensure!(!folder.join(name).exists(), "{name} was made although it was refused");
        }
        let twice = "Target directory already exists";
        refused(folder, "my-device", good.board(), twice)?;
        fs::write(folder.join("Cargo.toml"), "[package]\nname = \"outer\"\n")?;
        let inside = "inside-it would be inside of another cargo project";
        refused(folder, "inside-it", good.board(), inside)
    }
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}
