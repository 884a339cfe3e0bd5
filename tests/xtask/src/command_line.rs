//! The command line of `cargo xtask`.

use std::{ops::Range, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{bench, check::Group, interop, memory, oracle, qemu::Machine, size, soak};

/// The text that `--help` prints after the list of commands.
const AFTER_HELP: &str = "\
examples: hello-world, echo, gateway; under QEMU also gateway-online, chat, proxy,
          udp-time, tutorial and, on an mps2, device
machines: lm3s6965evb, mps2-an385, mps2-an500, mps2-an505, riscv-virt
boards:   nucleo-h743zi, nucleo-f429zi, nucleo-f767zi, nucleo-h563zi, nrf52840-dk,
          pico-usb, pico2-usb, pico-w, pico2-w, w5500-evb-pico, w5500-evb-pico2,
          w6100-evb-pico, w6100-evb-pico2, esp32-c3, esp32-c6

PICOEVENT_TOOLCHAIN=rustup or =debian forces the Rust that compiles firmware. By
default it is the Rust in use where it has the bare-metal targets or rustup can add
them, else Debian's (packages rustc-web, rust-web-src, cargo-web, rust-web-clippy, lld).";

/// The command line after `cargo xtask`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = AFTER_HELP)]
#[command(about = None, disable_help_subcommand = true)]
pub struct CommandLine {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// A command.
#[derive(Debug, PartialEq, Subcommand)]
pub enum Command {
    /// Install what is missing: QEMU, libevent, valgrind, Rust
    Setup,
    /// Run setup, then all checks, as CI does
    Test {
        /// Run only one group of checks
        #[arg(long, value_name = "GROUP")]
        only: Option<Group>,
    },
    /// Run firmware under QEMU, and forward a port of 127.0.0.1 to the firmware; Ctrl-C ends the run, SIGUSR1 presses
    /// the board's button
    Qemu {
        /// The program, such as hello-world
        example: String,
        /// The emulated machine
        #[arg(long, value_parser = Machine::named)]
        machine: Machine,
        /// The port of 127.0.0.1 that is forwarded to the program; 0 for any free port
        #[arg(long, default_value_t = 9995)]
        port: u16,
        /// The cable between this machine and the emulated board.
        #[command(flatten)]
        cable: Cable,
    },
    /// Write firmware to a board, over its debug probe or its USB cable
    Flash {
        /// The program, such as hello-world
        example: String,
        /// The board, such as nucleo-h743zi
        #[arg(long)]
        board: String,
    },
    /// Measure flash, RAM and stack of hello-world and of the core; writes docs/performance.md
    Size(size::Options),
    /// Compute the RAM that an application needs on a board, from its numbers of events, connections and sockets
    Memory(memory::Options),
    /// Count the lines of two versions of the gateway: on the event loop, and with embassy tasks
    Lines,
    /// Count the instructions of each operation with valgrind, for several table sizes; writes docs/performance.md
    Count,
    /// Compare times and instructions with other event loops; writes docs/performance.md
    Bench(bench::Options),
    /// Check that instructions and bytes differ by at most 2 % from tests/bench/recorded.toml
    Gate {
        /// Record the current figures
        #[arg(long)]
        record: bool,
    },
    /// Run random programs on libevent and on the core, and compare the traces
    Oracle(oracle::Options),
    /// Run the examples for minutes, with misbehaving clients, large amounts of data, and faulty cables
    Soak(soak::Options),
    /// Test the protocols with third-party programs on this machine
    Interop(interop::Options),
    /// Plant bugs, and check that the simulator finds them
    Mutants {
        /// Plant only bugs whose names contain this text
        name: Option<String>,
    },
}

/// The options of the simulator's cable between this machine and an emulated board. Without these options, QEMU's own
/// network is used.
#[derive(Debug, Default, Clone, PartialEq, Eq, Args)]
pub struct Cable {
    /// Connect the board by a cable with the faults of a scenario
    #[arg(long, value_name = "SCENARIO")]
    pub faults: Option<PathBuf>,
    /// The seed of the random faults
    #[arg(long)]
    pub seed: Option<String>,
    /// Capture the cable's frames in a file for Wireshark
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}

pub use picoevent_command::Usage;

/// Parses `a..b`, where a is less than b.
///
/// # Errors
/// [`Usage`] if `text` is not a range.
pub fn seeds(text: &str) -> Result<Range<u64>, Usage> {
    let ends = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    let range = ends.filter(|range: &Range<u64>| !range.is_empty());
    range.ok_or_else(|| Usage(format!("{text:?} is not a range of seeds, such as 0..20000")))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;
    use crate::board::{Board, RunsOn};

    fn typed(line: &str) -> Result<Command, clap::Error> {
        let words = ["xtask"].into_iter().chain(line.split_whitespace());
        CommandLine::try_parse_from(words).map(|line| line.command)
    }

    /// Returns the kind of the error for a wrong command line, and the error message in one line.
    fn usage_error(line: &str) -> (ErrorKind, String) {
        let error = typed(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}: {error}");
        (error.kind(), error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn commands_are_parsed_with_options_on_either_side() {
        let hello = || "hello-world".to_owned();
        let qemu = |port| Command::Qemu {
            example: hello(),
            machine: Machine::Mps2An385,
            port,
            cable: Cable::default(),
        };
        let board = "nucleo-h743zi".to_owned();
        for (line, expected) in [
            ("qemu hello-world --machine mps2-an385 --port 9996", qemu(9996)),
            ("qemu --port=9996 --machine=mps2-an385 hello-world", qemu(9996)),
            ("qemu hello-world --machine mps2-an385", qemu(9995)),
            ("flash --board nucleo-h743zi hello-world", Command::Flash { example: hello(), board }),
            ("setup", Command::Setup),
            ("test", Command::Test { only: None }),
            ("test --only link", Command::Test { only: Some(Group::Link) }),
            ("count", Command::Count),
            ("lines", Command::Lines),
            ("gate", Command::Gate { record: false }),
            ("gate --record", Command::Gate { record: true }),
            ("size", Command::Size(size::Options::default())),
            (
                "size --markdown",
                Command::Size(size::Options { markdown: true, ..Default::default() }),
            ),
            ("size --boards", Command::Size(size::Options { boards: true, ..Default::default() })),
            (
                "size --stacks clones",
                Command::Size(size::Options {
                    stacks: Some("clones".into()),
                    ..Default::default()
                }),
            ),
            ("interop", Command::Interop(interop::Options { programs: Vec::new() })),
            ("mutants", Command::Mutants { name: None }),
            ("mutants ring", Command::Mutants { name: Some("ring".to_owned()) }),
        ] {
            assert_eq!(typed(line).unwrap(), expected, "{line}");
        }
        let help = typed("qemu --help").unwrap_err();
        assert_eq!((help.kind(), help.exit_code()), (ErrorKind::DisplayHelp, 0));
    }

    #[test]
    fn the_oracle_takes_seeds_and_jobs_or_one_other_option() {
        let oracle = |line| match typed(line).unwrap() {
            Command::Oracle(options) => options,
            other => panic!("{line} is {other:?}"),
        };
        let options = oracle("oracle");
        assert_eq!((options.seeds, options.jobs), (0..oracle::PROGRAMS_IN_A_TEST, None));
        let options = oracle("oracle --seeds 5..9 --jobs 3");
        assert_eq!((options.seeds, options.jobs), (5..9, Some(3)));
        assert_eq!(oracle("oracle --kind conns").kind, Some(oracle::Kind::Conns));
        assert_eq!(oracle("oracle --show 7").show.as_deref(), Some("7"));
        assert!(oracle("oracle --bugs").bugs);
        assert!(usage_error("oracle --seeds 9..5").1.contains("is not a range"));
        for line in ["oracle --bugs --jobs 2", "oracle --show 7 --seeds 1..2"] {
            assert_eq!(usage_error(line).0, ErrorKind::ArgumentConflict, "{line}");
        }
    }

    #[test]
    fn bench_takes_workloads_in_any_order_and_none_means_all() {
        let bench = |line| match typed(line).unwrap() {
            Command::Bench(options) => (options.wanted(), options.quick),
            other => panic!("{line} is {other:?}"),
        };
        let names = |(workloads, quick): (Vec<&'static bench::Workload>, bool)| {
            (workloads.iter().map(|workload| workload.name).collect::<Vec<_>>(), quick)
        };
        let all: Vec<_> = bench::WORKLOADS.iter().map(|workload| workload.name).collect();
        assert_eq!(names(bench("bench")), (all.clone(), false));
        assert_eq!(names(bench("bench w2 --quick W1")), (vec!["W1", "W2"], true));
        assert_eq!(names(bench("bench CHIP")), (vec!["chip"], false));
        let unknown = format!("there is no workload \"W0\": known are {}", all.join(", "));
        assert!(usage_error("bench W0").1.contains(&unknown));
        assert_eq!(usage_error("count --quick").0, ErrorKind::UnknownArgument);
    }

    #[test]
    fn soak_takes_cases_and_lasts_ten_minutes() {
        let Command::Soak(options) = typed("soak proxy --seed 7").unwrap() else {
            panic!("soak is another command");
        };
        assert_eq!((options.cases.as_slice(), options.seconds), (&["proxy".to_owned()][..], 600));
        assert_eq!(options.seed, Some(7));
        assert!(usage_error("soak prox").1.contains("proxy"));
    }

    #[test]
    fn a_simulated_cable_has_faults_and_a_capture() {
        let line = "qemu echo --machine lm3s6965evb --faults loss.toml --seed 7 --pcap run.pcapng";
        let Command::Qemu { cable, .. } = typed(line).unwrap() else {
            panic!("qemu is another command");
        };
        let (faults, pcap) = (Some("loss.toml".into()), Some("run.pcapng".into()));
        assert_eq!(cable, Cable { faults, pcap, seed: Some("7".to_owned()) });
        assert_eq!(usage_error("size --pcap a").0, ErrorKind::UnknownArgument);
    }

    #[test]
    fn an_error_names_the_wrong_argument() {
        for (line, kind, expected) in [
            ("", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, "Usage: cargo xtask"),
            ("tset", ErrorKind::InvalidSubcommand, "'tset'"),
            ("qemu", ErrorKind::MissingRequiredArgument, "<EXAMPLE>"),
            ("qemu echo", ErrorKind::MissingRequiredArgument, "--machine <MACHINE>"),
            ("flash echo", ErrorKind::MissingRequiredArgument, "--board <BOARD>"),
            ("setup now", ErrorKind::UnknownArgument, "'now'"),
            ("count --record", ErrorKind::UnknownArgument, "'--record'"),
            ("size --port 1", ErrorKind::UnknownArgument, "'--port'"),
            ("test --verbose", ErrorKind::UnknownArgument, "'--verbose'"),
            ("qemu echo --machine pc", ErrorKind::ValueValidation, "known are lm3s6965evb, mps2"),
            ("qemu echo --port 70000", ErrorKind::ValueValidation, "70000"),
            ("qemu echo --port", ErrorKind::InvalidValue, "--port <PORT>"),
        ] {
            let (found, text) = usage_error(line);
            assert_eq!(found, kind, "{line:?}: {text}");
            assert!(text.contains(expected), "{line:?}: {text}");
        }
    }

    #[test]
    fn the_help_names_every_machine_and_board() {
        let help = CommandLine::command().render_help().to_string();
        for board in Board::all() {
            let name = match board.runs_on {
                RunsOn::Qemu(machine) => machine,
                RunsOn::Hardware(_) => board.name,
            };
            assert!(help.contains(name), "{name}");
        }
    }
}
