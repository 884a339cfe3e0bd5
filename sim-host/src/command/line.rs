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
  run APPLICATION --seed S    runs one seed and tells what happens; S may be a commit hash
    --record FILE               and records what its device is fed
  replay TAPE                 runs what a tape says
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
    Sweep(String, Sweep, Option<PathBuf>),
    Seed(String, u64, Option<PathBuf>, Option<PathBuf>),
    Replay(PathBuf),
    ReplayRecording(String, PathBuf, Whole),
    Read(PathBuf, Whole),
    Shrink(PathBuf),
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
    scenario: Option<PathBuf>,
    record: Option<PathBuf>,
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
            Long("record") => options.record = Some(parser.value().map_err(plain)?.into()),
            Long("cut-off") => options.cut_off = true,
            Long("scenario") => {
                options.scenario = Some(parser.value().map_err(plain)?.into());
            }
            Value(word) => words.push(word.string().map_err(plain)?),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let command = match *words.as_slice() {
        [] => return Err("which command?".to_owned()),
        ["run", application] => return options.run(application),
        ["run"] => return Err("run what? list names the applications".to_owned()),
        ["list"] => Command::List,
        ["replay", tape] => Command::Replay(tape.into()),
        ["replay", application, log] => {
            Command::ReplayRecording(application.to_owned(), log.into(), options.take_cut_off())
        }
        ["read", log] => Command::Read(log.into(), options.take_cut_off()),
        ["read"] => return Err("read which log?".to_owned()),
        ["shrink", tape] => Command::Shrink(tape.into()),
        ["replay" | "shrink"] => return Err(format!("{} which tape?", words[0])),
        [known @ ("run" | "list" | "replay" | "shrink" | "read"), ..] => {
            return Err(format!("too many words after {known}"));
        }
        [other, ..] => return Err(format!("there is no command {other:?}")),
    };
    options.is_empty(words[0])?;
    Ok(command)
}

impl Options {
    fn run(self, application: &str) -> Result<Command, String> {
        let application = application.to_owned();
        if self.cut_off {
            return Err("run takes no --cut-off".to_owned());
        }
        let wants_sweep = self.seeds.is_some() || self.time.is_some() || self.check;
        if self.record.is_some() && (self.seed.is_none() || wants_sweep || self.jobs.is_some()) {
            return Err("--record goes with one --seed".to_owned());
        }
        let seeds = match (self.seed, self.seeds, self.time) {
            (Some(_), Some(_), _) => return Err("--seed or --seeds, not both".to_owned()),
            (Some(seed), None, None) if !wants_sweep && self.jobs.is_none() => {
                return Ok(Command::Seed(application, seed, self.scenario, self.record));
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
        Ok(Command::Sweep(application, sweep, self.scenario))
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
            ("--scenario", self.scenario.is_some()),
            ("--record", self.record.is_some()),
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
        let Ok(Command::Sweep(_, sweep, None)) = typed("run echo --for 8h") else {
            panic!("it is a sweep");
        };
        assert_eq!(sweep.time, Some(Duration::from_secs(28_800)));
        assert!(matches!(typed("run --seed 0x10 echo"), Ok(Command::Seed(_, 16, None, None))));
    }

    #[test]
    fn a_tape_and_a_recording_are_replayed_alike() {
        assert!(matches!(typed("replay tape"), Ok(Command::Replay(_))));
        let Ok(Command::ReplayRecording(name, _, Whole::CutOff)) =
            typed("replay echo log --cut-off")
        else {
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
