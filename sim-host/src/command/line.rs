//! The command line.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::shard::Shard;
use crate::world::{Sweep, seed};

/// Runs applications of picoevent in simulations: the whole stack of the firmware in virtual time, with faults and with
/// clients of many kinds. All choices are made at random from a seed.
#[derive(Debug, Parser)]
#[command(name = "picoevent-sim", disable_help_subcommand = true)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Sweep a range of seeds, or run one seed and show what happens
    Run(Run),
    /// Run one seed and show what happens, in real time
    Watch {
        /// The application: one of the names that `list` prints
        application: String,
        /// The seed: a number or a commit hash
        #[arg(long, default_value = "0", value_parser = seed::parse)]
        seed: u64,
        /// Run at R times the speed of real time
        #[arg(long, value_name = "R", default_value = "1", value_parser = ratio)]
        rt_ratio: f64,
        /// Use the configuration in this scenario file
        #[arg(long, value_name = "FILE")]
        scenario: Option<PathBuf>,
    },
    /// Replay the choice log of a simulation, or a recording of an application
    Replay {
        /// The file with the choice log, or the name of the application whose recording is replayed
        #[arg(value_name = "CHOICES or APPLICATION")]
        first: PathBuf,
        /// The log that contains the recording
        #[arg(conflicts_with_all = ["pcap", "trace"])]
        log: Option<PathBuf>,
        /// Accept a recording whose end is missing
        #[arg(long, requires = "log")]
        cut_off: bool,
        #[command(flatten)]
        views: Views,
    },
    /// Print the recording in a log, one line for each call
    Read {
        /// The log that contains the recording
        log: PathBuf,
        /// Accept a recording whose end is missing
        #[arg(long)]
        cut_off: bool,
    },
    /// Look for a shorter choice log that fails in the same way, and write it and a test with it beside the file
    Shrink {
        /// The file with the choice log
        choices: PathBuf,
    },
    /// Combine the reports of all shards of a sweep
    Merge {
        /// The files with the reports, in any order
        #[arg(required = true, value_name = "REPORT")]
        reports: Vec<PathBuf>,
    },
    /// Print the names of the applications
    List,
}

/// The arguments of `run`.
#[derive(Args, Clone, Debug)]
pub(super) struct Run {
    /// The application: one of the names that `list` prints
    pub(super) application: String,
    /// Sweep these seeds, by default 0..10000; A+N means N seeds, the first of them A
    #[arg(long, value_name = "A..B", value_parser = seed::parse_range)]
    seeds: Option<Range<u64>>,
    /// Run one seed: a number or a commit hash
    #[arg(long, conflicts_with = "seeds", value_parser = seed::parse)]
    seed: Option<u64>,
    /// Sweep for this time, for example 90s, 5m or 8h
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    time: Option<Duration>,
    /// Sweep on N threads; 0 means one thread per core
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Run one in twenty seeds twice and compare the outcomes
    #[arg(long)]
    pub(super) check: bool,
    /// Use the configuration in this scenario file
    #[arg(long, value_name = "FILE")]
    pub(super) scenario: Option<PathBuf>,
    /// Write the results of the sweep as an HTML page
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Run only part I of N parts of the seeds, for example 2/8
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, requires = "report")]
    pub(super) shard: Option<Shard>,
    /// Write the results of the sweep to a file that `merge` reads
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "time"])]
    pub(super) report: Option<PathBuf>,
    /// Record the input of the device's base; only with `--seed`
    #[arg(long, value_name = "FILE", requires = "seed")]
    #[arg(conflicts_with_all = ["time", "jobs", "check", "html"])]
    pub(super) record: Option<PathBuf>,
    #[command(flatten)]
    pub(super) views: Views,
}

/// Files that show one simulation. In a sweep, the simulation of the first seed that fails is shown.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Views {
    /// Capture the frames of the simulation, for Wireshark
    #[arg(long, value_name = "FILE")]
    pub(super) pcap: Option<PathBuf>,
    /// Draw a timeline of the simulation, for ui.perfetto.dev
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
}

/// The seeds that `run` runs.
#[derive(Debug)]
pub(super) enum Seeds {
    One(u64),
    Many(Sweep),
}

impl Run {
    /// Returns the one seed to run and show, or the sweep.
    pub(super) fn seeds(&self) -> Seeds {
        let is_sweep =
            self.time.is_some() || self.check || self.html.is_some() || self.jobs.is_some();
        if let Some(seed) = self.seed
            && !is_sweep
        {
            return Seeds::One(seed);
        }
        let seeds = self.shard.unwrap_or(Shard::WHOLE).of(&self.all_seeds());
        let jobs = match self.jobs {
            Some(0) => std::thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs.unwrap_or(1),
        };
        let sweep = Sweep { time: self.time, jobs, check: self.check, ..Sweep::over(seeds) };
        Seeds::Many(sweep)
    }

    /// Returns the seeds of the whole sweep, including all shards.
    pub(super) fn all_seeds(&self) -> Range<u64> {
        match (self.seed, &self.seeds, self.time) {
            (Some(seed), _, None) => seed..seed.saturating_add(1),
            (Some(seed), _, Some(_)) => seed..u64::MAX,
            (None, Some(seeds), _) => seeds.clone(),
            (None, None, Some(_)) => 0..u64::MAX,
            (None, None, None) => 0..10_000,
        }
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio: &f64| *ratio > 0.0);
    ratio.ok_or_else(|| format!("{text:?} is not a ratio, such as 10 or 0.5"))
}

/// Reads a time: a number and a unit.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time, such as 90s, 5m or 8h");
    let (unit, seconds) = match text.char_indices().last() {
        Some((at, 's')) => (at, 1),
        Some((at, 'm')) => (at, 60),
        Some((at, 'h')) => (at, 3600),
        _ => return Err(wrong()),
    };
    let amount: u64 = text[..unit].parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(amount.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn typed(line: &str) -> Result<Command, clap::Error> {
        let words = std::iter::once("picoevent-sim").chain(line.split_whitespace());
        CommandLine::try_parse_from(words).map(|line| line.command)
    }

    fn run(line: &str) -> Run {
        match typed(line) {
            Ok(Command::Run(run)) => run,
            other => panic!("{line} is {other:?}"),
        }
    }

    fn sweep(line: &str) -> Sweep {
        match run(line).seeds() {
            Seeds::Many(sweep) => sweep,
            Seeds::One(seed) => panic!("{line} is seed {seed}"),
        }
    }

    /// Checks that a command line is refused for this reason, with this message and exit status 2.
    fn refused(line: &str, kind: ErrorKind, message: &str) {
        let error = typed(line).unwrap_err();
        let text = error.to_string();
        assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{line}: {text}");
        assert!(text.contains(message), "{line}: {text}");
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_run_is_a_sweep_or_one_seed() {
        assert_eq!(run("run echo --check").application, "echo");
        let swept = sweep("run echo --seeds 5..9 --jobs 2 --check");
        assert_eq!((swept.seeds, swept.jobs, swept.check, swept.time), (5..9, 2, true, None));
        assert_eq!(sweep("run echo --for 8h").time, Some(Duration::from_secs(28_800)));
        assert_eq!(sweep("run echo").seeds, 0..10_000);
        assert_eq!(sweep("run echo --seed 3 --for 1m").seeds, 3..u64::MAX);
        assert!(matches!(run("run --seed 0x10 echo").seeds(), Seeds::One(16)));
    }

    #[test]
    fn a_shard_is_a_part_of_the_seeds() {
        assert_eq!(sweep("run echo --seeds 0..90 --shard 2/3 --report f").seeds, 30..60);
        assert_eq!(sweep("run echo --report f").seeds, 0..10_000);
        assert_eq!(run("run echo --seeds 5..9 --shard 1/2 --report f").all_seeds(), 5..9);
        refused("run echo --shard 1/3", ErrorKind::MissingRequiredArgument, "--report <FILE>");
        let message = "\"4/3\" is not a shard";
        refused("run echo --shard 4/3 --report f", ErrorKind::ValueValidation, message);
        for other in ["--seed 1", "--for 1s"] {
            let line = format!("run echo --report f {other}");
            refused(&line, ErrorKind::ArgumentConflict, "--report");
        }
        refused("merge", ErrorKind::MissingRequiredArgument, "<REPORT>");
    }

    #[test]
    fn output_files_need_a_command_that_writes_them() {
        let one = run("run echo --seed 3 --pcap a --trace b --record c");
        assert!(matches!(one.seeds(), Seeds::One(3)));
        assert_eq!(one.record, Some("c".into()));
        assert_eq!((one.views.pcap, one.views.trace), (Some("a".into()), Some("b".into())));
        assert_eq!(sweep("run echo --seed 3 --html a").seeds, 3..4);
        let Ok(Command::Replay { views, .. }) = typed("replay choices --pcap a") else {
            panic!("it is a choice log");
        };
        assert_eq!(views.pcap, Some("a".into()));
        refused("replay choices --html a", ErrorKind::UnknownArgument, "--html");
        refused("shrink choices --pcap a", ErrorKind::UnknownArgument, "--pcap");
        refused("replay echo log --pcap a", ErrorKind::ArgumentConflict, "--pcap");
        refused("run echo --record f", ErrorKind::MissingRequiredArgument, "--seed");
        for more in ["--check", "--jobs 2", "--for 1s", "--html a"] {
            let line = format!("run echo --seed 1 --record f {more}");
            refused(&line, ErrorKind::ArgumentConflict, "--record");
        }
    }

    #[test]
    fn a_simulation_is_watched_at_a_pace() {
        let watched = |line| match typed(line) {
            Ok(Command::Watch { seed, rt_ratio, .. }) => (seed, rt_ratio),
            other => panic!("{other:?}"),
        };
        assert_eq!(watched("watch echo"), (0, 1.0));
        assert_eq!(watched("watch echo --seed 5 --rt-ratio 0.5"), (5, 0.5));
        refused("watch", ErrorKind::MissingRequiredArgument, "<APPLICATION>");
        refused("watch echo --seeds 1..2", ErrorKind::UnknownArgument, "--seeds");
        refused("run echo --rt-ratio 2", ErrorKind::UnknownArgument, "--rt-ratio");
        let message = "\"0\" is not a ratio, such as 10 or 0.5";
        refused("watch echo --rt-ratio 0", ErrorKind::ValueValidation, message);
    }

    #[test]
    fn a_choice_log_and_a_recording_are_both_replayed() {
        let replayed = |line| match typed(line) {
            Ok(Command::Replay { first, log, cut_off, .. }) => (first, log, cut_off),
            other => panic!("{other:?}"),
        };
        assert_eq!(replayed("replay choices"), ("choices".into(), None, false));
        let recording = ("echo".into(), Some("log".into()), true);
        assert_eq!(replayed("replay echo log --cut-off"), recording);
        assert!(matches!(typed("read log"), Ok(Command::Read { cut_off: false, .. })));
        assert!(matches!(typed("read log --cut-off"), Ok(Command::Read { cut_off: true, .. })));
        refused("replay choices --cut-off", ErrorKind::MissingRequiredArgument, "LOG");
        refused("read", ErrorKind::MissingRequiredArgument, "<LOG>");
        refused("run echo --cut-off", ErrorKind::UnknownArgument, "--cut-off");
    }

    #[test]
    fn errors_name_the_mistake() {
        use ErrorKind::{
            ArgumentConflict, InvalidSubcommand, InvalidValue, MissingRequiredArgument,
            UnknownArgument, ValueValidation,
        };
        for (line, kind, message) in [
            ("", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, "Usage: picoevent-sim"),
            ("rum echo", InvalidSubcommand, "'rum'"),
            ("run", MissingRequiredArgument, "<APPLICATION>"),
            ("run echo now", UnknownArgument, "'now'"),
            (
                "run echo --seeds 7",
                ValueValidation,
                "\"7\" is not a range of seeds, such as 0..1000",
            ),
            ("run echo --seed frog", ValueValidation, "is neither a number nor a commit hash"),
            ("run echo --seed 1 --seeds 1..2", ArgumentConflict, "--seeds"),
            ("run echo --for 8", ValueValidation, "\"8\" is not a time, such as 90s, 5m or 8h"),
            ("run echo --jobs some", ValueValidation, "'some'"),
            ("replay", MissingRequiredArgument, "<CHOICES or APPLICATION>"),
            ("shrink", MissingRequiredArgument, "<CHOICES>"),
            ("shrink t --check", UnknownArgument, "--check"),
            ("list --sedes 1", UnknownArgument, "--sedes"),
            ("run echo --seeds", InvalidValue, "--seeds <A..B>"),
        ] {
            refused(line, kind, message);
        }
    }
}
