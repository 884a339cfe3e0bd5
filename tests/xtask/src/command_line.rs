//! What `cargo xtask` is told on its command line.

use std::{error::Error, ffi::OsString, fmt, ops::Range, path::PathBuf};

use anyhow::{Result, anyhow, bail};
use lexopt::{
    Arg::{Long, Short, Value},
    Parser, ValueExt,
};

use crate::{
    bench, gate,
    oracle::{IN_A_TEST, Task},
    qemu::Machine,
    size::Format,
};

/// What `--help` prints, and a wrong command line too.
pub const HELP: &str = "\
usage: cargo xtask <command>

  setup                                  install what is missing: QEMU, libevent, valgrind, Rust
  test                                   setup, then every check there is, as CI does
  qemu <example> --machine <machine> [--port <port>]
                                         run firmware under QEMU; 127.0.0.1:<port>
                                         (9995; 0 is any) reaches it; Ctrl-C ends it
      [--faults <scenario>] [--seed <n>] on a cable with the faults of a scenario
      [--pcap <file>]                    capture its frames, for Wireshark
  flash <example> --board <board>        run firmware on a board, by probe-rs
  size [--markdown]                      flash, RAM and stack of hello-world and of the
                                         core; into docs/performance.md
  count                                  instructions of each operation by size of the
                                         tables, by valgrind; into docs/performance.md
  bench [<workload> ...] [--quick]       times and instructions beside other event loops,
                                         into docs/performance.md; without names all
  gate                                   instructions and bytes are as recorded in
                                         tests/bench/recorded.txt, to 2 %
  gate --record                          record what they are now
  oracle [--seeds <a>..<b>] [--jobs <n>]
                                         random programs on libevent and on the core
                                         (seeds 0..20000) must come to the same
  oracle --show <seed or file>           one of them in full
  oracle --bugs                          whether bugs put into the core are found
  mutants [<name>]                       plant bugs, and see that the simulator finds them

examples: hello-world, echo
machines: lm3s6965evb, mps2-an385
boards:   nucleo-h743zi, w5500-evb-pico

PICOEVENT_TOOLCHAIN=rustup or =debian forces the Rust that compiles firmware. By
default it is the Rust in use where it has the bare-metal targets or rustup can add
them, else Debian's (packages rustc-web, rust-web-src, cargo-web, rust-web-clippy, lld).
";

/// The port of this machine that `qemu` forwards when it is not told another.
const PORT: u16 = 9995;

/// The cable between this machine and an emulated one, if it is to be one of ours.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Cable {
    /// The scenario whose faults it has.
    pub faults: Option<PathBuf>,
    /// Whose luck they have.
    pub seed: Option<String>,
    /// The file its frames are captured in.
    pub pcap: Option<PathBuf>,
}

/// A mistake of the person who typed: unlike other errors it ends with status 2.
#[derive(Debug, PartialEq, Eq)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}

/// A command, as typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Print [`HELP`].
    Help,
    /// [`crate::setup`].
    Setup,
    /// [`crate::check`].
    Test,
    /// [`crate::emulate`].
    Qemu {
        /// The program of the machine's board.
        example: String,
        /// Where it runs.
        machine: Machine,
        /// The port of this machine that reaches it.
        port: u16,
        /// The cable it is on.
        cable: Cable,
    },
    /// [`crate::flash`].
    Flash {
        /// The program of the board.
        example: String,
        /// Where it runs.
        board: String,
    },
    /// [`crate::size`].
    Size(Format),
    /// [`crate::count`].
    Count,
    /// [`crate::bench`].
    Bench(bench::Options),
    /// [`crate::gate`].
    Gate(gate::Task),
    /// [`crate::oracle`].
    Oracle(Task),
    /// [`crate::mutants`], those whose name contains this.
    Mutants(Option<String>),
}

/// Understands the arguments after the program's name.
///
/// # Errors
/// [`Usage`] when they make no command.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation> {
    let mut parser = Parser::from_args(arguments);
    read(&mut parser).map_err(|error| match error.downcast::<lexopt::Error>() {
        Ok(error) => anyhow!(Usage(error.to_string())),
        Err(error) => error,
    })
}

fn read(parser: &mut Parser) -> Result<Invocation> {
    let mut words = Vec::new();
    let (mut machine, mut board, mut port, mut format) = (None, None, None, None);
    let mut cable = Cable::default();
    let (mut seeds, mut jobs, mut show, mut bugs) = (None, None, None, None);
    let mut quick = false;
    let mut record = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Invocation::Help),
            Long("machine") => machine = Some(Machine::named(&parser.value()?.string()?)?),
            Long("board") => board = Some(parser.value()?.string()?),
            Long("port") => port = Some(parser.value()?.parse()?),
            Long("faults") => cable.faults = Some(parser.value()?.into()),
            Long("seed") => cable.seed = Some(parser.value()?.string()?),
            Long("pcap") => cable.pcap = Some(parser.value()?.into()),
            Long("seeds") => seeds = Some(range(&parser.value()?.string()?)?),
            Long("jobs") => jobs = Some(parser.value()?.parse()?),
            Long("show") => show = Some(parser.value()?.string()?),
            Long("bugs") => bugs = Some(()),
            Long("quick") => quick = true,
            Long("record") => record = Some(gate::Task::Record),
            Long("markdown") => format = Some(Format::Markdown),
            Value(word) => words.push(word.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    // Each command takes its own options out; what is left then is a mistake.
    let invocation = match *words.as_slice() {
        [] => bail!(Usage("which command?".to_owned())),
        ["setup"] => Invocation::Setup,
        ["test"] => Invocation::Test,
        ["qemu", example] => Invocation::Qemu {
            example: example.to_owned(),
            machine: machine.take().ok_or_else(|| missing("--machine lm3s6965evb"))?,
            port: port.take().unwrap_or(PORT),
            cable: std::mem::take(&mut cable),
        },
        ["flash", example] => Invocation::Flash {
            example: example.to_owned(),
            board: board.take().ok_or_else(|| missing("--board nucleo-h743zi"))?,
        },
        ["mutants"] => Invocation::Mutants(None),
        ["mutants", only] => Invocation::Mutants(Some(only.to_owned())),
        ["qemu" | "flash"] => return Err(missing("an example, hello-world for one")),
        ["size"] => Invocation::Size(format.take().unwrap_or(Format::Plain)),
        ["count"] => Invocation::Count,
        ["bench", ref names @ ..] => {
            let options = bench::Options::new(names, std::mem::take(&mut quick));
            Invocation::Bench(options.map_err(|error| Usage(error.to_string()))?)
        }
        ["gate"] => Invocation::Gate(record.take().unwrap_or(gate::Task::Judge)),
        ["oracle"] => Invocation::Oracle(match (bugs.take(), show.take()) {
            (Some(()), _) => Task::Bugs,
            (None, Some(which)) => Task::Show(which),
            (None, None) => Task::Seeds(seeds.take().unwrap_or(0..IN_A_TEST), jobs.take()),
        }),
        [first, ..] => bail!(Usage(match first {
            "setup" | "test" | "qemu" | "flash" | "size" | "count" | "gate" | "oracle"
            | "mutants" => format!("too many words after {first}"),
            _ => format!("there is no command {first:?}"),
        })),
    };
    let left = [
        ("--machine", machine.is_some()),
        ("--board", board.is_some()),
        ("--port", port.is_some()),
        ("--faults", cable.faults.is_some()),
        ("--seed", cable.seed.is_some()),
        ("--pcap", cable.pcap.is_some()),
        ("--markdown", format.is_some()),
        ("--record", record.is_some()),
        ("--seeds", seeds.is_some()),
        ("--jobs", jobs.is_some()),
        ("--show", show.is_some()),
        ("--bugs", bugs.is_some()),
        ("--quick", quick),
    ];
    match left.iter().find(|(_, is_left)| *is_left) {
        Some((option, _)) => bail!(Usage(format!("{} takes no {option}", words[0]))),
        None => Ok(invocation),
    }
}

/// Reads `a..b`, of which a is less.
fn range(text: &str) -> Result<Range<u64>> {
    let ends = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    let range = ends.filter(|range: &Range<u64>| !range.is_empty());
    range.ok_or_else(|| anyhow!(Usage(format!("{text:?} is no range of seeds, 0..20000 is one"))))
}

fn missing(what: &str) -> anyhow::Error {
    anyhow!(Usage(format!("missing: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{BOARDS, RunsOn};

    fn typed(line: &str) -> Result<Invocation> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn mistake(line: &str) -> String {
        let error = typed(line).unwrap_err();
        assert!(error.is::<Usage>(), "{line}: {error:?}");
        error.to_string()
    }

    #[test]
    fn commands_are_understood_with_options_on_either_side() {
        let example = "hello-world".to_owned();
        let machine = Machine::Mps2An385;
        for line in [
            "qemu hello-world --machine mps2-an385 --port 9996",
            "qemu --port=9996 --machine=mps2-an385 hello-world",
        ] {
            let cable = Cable::default();
            let expected =
                Invocation::Qemu { example: example.clone(), machine, port: 9996, cable };
            assert_eq!(typed(line).unwrap(), expected);
        }
        let board = "nucleo-h743zi".to_owned();
        let flash = typed("flash --board nucleo-h743zi hello-world").unwrap();
        assert_eq!(flash, Invocation::Flash { example, board });
        assert_eq!(typed("setup").unwrap(), Invocation::Setup);
        assert_eq!(typed("test").unwrap(), Invocation::Test);
        assert_eq!(typed("count").unwrap(), Invocation::Count);
        assert_eq!(typed("gate").unwrap(), Invocation::Gate(gate::Task::Judge));
        assert_eq!(typed("gate --record").unwrap(), Invocation::Gate(gate::Task::Record));
        assert_eq!(typed("size").unwrap(), Invocation::Size(Format::Plain));
        assert_eq!(typed("size --markdown").unwrap(), Invocation::Size(Format::Markdown));
        assert_eq!(typed("qemu --help").unwrap(), Invocation::Help);
    }

    #[test]
    fn the_oracle_is_told_seeds_and_jobs_or_something_else_to_do() {
        let oracle = |line| match typed(line).unwrap() {
            Invocation::Oracle(task) => task,
            other => panic!("{line} is {other:?}"),
        };
        assert_eq!(oracle("oracle"), Task::Seeds(0..IN_A_TEST, None));
        assert_eq!(oracle("oracle --seeds 5..9 --jobs 3"), Task::Seeds(5..9, Some(3)));
        assert_eq!(oracle("oracle --show 7"), Task::Show("7".to_owned()));
        assert_eq!(oracle("oracle --bugs"), Task::Bugs);
        assert!(mistake("oracle --seeds 9..5").contains("is no range"));
        assert_eq!(mistake("oracle --bugs --jobs 2"), "oracle takes no --jobs");
    }

    #[test]
    fn bench_is_told_workloads_in_any_order_and_none_are_all() {
        let bench = |line| match typed(line).unwrap() {
            Invocation::Bench(options) => (options.workloads, options.quick),
            other => panic!("{line} is {other:?}"),
        };
        let all: Vec<_> = bench::WORKLOADS.iter().map(|workload| workload.name).collect();
        assert_eq!(bench("bench"), (all.clone(), false));
        assert_eq!(bench("bench w2 --quick W1"), (vec!["W1", "W2"], true));
        assert_eq!(
            mistake("bench W0"),
            format!("there is no workload \"W0\": known are {}", all.join(", "))
        );
        assert_eq!(mistake("count --quick"), "count takes no --quick");
    }

    #[test]
    fn the_port_is_9995_unless_told_otherwise() {
        let Invocation::Qemu { port, .. } = typed("qemu echo --machine lm3s6965evb").unwrap()
        else {
            panic!("qemu is another command");
        };
        assert_eq!(port, 9995);
    }

    #[test]
    fn a_cable_of_ours_has_faults_and_a_capture() {
        let line = "qemu echo --machine lm3s6965evb --faults loss.toml --seed 7 --pcap run.pcapng";
        let Invocation::Qemu { cable, .. } = typed(line).unwrap() else {
            panic!("qemu is another command");
        };
        assert_eq!(
            (cable.faults, cable.pcap),
            (Some("loss.toml".into()), Some("run.pcapng".into()))
        );
        assert_eq!(cable.seed.as_deref(), Some("7"));
        assert_eq!(mistake("size --pcap a"), "size takes no --pcap");
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(mistake(""), "which command?");
        assert_eq!(mistake("tset"), "there is no command \"tset\"");
        assert_eq!(mistake("qemu"), "missing: an example, hello-world for one");
        assert_eq!(mistake("qemu echo"), "missing: --machine lm3s6965evb");
        assert_eq!(mistake("flash echo"), "missing: --board nucleo-h743zi");
        assert_eq!(mistake("setup now"), "too many words after setup");
        assert_eq!(mistake("count --record"), "count takes no --record");
        assert_eq!(mistake("size --port 1"), "size takes no --port");
        assert_eq!(mistake("test --verbose"), "invalid option '--verbose'");
        assert!(mistake("qemu echo --machine pc").contains("known are lm3s6965evb, mps2-an385"));
        assert!(mistake("qemu echo --port 70000").contains("70000"));
        assert!(mistake("qemu echo --port").contains("missing argument"));
    }

    #[test]
    fn the_help_names_every_machine_and_board() {
        for board in &BOARDS {
            let name = match board.runs_on {
                RunsOn::Qemu(machine) => machine,
                RunsOn::Chip(_) => board.name,
            };
            assert!(HELP.contains(name), "{name}");
        }
    }
}
