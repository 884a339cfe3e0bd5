//! Plays one workload and writes what each contestant took, one line a turn.
//!
//! ```text
//! picoevent-loops chain   --kind eventfd --pairs 1000 --tokens 1 --warm 1000 --writes 10000
//! picoevent-loops active  --events 64 --callbacks 200000
//! picoevent-loops timers  --timers 1000 --until Fire
//! picoevent-loops idle    --timers 10000 --operations 1000000
//!
//!     --rounds N   --seed N   --plugin FILE …   --only NAME …   --fault lost|wrong (chain)
//! ```
//!
//! With `--until` timers are left as they are behind that phase: the process ends there, so that the
//! instructions of two such runs differ by a phase and nothing else.
//!
//! It ends with status 3 when this machine has no room for as much. `cargo xtask bench` calls it and
//! makes tables of the lines.

use std::process::ExitCode;

use anyhow::{Result, anyhow, ensure};
use lexopt::prelude::*;
use picoevent_loops::chain::ring::{Fault, Kind, TooFew};
use picoevent_loops::clock::timed;
use picoevent_loops::plugin::Plugin;
use picoevent_loops::timers::Phase;
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

/// What the command line says, with what it does not say as a short run has it.
struct Line {
    workload: Option<String>,
    kind: Kind,
    fault: Fault,
    until: Option<Phase>,
    /// Pairs, events or timers.
    count: u32,
    tokens: u32,
    warm: u64,
    /// Writes, callbacks or operations.
    work: u32,
    rounds: u32,
    seed: u64,
    plugins: Vec<Plugin>,
    only: Vec<String>,
}

impl Line {
    fn parse() -> Result<Self> {
        let mut line = Self {
            workload: None,
            kind: Kind::Eventfd,
            fault: Fault::None,
            until: None,
            count: 100,
            tokens: 1,
            warm: 1_000,
            work: 10_000,
            rounds: 1,
            seed: 1,
            plugins: Vec::new(),
            only: Vec::new(),
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Value(word) if line.workload.is_none() => line.workload = Some(word.string()?),
                Long("kind") => line.kind = parser.value()?.string()?.parse()?,
                Long("fault") => line.fault = parser.value()?.string()?.parse()?,
                Long("until") => line.until = Some(parser.value()?.string()?.parse()?),
                Long("pairs" | "events" | "timers") => line.count = parser.value()?.parse()?,
                Long("tokens") => line.tokens = parser.value()?.parse()?,
                Long("warm") => line.warm = parser.value()?.parse()?,
                Long("writes" | "callbacks" | "operations") => {
                    line.work = parser.value()?.parse()?;
                }
                Long("rounds") => line.rounds = parser.value()?.parse()?,
                Long("seed") => line.seed = parser.value()?.parse()?,
                Long("plugin") => line.plugins.push(Plugin::load(parser.value()?.as_ref())?),
                Long("only") => line.only.push(parser.value()?.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        ensure!(line.count > 0, "there must be one pair, event or timer at least");
        Ok(line)
    }

    /// The contestants that are wanted, of those of this program and of the plug-ins.
    fn wanted<T>(
        &self,
        mut ours: Vec<T>,
        theirs: impl Fn(&Plugin) -> Vec<T>,
        name: impl Fn(&T) -> &'static str,
    ) -> Result<Vec<T>> {
        ours.extend(self.plugins.iter().flat_map(theirs));
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
    let line = Line::parse()?;
    let Line { kind, fault, tokens, warm, rounds, seed, until, count, work, .. } = line;
    match line.workload.as_deref() {
        Some("chain") => {
            ensure!(0 < tokens && tokens <= count, "there can be 1 to {count} tokens");
            let writes = work.into();
            let task =
                chain::Task { kind, pairs: count, tokens, warm, writes, rounds, seed, fault };
            chain::play(&task, &line.wanted(chain::contestants(), Plugin::chains, |it| it.name)?)
        }
        Some("active") => {
            ensure!(count <= work, "there can be 1 to {work} events");
            let task = active::Task { events: count, callbacks: work.into(), rounds, seed };
            active::play(&task, &line.wanted(active::contestants(), Plugin::actives, |it| it.name)?)
        }
        Some("timers") => {
            let task = timers::Task { timers: count, rounds, seed, until };
            timers::play(&task, &line.wanted(timers::contestants(), Plugin::timers, |it| it.name)?)
        }
        Some("idle") => {
            let task = timers::Idle { timers: count, operations: work, rounds, seed };
            let all = line.wanted(timers::idle_contestants(), Plugin::timers, |it| it.name)?;
            timers::play_idle(&task, &all)
        }
        _ => Err(anyhow!("which workload? There are chain, active, timers, idle")),
    }
}
