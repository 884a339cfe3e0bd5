//! Runs one workload. Writes one line for each contender and round.
//!
//! ```text
//! picoevent-loops chain   --kind eventfd --pairs 1000 --tokens 1 --warm 1000 --writes 10000
//! picoevent-loops active  --events 64 --callbacks 200000
//! picoevent-loops timers  --timers 1000 --until Fire
//! picoevent-loops idle    --timers 10000 --operations 1000000
//! ```
//!
//! Its exit status is 3 if this machine does not have the resources for the workload. `cargo xtask
//! bench` runs it and formats its lines as tables.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow, ensure};
use clap::{Args, Parser};
use picoevent_loops::chain::ring::TooFew;
use picoevent_loops::clock::timed;
use picoevent_loops::plugin::Plugin;
use picoevent_loops::{active, chain, timers};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Large tables are made on the stack before they move into a box.
const STACK: u64 = 100 << 20;

/// The exit status if this machine does not have the resources for a workload.
const NOT_HERE: u8 = 3;

fn main() -> ExitCode {
    // Measures the cost of reading the time here. Otherwise its instructions would count for the
    // first workload that is timed.
    timed(|| ());
    match enlarge_stack().and_then(|()| run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<TooFew>() { ExitCode::from(NOT_HERE) } else { ExitCode::FAILURE }
        }
    }
}

/// Allows the stack of this thread to grow further. A second thread could have a large stack from the start. But in a
/// process with two threads the system counts the users of a descriptor in each call, and the C library takes slower
/// paths. Both effects would add to the time of every contender.
fn enlarge_stack() -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Stack);
    if current.is_none_or(|current| STACK <= current) {
        return Ok(());
    }
    let most = maximum.unwrap_or(STACK);
    ensure!(STACK <= most, "large tables need a stack of {STACK} bytes and it may have {most}");
    Ok(setrlimit(Resource::Stack, Rlimit { current: Some(STACK), maximum })?)
}

#[derive(Parser)]
enum Workload {
    /// Pass tokens on in a ring of descriptors
    Chain {
        #[command(flatten)]
        task: chain::Task,
        #[command(flatten)]
        who: Who,
    },
    /// Run events that activate themselves
    Active {
        #[command(flatten)]
        task: active::Task,
        #[command(flatten)]
        who: Who,
    },
    /// Add, move, cancel and fire timers
    Timers {
        #[command(flatten)]
        task: timers::Task,
        #[command(flatten)]
        who: Who,
    },
    /// Restart timers of a minute
    Idle {
        #[command(flatten)]
        task: timers::Idle,
        #[command(flatten)]
        who: Who,
    },
}

/// The contenders to run.
#[derive(Args)]
struct Who {
    /// A library with further contenders; can be repeated
    #[arg(long, value_name = "FILE")]
    plugin: Vec<PathBuf>,
    /// Only this contender; can be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

impl Who {
    /// Selects the wanted contenders among those of this program and of the plug-ins.
    fn wanted<T>(
        &self,
        mut ours: Vec<T>,
        theirs: impl Fn(&Plugin) -> Vec<T>,
        name: impl Fn(&T) -> &'static str,
    ) -> Result<Vec<T>> {
        for path in &self.plugin {
            ours.extend(theirs(&Plugin::load(path)?));
        }
        let known: Vec<_> = ours.iter().map(&name).collect();
        if let Some(unknown) = self.only.iter().find(|only| !known.contains(&only.as_str())) {
            return Err(anyhow!("there is no contender {unknown:?}: known are {known:?}"));
        }
        if !self.only.is_empty() {
            ours.retain(|each| self.only.iter().any(|only| only == name(each)));
        }
        Ok(ours)
    }
}

fn run() -> Result<()> {
    match Workload::parse() {
        Workload::Chain { task, who } => {
            chain::play(&task, &who.wanted(chain::contenders(), Plugin::chains, |it| it.name)?)
        }
        Workload::Active { task, who } => {
            active::play(&task, &who.wanted(active::contenders(), Plugin::actives, |it| it.name)?)
        }
        Workload::Timers { task, who } => {
            timers::play(&task, &who.wanted(timers::contenders(), Plugin::timers, |it| it.name)?)
        }
        Workload::Idle { task, who } => {
            let all = who.wanted(timers::idle_contenders(), Plugin::timers, |it| it.name)?;
            timers::play_idle(&task, &all)
        }
    }
}
