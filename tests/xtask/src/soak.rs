//! `cargo xtask soak`: runs the examples in cases that take too long for `cargo xtask test`.
//!
//! The command builds the programs, and the firmware if a case needs it. It installs QEMU if necessary.
//! `tests/src/soak.rs` runs the cases.

use anyhow::Result;

use crate::{board::Board, command, firmware, qemu::Machine, setup, workspace};

/// The cases, in the order they are run.
pub const CASES: [&str; 7] =
    ["proxy", "chat", "gateway", "echo", "datagrams", "board", "board-faults"];

/// The programs that run on this machine, each with its package: examples, and a UDP server.
const PROGRAMS: [(&str, &str); 5] = [
    ("proxy", "proxy"),
    ("chat", "chat"),
    ("gateway", "gateway"),
    ("echo", "echo"),
    (PACKAGE, "picoevent-udp-echo"),
];

/// The example that runs on emulated boards.
const FIRMWARE: &str = "echo";

/// The package and the program that run the cases.
const PACKAGE: &str = "picoevent-tests";
const PROGRAM: &str = "picoevent-soak";

/// The options of the command.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// The cases, by default all
    #[arg(value_parser = CASES)]
    pub cases: Vec<String>,
    /// How long misbehaving clients run, in seconds
    #[arg(long, default_value_t = 600)]
    pub seconds: u64,
    /// How many megabytes are sent through a board
    #[arg(long, default_value_t = 16)]
    pub megabytes: usize,
    /// The seed of the random behaviour of clients and cables; by default a random seed
    #[arg(long)]
    pub seed: Option<u64>,
}

impl Options {
    /// Returns whether a case is wanted.
    pub fn wants(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| name == case)
    }

    /// Returns the equivalent command line.
    fn words(&self) -> Vec<String> {
        let mut words = self.cases.clone();
        words.push(format!("--seconds={}", self.seconds));
        words.push(format!("--megabytes={}", self.megabytes));
        words.extend(self.seed.map(|seed| format!("--seed={seed}")));
        words
    }
}

/// Builds the programs and runs the wanted cases.
///
/// # Errors
/// If something cannot be built or installed, or a case finds something wrong.
pub fn run(options: &Options) -> Result<()> {
    let root = workspace::root();
    let mut cargo = command::cargo(&root);
    cargo.args(["build", "--release"]);
    cargo.args(
        PROGRAMS.iter().flat_map(|(package, program)| ["--package", package, "--bin", program]),
    );
    let programs = command::build(&mut cargo)?;
    let folder = programs.first().and_then(|program| program.parent()).map(ToOwned::to_owned);
    if CASES.iter().any(|case| case.starts_with("board") && options.wants(case)) {
        let toolchain = setup::emulation()?;
        for machine in Machine::CORTEX_M3 {
            firmware::build(toolchain, Board::named(machine.board())?, FIRMWARE)?;
        }
    }
    let mut soak = command::cargo(&root);
    soak.env(firmware::FOLDER, workspace::firmware());
    soak.args(["run", "--release", "--package", PACKAGE, "--bin", PROGRAM, "--"]);
    soak.args(options.words()).arg("--programs").arg(folder.unwrap_or_default());
    command::run(&mut soak)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn options_are_passed_on_unchanged() {
        for line in ["soak", "soak chat board-faults --seed 7 --seconds 20 --megabytes 1"] {
            let options = Line::parse_from(line.split(' ')).options;
            let words = ["soak".to_owned()].into_iter().chain(options.words());
            assert_eq!(Line::parse_from(words).options, options);
        }
    }

    #[test]
    fn no_case_means_all_and_unknown_names_are_refused() {
        let options = Line::parse_from(["soak"]).options;
        assert!(CASES.iter().all(|case| options.wants(case)));
        let options = Line::parse_from(["soak", "chat"]).options;
        assert!(options.wants("chat") && !options.wants("proxy"));
        assert!(Line::try_parse_from(["soak", "chats"]).is_err());
    }
}
