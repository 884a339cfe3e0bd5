//! The program that plays the workloads of one process, and its plug-ins: `tests/bench/loops`.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use rayon::{ThreadPoolBuilder, prelude::*};

use super::{figures::Figures, peers};
use crate::{
    callgrind,
    command::{self, describe},
    workspace,
};

/// Each plug-in and the library it is of.
const PLUGINS: [(&str, &[&str]); 4] =
    [("epoll", &[]), ("libevent", &["event_core"]), ("libev", &["ev"]), ("libuv", &["uv"])];

/// Longer than any play takes.
const LIMIT: Duration = Duration::from_secs(600);

/// Longer than a short one takes under valgrind.
const COUNT_LIMIT: Duration = Duration::from_secs(180);

/// The status the program ends with when the machine has no room for a workload.
const NOT_HERE: i32 = 3;

/// The built program and plug-ins.
pub struct Program {
    path: PathBuf,
    plugins: Vec<PathBuf>,
}

/// This machine has no room for a workload; the sentence says what is missing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotHere(pub String);

impl Program {
    /// Builds them.
    pub fn build() -> Result<Self> {
        let plugin = |(name, libraries): &(&str, &[&str])| {
            let source = format!("tests/bench/loops/c/{name}.c");
            peers::compile_plugin(name, &source, libraries)
        };
        let plugins = PLUGINS.iter().map(plugin).collect::<Result<_>>()?;
        Ok(Self { plugins, ..Self::build_without_plugins()? })
    }

    /// Builds the program alone, which has the contestants in Rust.
    pub fn build_without_plugins() -> Result<Self> {
        let mut cargo = command::cargo(&workspace::root());
        cargo.args(["build", "--release", "--package", "picoevent-loops"]);
        let path = command::build_one(&mut cargo)?;
        Ok(Self { path, plugins: Vec::new() })
    }

    /// Plays what the words say, with those contestants only, or all if none is named, and reads
    /// the figures.
    ///
    /// # Errors
    /// When a contestant fails; [`NotHere`] when the machine has no room for it.
    pub fn play(&self, words: &str, only: &[&str]) -> Result<Figures> {
        let mut program = self.command(words, only);
        println!("$ picoevent-loops {words}");
        let output = command::ended(&mut program, LIMIT).with_context(|| describe(&program))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        match output.status.code() {
            Some(0) => Figures::read(&String::from_utf8_lossy(&output.stdout)),
            Some(NOT_HERE) => bail!(NotHere(said.trim_start_matches("error: ").to_owned())),
            _ => Err(anyhow!("{said}")).with_context(|| describe(&program)),
        }
    }

    /// The instructions by which two runs of one contestant differ, for each of `per` operations
    /// that the second did more.
    fn difference(&self, count: &Count) -> Result<f64> {
        let run =
            |words: &str| callgrind::instructions(&self.command(words, &[count.name]), COUNT_LIMIT);
        let (less, more) = (run(&count.less)?, run(&count.more)?);
        Ok((more as f64 - less as f64) / count.per)
    }

    /// Counts the instructions of each, two at a time: unlike time they do not depend on what else
    /// the machine does.
    pub fn differences(&self, counts: &[Count]) -> Result<Vec<f64>> {
        println!("counting instructions, {} pairs of runs ...", counts.len());
        let pool = ThreadPoolBuilder::new().num_threads(2).build()?;
        let difference = |count: &Count| self.difference(count).context(count.name);
        pool.install(|| counts.par_iter().map(difference).collect())
    }

    fn command(&self, words: &str, only: &[&str]) -> Command {
        let mut program = Command::new(&self.path);
        program.args(words.split_whitespace());
        program.args(only.iter().flat_map(|name| ["--only", name]));
        for plugin in &self.plugins {
            program.arg("--plugin").arg(plugin);
        }
        program
    }
}

/// Two runs of one contestant.
pub struct Count {
    /// Whose.
    pub name: &'static str,
    /// What is played first.
    pub less: String,
    /// What is played then.
    pub more: String,
    /// How many operations more that is.
    pub per: f64,
}
