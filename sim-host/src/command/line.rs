//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Parser, ValueExt};

use super::End;
use crate::world::{Sweep, seed};

pub(super) const HELP: &str = "\
Runs applications of picoevent in worlds of their own: the firmware's whole stack under virtual
time, among faults and clients of all manners, every choice of it drawn from a seed.

usage: picoevent-sim COMMAND

  run APPLICATION             sweeps 10,000 seeds
    --seeds A..B                or these; A+N are N from A on
    --for TIME                  for so long: 90s, 5m, 8h
    --jobs N                    on N threads; 0 for one for each core
    --check                     runs some seeds twice and compares
    --scenario FILE             in the world of a scenario, with the seeds' luck
    --html FILE                 writes a page of what came of it
    --pcap FILE, --trace FILE   as below, of the first seed that fails
  run APPLICATION --seed S    runs one seed and tells what happens; S may be a commit hash
    --pcap FILE                 captures the frames, for Wireshark
    --trace FILE                draws a timeline, for ui.perfetto.dev
    --record FILE               records what the device's base is fed
  watch APPLICATION           shows one seed while it happens
    --seed S                    this one; else 0
    --rt-ratio R                R times as fast as our time; else 1
    --scenario FILE             in the world of a scenario
  replay TAPE                 runs what a tape says; --pcap and --trace as above
  replay APPLICATION LOG      runs an application on the recording that is in a log
  read LOG                    tells what was recorded, call by call
    --cut-off                   for these two: though the recording has no end
  shrink TAPE                 looks for a shorter tape that fails alike, and writes a test
  list                        names the applications
";

/// A command, as typed.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Help,
    List,
    Sweep(String, Sweep, Files),
    Seed(String, u64, Files),
    /// An application, a seed, seconds of the simulation in one of ours, and a scenario.
    Watch(String, u64, f64, Option<PathBuf>),
    Replay(PathBuf, Files),
    ReplayRecording(String, PathBuf, Whole),
    Read(PathBuf, Whole),
    Shrink(PathBuf),
}

/// The files that a command reads and writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    pub(super) scenario: Option<PathBuf>,
    pub(super) pcap: Option<PathBuf>,
    pub(super) trace: Option<PathBuf>,
    pub(super) html: Option<PathBuf>,
    pub(super) record: Option<PathBuf>,
}

/// Whether a recording must have its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Required,
    CutOff,
}

/// Reads a command line, the program's name included.
pub(super) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Command, End> {
    read(Parser::from_iter(line)).map_err(End::Usage)
}

#[derive(Default)]
struct Options {
    seeds: Option<std::ops::Range<u64>>,
    seed: Option<u64>,
    time: Option<Duration>,
    jobs: Option<usize>,
    check: bool,
    ratio: Option<f64>,
    files: Files,
    cut_off: bool,
}

fn read(mut parser: Parser) -> Result<Command, String> {
    let (mut words, mut options) = (Vec::new(), Options::default());
    let plain = |error: lexopt::Error| error.to_string();
    while let Some(argument) = parser.next().map_err(plain)? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("seeds") => options.seeds = Some(seed::parse_range(&text(&mut parser)?)?),
            Long("seed") => options.seed = Some(seed::parse(&text(&mut parser)?)?),
            Long("for") => options.time = Some(time(&text(&mut parser)?)?),
            Long("jobs") => options.jobs = Some(number(&text(&mut parser)?)?),
            Long("check") => options.check = true,
            Long("rt-ratio") => options.ratio = Some(ratio(&text(&mut parser)?)?),
            Long("scenario") => options.files.scenario = Some(path(&mut parser)?),
            Long("pcap") => options.files.pcap = Some(path(&mut parser)?),
            Long("trace") => options.files.trace = Some(path(&mut parser)?),
            Long("record") => options.files.record = Some(path(&mut parser)?),
            Long("cut-off") => options.cut_off = true,
            Long("html") => options.files.html = Some(path(&mut parser)?),
            Value(word) => words.push(word.string().map_err(plain)?),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let command = match *words.as_slice() {
        [] => return Err("which command?".to_owned()),
        ["run", application] => return options.run(application),
        ["watch", application] => options.watch(application),
        [verb @ ("run" | "watch")] => {
            return Err(format!("{verb} what? list names the applications"));
        }
        ["list"] => Command::List,
        ["replay", tape] => Command::Replay(tape.into(), options.looks()),
        ["replay", application, log] => {
            Command::ReplayRecording(application.to_owned(), log.into(), options.take_cut_off())
        }
        ["read", log] => Command::Read(log.into(), options.take_cut_off()),
        ["read"] => return Err("read which log?".to_owned()),
        ["shrink", tape] => Command::Shrink(tape.into()),
        ["replay" | "shrink"] => return Err(format!("{} which tape?", words[0])),
        [known @ ("run" | "watch" | "list" | "replay" | "shrink" | "read"), ..] => {
            return Err(format!("too many words after {known}"));
        }
        [other, ..] => return Err(format!("there is no command {other:?}")),
    };
    options.is_empty(words[0])?;
    Ok(command)
}

impl Options {
    /// Takes the files that show one simulation.
    fn looks(&mut self) -> Files {
        let (pcap, trace) = (self.files.pcap.take(), self.files.trace.take());
        Files { pcap, trace, ..Files::default() }
    }

    fn watch(&mut self, application: &str) -> Command {
        let (seed, ratio) = (self.seed.take().unwrap_or(0), self.ratio.take().unwrap_or(1.0));
        Command::Watch(application.to_owned(), seed, ratio, self.files.scenario.take())
    }

    fn run(self, application: &str) -> Result<Command, String> {
        if self.ratio.is_some() {
            return Err("run takes no --rt-ratio".to_owned());
        }
        if self.cut_off {
            return Err("run takes no --cut-off".to_owned());
        }
        let application = application.to_owned();
        let wants_sweep =
            self.seeds.is_some() || self.time.is_some() || self.check || self.files.html.is_some();
        let seeds = match (self.seed, self.seeds, self.time) {
            (Some(_), Some(_), _) => return Err("--seed or --seeds, not both".to_owned()),
            (Some(seed), None, None) if !wants_sweep && self.jobs.is_none() => {
                return Ok(Command::Seed(application, seed, self.files));
            }
            _ if self.files.record.is_some() => {
                return Err("--record goes with one --seed".to_owned());
            }
            (Some(seed), None, None) => seed..seed.saturating_add(1),
            (Some(seed), None, Some(_)) => seed..u64::MAX,
            (None, Some(seeds), _) => seeds,
            (None, None, Some(_)) => 0..u64::MAX,
            (None, None, None) => 0..10_000,
        };
        let jobs = match self.jobs {
            Some(0) => std::thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs.unwrap_or(1),
        };
        let sweep = Sweep { time: self.time, jobs, check: self.check, ..Sweep::over(seeds) };
        Ok(Command::Sweep(application, sweep, self.files))
    }

    fn take_cut_off(&mut self) -> Whole {
        if std::mem::take(&mut self.cut_off) { Whole::CutOff } else { Whole::Required }
    }

    fn is_empty(&self, command: &str) -> Result<(), String> {
        let given = [
            ("--seeds", self.seeds.is_some()),
            ("--seed", self.seed.is_some()),
            ("--for", self.time.is_some()),
            ("--jobs", self.jobs.is_some()),
            ("--check", self.check),
            ("--rt-ratio", self.ratio.is_some()),
            ("--scenario", self.files.scenario.is_some()),
            ("--pcap", self.files.pcap.is_some()),
            ("--trace", self.files.trace.is_some()),
            ("--html", self.files.html.is_some()),
            ("--record", self.files.record.is_some()),
            ("--cut-off", self.cut_off),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(format!("{command} takes no {option}")),
            None => Ok(()),
        }
    }
}

fn text(parser: &mut Parser) -> Result<String, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    value.string().map_err(|error| error.to_string())
}

fn path(parser: &mut Parser) -> Result<PathBuf, String> {
    parser.value().map(PathBuf::from).map_err(|error| error.to_string())
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio: &f64| *ratio > 0.0);
    ratio.ok_or_else(|| format!("{text:?} is not a ratio, such as 10 or 0.5"))
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

/// A time: a number and a unit.
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
    use super::*;

    fn typed(line: &str) -> Result<Command, String> {
        let words = std::iter::once("picoevent-sim").chain(line.split_whitespace());
        read(Parser::from_iter(words.map(OsString::from)))
    }

    fn mistake(line: &str) -> String {
        typed(line).unwrap_err()
    }

    #[test]
    fn a_run_is_a_sweep_or_one_seed() {
        let Ok(Command::Sweep(name, sweep, _)) = typed("run echo --seeds 5..9 --jobs 2 --check")
        else {
            panic!("it is a sweep");
        };
        assert_eq!((name.as_str(), sweep.seeds, sweep.jobs), ("echo", 5..9, 2));
        assert!(sweep.check && sweep.time.is_none());
        let Ok(Command::Sweep(_, sweep, _)) = typed("run echo --for 8h") else {
            panic!("it is a sweep");
        };
        assert_eq!(sweep.time, Some(Duration::from_secs(28_800)));
        assert!(matches!(typed("run --seed 0x10 echo"), Ok(Command::Seed(_, 16, _))));
    }

    #[test]
    fn files_go_with_what_can_fill_them() {
        let Ok(Command::Seed(_, 3, files)) = typed("run echo --seed 3 --pcap a --trace b") else {
            panic!("it is one seed");
        };
        assert_eq!((files.pcap, files.trace), (Some("a".into()), Some("b".into())));
        let Ok(Command::Sweep(_, sweep, files)) = typed("run echo --seed 3 --html a") else {
            panic!("it is a sweep of one seed");
        };
        assert_eq!((sweep.seeds, files.html), (3..4, Some("a".into())));
        let Ok(Command::Replay(_, files)) = typed("replay tape --pcap a") else {
            panic!("it is a tape");
        };
        assert_eq!(files.pcap, Some("a".into()));
        assert_eq!(mistake("replay tape --html a"), "replay takes no --html");
        assert_eq!(mistake("shrink tape --pcap a"), "shrink takes no --pcap");
    }

    #[test]
    fn a_world_is_watched_at_a_pace() {
        let watched = |line| match typed(line) {
            Ok(Command::Watch(_, seed, ratio, _)) => (seed, ratio),
            other => panic!("{other:?}"),
        };
        assert_eq!(watched("watch echo"), (0, 1.0));
        assert_eq!(watched("watch echo --seed 5 --rt-ratio 0.5"), (5, 0.5));
        assert_eq!(mistake("watch"), "watch what? list names the applications");
        assert_eq!(mistake("watch echo --seeds 1..2"), "watch takes no --seeds");
        assert_eq!(mistake("run echo --rt-ratio 2"), "run takes no --rt-ratio");
        let wrong = "\"0\" is not a ratio, such as 10 or 0.5";
        assert_eq!(mistake("watch echo --rt-ratio 0"), wrong);
    }

    #[test]
    fn a_tape_and_a_recording_are_replayed_alike() {
        assert!(matches!(typed("replay tape"), Ok(Command::Replay(..))));
        let typed_out = typed("replay echo log --cut-off");
        let Ok(Command::ReplayRecording(name, _, Whole::CutOff)) = typed_out else {
            panic!("it is a recording");
        };
        assert_eq!(name, "echo");
        assert!(matches!(typed("read log"), Ok(Command::Read(_, Whole::Required))));
        assert_eq!(mistake("replay tape --cut-off"), "replay takes no --cut-off");
        assert_eq!(mistake("read"), "read which log?");
        assert_eq!(mistake("run echo --record f"), "--record goes with one --seed");
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(mistake(""), "which command?");
        assert_eq!(mistake("rum echo"), "there is no command \"rum\"");
        assert_eq!(mistake("run"), "run what? list names the applications");
        assert_eq!(mistake("run echo now"), "too many words after run");
        assert_eq!(
            mistake("run echo --seeds 7"),
            "\"7\" is not a range of seeds, such as 0..1000 or 4f2a9c1+1000"
        );
        assert_eq!(
            mistake("run echo --seed frog"),
            "\"frog\" is neither a number nor a commit hash"
        );
        assert_eq!(mistake("run echo --seed 1 --seeds 1..2"), "--seed or --seeds, not both");
        assert_eq!(mistake("run echo --for 8"), "\"8\" is not a time, such as 90s, 5m or 8h");
        assert_eq!(mistake("run echo --jobs some"), "\"some\" is not a number");
        assert_eq!(mistake("replay"), "replay which tape?");
        assert_eq!(mistake("shrink t --check"), "shrink takes no --check");
        assert_eq!(mistake("list --sedes 1"), "invalid option '--sedes'");
        assert!(mistake("run echo --seeds").contains("missing argument"));
    }
}
