//! Builds and runs `tests/bench/loops`: the program that runs all contenders of a workload in one process, and its
//! plug-ins.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use rayon::{ThreadPoolBuilder, prelude::*};

use super::{figures::Figures, peers};
use crate::{
    callgrind,
    command::{self, describe},
    workspace,
};

/// Each plug-in and its libraries.
const PLUGINS: [(&str, &[&str]); 4] =
    [("epoll", &[]), ("libevent", &["event_core"]), ("libev", &["ev"]), ("libuv", &["uv"])];

/// The time limit of a run.
const LIMIT: Duration = Duration::from_secs(600);

/// The time limit of a short run under valgrind.
const COUNT_LIMIT: Duration = Duration::from_secs(180);

/// The program's exit status if the machine does not have the resources for a workload.
const MISSING_RESOURCES: i32 = 3;

/// The built program and plug-ins.
pub struct Program {
    path: PathBuf,
    plugins: Vec<PathBuf>,
}

/// The error if the machine does not have the resources for a workload. The text names the resources.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MissingResources(pub String);

impl Program {
    /// Builds the program and its plug-ins.
    pub fn build() -> Result<Self> {
        let plugin = |(name, libraries): &(&str, &[&str])| {
            let source = format!("tests/bench/loops/c/{name}.c");
            peers::compile_plugin(name, &source, libraries)
        };
        let plugins = PLUGINS.iter().map(plugin).collect::<Result<_>>()?;
        Ok(Self { plugins, ..Self::build_without_plugins()? })
    }

    /// Builds the program alone, with the contenders in Rust.
    pub fn build_without_plugins() -> Result<Self> {
        let mut cargo = command::cargo(&workspace::root());
        cargo.args(["build", "--release", "--package", "picoevent-loops"]);
        let path = command::build_one(&mut cargo)?;
        Ok(Self { path, plugins: Vec::new() })
    }

    /// Runs the program with the arguments `words`, and reads the figures. `only` contains the names of the contenders.
    /// If `only` is empty, all contenders run.
    ///
    /// # Errors
    /// If a contender fails; [`MissingResources`] if the machine does not have the resources.
    pub fn measure(&self, words: &str, only: &[&str]) -> Result<Figures> {
        let mut program = self.command(words, only);
        println!("$ picoevent-loops {words}");
        let output =
            command::run_to_end(&mut program, LIMIT).with_context(|| describe(&program))?;
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        match output.status.code() {
            Some(0) => Figures::read(&String::from_utf8_lossy(&output.stdout)),
            Some(MISSING_RESOURCES) => {
                bail!(MissingResources(error.trim_start_matches("error: ").to_owned()))
            }
            _ => Err(anyhow!("{error}")).with_context(|| describe(&program)),
        }
    }

    /// Returns the difference in instructions between two runs of one contender, divided by the number of additional
    /// operations.
    fn difference(&self, count: &Count) -> Result<f64> {
        let run =
            |words: &str| callgrind::instructions(&self.command(words, &[count.name]), COUNT_LIMIT);
        let (less, more) = (run(&count.less)?, run(&count.more)?);
        Ok((more as f64 - less as f64) / count.per)
    }

    /// Counts the instructions of each item of `counts`. Two items are counted at the same time, because other programs
    /// do not change the number of instructions.
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

/// Two runs of one contender.
pub struct Count {
    /// The contender's name.
    pub name: &'static str,
    /// The arguments of the shorter run, separated by spaces.
    pub less: String,
    /// The arguments of the longer run, separated by spaces.
    pub more: String,
    /// The number of additional operations.
    pub per: f64,
}
