//! Plays one workload and writes what each contestant took, one line a turn.
//!
//! ```text
//! picoevent-loops chain   --kind eventfd --pairs 1000 --tokens 1 --warm 1000 --writes 10000
//! picoevent-loops active  --events 64 --callbacks 200000
//! picoevent-loops timers  --timers 1000 --until Fire
//! picoevent-loops idle    --timers 10000 --operations 1000000
//! ```
//!
//! It ends with status 3 when this machine has no room for as much. `cargo xtask bench` calls it and
//! makes tables of the lines.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow, ensure};
use clap::{Args, Parser};
use picoevent_loops::chain::ring::TooFew;
use picoevent_loops::clock::timed;
use picoevent_loops::plugin::Plugin;
use picoevent_loops::{active, chain, timers};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Large tables are made on the stack before they move into their box.
const STACK: u64 = 100 << 20;

/// The status when this machine does not let a workload run.
const NOT_HERE: u8 = 3;

fn main() -> ExitCode {
    // How long it takes to ask for the time is found out here, or it would be among the
    // instructions of whatever is timed first.
    timed(|| ());
    match enlarge_stack().and_then(|()| run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<TooFew>() { ExitCode::from(NOT_HERE) } else { ExitCode::FAILURE }
        }
    }
}

/// Lets the stack of this thread grow further. A second thread could have a large one from the
/// start, but in a process of two the system counts who uses a descriptor in each call, and the C
/// library takes its longer ways: both would be in everybody's time.
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
    /// Begin timers of a minute again
    Idle {
        #[command(flatten)]
        task: timers::Idle,
        #[command(flatten)]
        who: Who,
    },
}

/// Who takes part.
#[derive(Args)]
struct Who {
    /// A library with further contestants; may be given several times
    #[arg(long, value_name = "FILE")]
    plugin: Vec<PathBuf>,
    /// Only this contestant; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

impl Who {
    /// The contestants that are wanted, of those of this program and of the plug-ins.
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
            return Err(anyhow!("there is no contestant {unknown:?}: known are {known:?}"));
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
            chain::play(&task, &who.wanted(chain::contestants(), Plugin::chains, |it| it.name)?)
        }
        Workload::Active { task, who } => {
            active::play(&task, &who.wanted(active::contestants(), Plugin::actives, |it| it.name)?)
        }
        Workload::Timers { task, who } => {
            timers::play(&task, &who.wanted(timers::contestants(), Plugin::timers, |it| it.name)?)
        }
        Workload::Idle { task, who } => {
            let all = who.wanted(timers::idle_contestants(), Plugin::timers, |it| it.name)?;
            timers::play_idle(&task, &all)
        }
    }
}
