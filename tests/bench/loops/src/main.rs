//! Runs one workload. Writes one line for each contender and round.
//!
//! ```text
//! picoevent-loops chain   --kind eventfd --pairs 1000 --tokens 1 --warm 1000 --writes 10000
//! picoevent-loops active  --events 64 --callbacks 200000
//! picoevent-loops timers  --timers 1000 --until Fire
//! picoevent-loops idle    --timers 10000 --operations 1000000
//! ```
//!
//! The exit status is 3 if this machine does not have the resources for the workload. `cargo xtask bench` runs this
//! program and formats the lines as tables.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow, ensure};
use clap::{Args, Parser};
use picoevent_loops::chain::ring::TooFewDescriptors;
use picoevent_loops::clock::timed;
use picoevent_loops::plugin::Plugin;
use picoevent_loops::{active, chain, timers};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The size of the stack in bytes. Large tables are made on the stack before they move into a box.
const STACK: u64 = 100 << 20;

/// The exit status if this machine does not have the resources for a workload.
const MISSING_RESOURCES: u8 = 3;

fn main() -> ExitCode {
    // The first call of `timed` measures the cost of reading the time. Without the call here, the instructions of this
    // measurement would be counted as instructions of the workload.
    timed(|| ());
    match enlarge_stack().and_then(|()| run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<TooFewDescriptors>() {
                ExitCode::from(MISSING_RESOURCES)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Allows the stack of this thread to grow further. A second thread could have a large stack from the start. But in a
/// process with two threads the system counts the users of a descriptor in each call, and the C library uses slower
/// code. Both effects would add to the time of every contender.
fn enlarge_stack() -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Stack);
    if current.is_none_or(|current| STACK <= current) {
        return Ok(());
    }
    let limit = maximum.unwrap_or(STACK);
    ensure!(STACK <= limit, "large tables need a stack of {STACK} bytes, and the limit is {limit}");
    Ok(setrlimit(Resource::Stack, Rlimit { current: Some(STACK), maximum })?)
}

#[derive(Parser)]
enum Workload {
    /// Pass tokens on in a ring of descriptors
    Chain {
        #[command(flatten)]
        settings: chain::Settings,
        #[command(flatten)]
        selection: Selection,
    },
    /// Run events that activate themselves
    Active {
        #[command(flatten)]
        settings: active::Settings,
        #[command(flatten)]
        selection: Selection,
    },
    /// Add, move, cancel and fire timers
    Timers {
        #[command(flatten)]
        settings: timers::Settings,
        #[command(flatten)]
        selection: Selection,
    },
    /// Restart one-minute timers
    Idle {
        #[command(flatten)]
        settings: timers::IdleSettings,
        #[command(flatten)]
        selection: Selection,
    },
}

/// The contenders to run.
#[derive(Args)]
struct Selection {
    /// A library with further contenders; can be repeated
    #[arg(long, value_name = "FILE")]
    plugin: Vec<PathBuf>,
    /// Only this contender; can be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

impl Selection {
    /// Selects the wanted contenders among the contenders of this program and of the plug-ins.
    fn wanted<T>(
        &self,
        mut all: Vec<T>,
        of_plugin: impl Fn(&Plugin) -> Vec<T>,
        name: impl Fn(&T) -> &'static str,
    ) -> Result<Vec<T>> {
        for path in &self.plugin {
            all.extend(of_plugin(&Plugin::load(path)?));
        }
        let known: Vec<_> = all.iter().map(&name).collect();
        if let Some(unknown) = self.only.iter().find(|only| !known.contains(&only.as_str())) {
            return Err(anyhow!("there is no contender {unknown:?}: known are {known:?}"));
        }
        if !self.only.is_empty() {
            all.retain(|each| self.only.iter().any(|only| only == name(each)));
        }
        Ok(all)
    }
}

fn run() -> Result<()> {
    match Workload::parse() {
        Workload::Chain { settings, selection } => chain::measure(
            &settings,
            &selection.wanted(chain::contenders(), Plugin::chains, |it| it.name)?,
        ),
        Workload::Active { settings, selection } => active::measure(
            &settings,
            &selection.wanted(active::contenders(), Plugin::actives, |it| it.name)?,
        ),
        Workload::Timers { settings, selection } => timers::measure(
            &settings,
            &selection.wanted(timers::contenders(), Plugin::timers, |it| it.name)?,
        ),
        Workload::Idle { settings, selection } => {
            let all = selection.wanted(timers::idle_contenders(), Plugin::timers, |it| it.name)?;
            timers::measure_idle(&settings, &all)
        }
    }
}
