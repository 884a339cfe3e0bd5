//! `cargo xtask test`: runs all checks. The checks with the most informative errors run first.
//!
//! The command stops at the first failure and prints the command line that failed, which can be pasted into a shell.
//! The output ends with the seconds of each step and with the summary lines of the test runners, which CI reads.
//!
//! Each step belongs to a group. `--only` runs the steps of one group, so that several machines can share the work.

mod results;

use std::{
    io::pipe,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{
    bench,
    board::{BOARDS, Board},
    command::{self, cannot_start, describe},
    firmware, gate, mutants, oracle, panics, setup, size, template,
    toolchain::{TARGETS, Toolchain},
    workspace,
};
use results::Results;

/// A part of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Checks on this machine: tests, simulations, the comparison with libevent (oracle), and whether the simulator
    /// finds planted bugs.
    #[value(name = "desk")]
    Host,
    /// Tests of firmware under QEMU, and checks of the recorded costs (instructions and bytes).
    Emulated,
    /// Code that must only compile and link: the core for microcontrollers, firmware for boards.
    Link,
    /// Documentation and packages, as they would be published.
    Package,
    /// Firmware for every hardware board. Without `--only`, firmware for a few of these boards is linked in the group
    /// `link`.
    Boards,
    /// Type checks for Windows and macOS. This group does not run without `--only`.
    Systems,
    /// The projects that cargo-generate makes from the template, for every board. This group does not run without
    /// `--only`, because cargo-generate must be compiled first.
    Template,
}

/// Installs what is missing, then checks everything, or one group.
///
/// # Errors
/// The error of the first check that fails.
pub fn run(only: Option<Group>) -> Result<()> {
    use Group::{Boards, Emulated, Host, Link, Package, Systems, Template};
    let mut checks = Checks { only, ..Checks::default() };
    let toolchain = checks.timed("setup", |_| setup::run())?;
    checks.step(Host, "formatting", |_| formatting())?;
    checks.step(Host, "clippy, this machine", |_| clippy())?;
    checks.step(Host, "clippy, fuzzer's program", |_| clippy_fuzzer())?;
    checks.step(Link, "core for microcontrollers", |_| core_builds(toolchain))?;
    checks.step(Link, "no panic in core", |_| panics::run(toolchain))?;
    checks.step(Emulated, "firmware for QEMU", |_| firmware(toolchain, Board::is_emulated))?;
    checks.step(Emulated, "firmware on a painted stack", |_| size::stack::build(toolchain))?;
    checks.step(Emulated, "gateway as tasks", |_| gateway_as_tasks(toolchain))?;
    checks.step(Emulated, "instructions and bytes", |_| gate::run(gate::Task::Compare))?;
    checks.step(Host, "tests", |checks| checks.tests(tests()))?;
    checks.step(Host, "tests with multicast", |checks| checks.tests(tests_with_multicast()))?;
    checks.step(Host, "template, on this machine", |_| template::on_host())?;
    checks.step(Host, "oracle", |_| oracle::check())?;
    checks.step(Host, "simulations", |_| simulations())?;
    checks.step(Host, "planted bugs compile", |_| planted_bugs_compile())?;
    checks.step(Host, "planted bugs", |_| planted_bugs())?;
    checks.step(Emulated, "tests under QEMU", |checks| checks.tests(tests_under_qemu()))?;
    checks.step(Emulated, "template, under QEMU", |_| template::under_qemu(toolchain))?;
    checks.step(Link, "firmware for hardware", |_| some_hardware(toolchain))?;
    checks.step(Link, "clippy, firmware", |_| clippy_firmware(toolchain))?;
    checks.step(Package, "documentation", |_| documentation())?;
    checks.step(Package, "packages", |_| packages())?;
    if only == Some(Boards) {
        checks.step(Boards, "targets of the boards", |_| targets(toolchain))?;
        checks.step(Boards, "firmware for all boards", |_| all_hardware(toolchain))?;
        checks.step(Boards, "clippy, all boards", |_| clippy_hardware(toolchain))?;
    }
    if only == Some(Systems) {
        checks.step(Systems, "other systems", |_| other_systems())?;
    }
    if only == Some(Template) {
        checks.step(Template, "targets of the boards", |_| targets(toolchain))?;
        checks.step(Template, "template, every board", |_| template::everywhere(toolchain))?;
    }
    checks.summary();
    Ok(())
}

/// The steps that have run, and the summary lines of all test runners so far.
#[derive(Default)]
struct Checks {
    only: Option<Group>,
    done: Vec<(&'static str, Duration)>,
    results: Results,
}

impl Checks {
    /// Runs a step, unless `--only` selects another group.
    fn step(
        &mut self,
        group: Group,
        heading: &'static str,
        step: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if self.only.is_some_and(|only| only != group) {
            return Ok(());
        }
        self.timed(heading, step)
    }

    /// Prints a heading, runs one step, and records its time.
    fn timed<T>(
        &mut self,
        heading: &'static str,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        println!("\n=== {heading} ===");
        let start = Instant::now();
        let outcome = step(self).context(heading)?;
        self.done.push((heading, start.elapsed()));
        Ok(outcome)
    }

    /// Runs tests, shows their output, and records their summary lines.
    fn tests(&mut self, mut cargo: Command) -> Result<()> {
        println!("$ {}", describe(&cargo));
        // Both output streams use the same pipe. cargo prints the name of a test program on one stream, and the test
        // program prints its results on the other stream. Only the order of the lines shows which results belong to
        // which name.
        let (reader, writer) = pipe()?;
        cargo.stdout(writer.try_clone()?).stderr(writer);
        let mut child = cargo.spawn().with_context(|| cannot_start(&cargo))?;
        let line = describe(&cargo);
        // Drop the command, because the command keeps the writing side of the pipe open.
        drop(cargo);
        let shown = self.results.show(reader);
        let status = child.wait()?;
        shown?;
        anyhow::ensure!(status.success(), "this command failed ({status}):\n  {line}");
        Ok(())
    }

    fn summary(&self) {
        println!("\n=== summary ===");
        for (heading, took) in &self.done {
            println!("ok  {heading:<27} {:>7.1} s", took.as_secs_f64());
        }
        let sum: Duration = self.done.iter().map(|(_, took)| *took).sum();
        println!("ok  {:<27} {:>7.1} s", "all steps", sum.as_secs_f64());
        println!("\n{}", self.results);
    }
}

fn formatting() -> Result<()> {
    let root = workspace::root();
    let separate =
        [workspace::boards(), workspace::esp32(), workspace::no_panic(), workspace::fuzz()];
    for folder in [root].into_iter().chain(separate) {
        command::run(command::cargo(&folder).args(["fmt", "--all", "--check"]))?;
    }
    Ok(())
}

fn clippy() -> Result<()> {
    for what in [
        &["--workspace"][..],
        &["--package", "picoevent", "--features", "defmt"],
        &["--package", "picoevent"],
        &["--package", "picoevent", "--features", "log"],
        &["--package", "picoevent", "--features", "defmt,record"],
        &["--package", "picoevent-embassy", "--features", "defmt,proto-ipv6"],
        &["--package", "picoevent-embassy", "--features", "log"],
        &["--package", "picoevent", "--features", "record,udp"],
        &["--package", "picoevent", "--features", "network"],
        &["--package", "picoevent", "--features", "network,record"],
        &["--package", "picoevent", "--features", "local-address,record"],
        &["--package", "picoevent-embassy", "--features", "defmt,udp"],
        &["--package", "picoevent-embassy", "--features", "multicast,network,proto-ipv6"],
        &["--package", "picoevent-embassy", "--features", "local-address"],
        &["--package", "picoevent-mio"],
    ] {
        let mut cargo = command::cargo(&workspace::root());
        cargo.arg("clippy").args(what).args(["--all-targets", "--", "--deny", "warnings"]);
        command::run(&mut cargo)?;
    }
    Ok(())
}

/// Runs clippy on the fuzzer, without compiling libFuzzer. libFuzzer needs a C++ compiler and takes longer to compile
/// than the whole core. Clippy does not link, so it does not need libFuzzer.
fn clippy_fuzzer() -> Result<()> {
    let mut cargo = command::cargo(&workspace::fuzz());
    cargo.env("CUSTOM_LIBFUZZER_PATH", "./libfuzzer.a");
    command::run(cargo.args(["clippy", "--bins", "--", "--deny", "warnings"]))
}

fn clippy_firmware(toolchain: Toolchain) -> Result<()> {
    let mut cargo = toolchain.cargo(&workspace::no_panic(), panics::TARGET);
    command::run(cargo.args(["clippy", "--release", "--bins", "--", "--deny", "warnings"]))?;
    let mut cargo = toolchain.cargo(&workspace::chip(), bench::chip::image::TARGET);
    cargo.args(["clippy", "--release", "--lib", "--bins", "--", "--deny", "warnings"]);
    command::run(&mut cargo)?;
    let mut cargo = toolchain.cargo(&workspace::alone(), panics::TARGET);
    cargo.args(["clippy", "--release", "--target", panics::TARGET]);
    command::run(cargo.args(["--lib", "--bins", "--", "--deny", "warnings"]))?;
    for board in BOARDS.iter().filter(|board| board.has_code()) {
        let folder = board.folder();
        if board.has_baseline() {
            let mut cargo = toolchain.cargo(&folder, board.target);
            cargo.args(["clippy", "--release", "--package", "picoevent-baseline"]);
            cargo.args(["--features", board.name, "--lib", "--bins", "--", "--deny", "warnings"]);
            command::run(&mut cargo)?;
        }
        clippy_board(toolchain, board, &[])?;
    }
    Ok(())
}

fn clippy_hardware(toolchain: Toolchain) -> Result<()> {
    let mut boards = Board::on_hardware();
    boards.try_for_each(|(board, _)| clippy_board(toolchain, board, &["--features", "udp"]))
}

fn clippy_board(toolchain: Toolchain, board: &Board, features: &[&str]) -> Result<()> {
    let mut cargo = toolchain.cargo(&board.folder(), board.target);
    // The release profile is used, so that build scripts and macros that are already compiled for this machine are
    // reused.
    cargo.args(["clippy", "--release", "--lib", "--bins"]).args(features);
    command::run(cargo.args(["--", "--deny", "warnings"]))
}

/// Adds the target of each hardware board to the Rust toolchain in use. Fails if this toolchain is not from rustup.
fn targets(toolchain: Toolchain) -> Result<()> {
    anyhow::ensure!(
        toolchain == Toolchain::Rustup,
        "firmware for all boards needs the Rust of rustup: https://rustup.rs"
    );
    let mut targets: Vec<_> = Board::on_hardware().map(|(board, _)| board.target).collect();
    targets.sort();
    targets.dedup();
    command::run(Command::new("rustup").args(["target", "add"]).args(targets))
}

fn core_builds(toolchain: Toolchain) -> Result<()> {
    for target in TARGETS {
        for features in [&[][..], &["--features", "defmt"], &["--features", "record,udp"]] {
            let mut cargo = toolchain.cargo(&workspace::root(), target);
            cargo.args(["build", "--package", "picoevent", "--target", target]).args(features);
            command::run(&mut cargo)?;
        }
    }
    Ok(())
}

fn firmware(toolchain: Toolchain, wanted: impl Fn(&Board) -> bool) -> Result<()> {
    for board in BOARDS.iter().filter(|board| wanted(board)) {
        firmware::build_all(toolchain, board)?;
    }
    Ok(())
}

/// The hardware boards, and their programs, that each run of `cargo xtask test` links. `--only boards` links all
/// programs of all boards.
const SOME_HARDWARE: [(&str, &[&str]); 3] = [
    ("nucleo-h743zi", &["hello-world", "echo", "gateway"]),
    ("w5500-evb-pico", &["hello-world", "echo"]),
    ("pico-usb", &["hello-world"]),
];

fn some_hardware(toolchain: Toolchain) -> Result<()> {
    for (board, programs) in SOME_HARDWARE {
        let board = Board::named(board)?;
        for program in programs {
            firmware::build(toolchain, board, program)?;
        }
    }
    Ok(())
}

fn all_hardware(toolchain: Toolchain) -> Result<()> {
    Board::on_hardware().try_for_each(|(board, _)| firmware::build_all(toolchain, board).map(drop))
}

fn gateway_as_tasks(toolchain: Toolchain) -> Result<()> {
    let mut compared = BOARDS.iter().filter(|board| board.has_baseline());
    compared.try_for_each(|board| firmware::build_gateway_as_tasks(toolchain, board))
}

fn tests() -> Command {
    let mut cargo = command::cargo(&workspace::root());
    cargo.args(["test", "--workspace"]);
    cargo
}

/// Returns the command that tests `picoevent-embassy` with features that no other package of the workspace enables.
fn tests_with_multicast() -> Command {
    let mut cargo = command::cargo(&workspace::root());
    cargo.args([
        "test",
        "--package",
        "picoevent-embassy",
        "--features",
        "multicast,network,proto-ipv6",
    ]);
    cargo
}

/// Returns the hash of the commit that is checked out, or `0`.
fn commit() -> Result<String> {
    let mut git = Command::new("git");
    git.current_dir(workspace::root()).args(["rev-parse", "HEAD"]);
    let commit = git.output().with_context(|| cannot_start(&git))?.stdout;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    Ok(if commit.is_empty() { "0".to_owned() } else { commit })
}

/// Runs simulations of the examples. The hash of the commit selects the seeds, so each commit runs new simulations.
fn simulations() -> Result<()> {
    let first = commit()?;
    for (application, seeds) in [("hello-world", 100_000), ("echo", 20_000)] {
        let seeds = format!("{first}+{seeds}");
        let mut cargo = command::cargo(&workspace::root());
        cargo.args(["sim", "run", application, "--jobs", "0", "--check", "--seeds", &seeds]);
        command::run(&mut cargo)?;
    }
    Ok(())
}

fn planted_bugs_compile() -> Result<()> {
    anyhow::ensure!(mutants::compile()? == 0, "a planted bug does not compile");
    Ok(())
}

/// Checks that the simulator finds planted bugs. Only some of the bugs are planted. The hash of the commit selects
/// these bugs. `cargo xtask mutants` plants all bugs.
fn planted_bugs() -> Result<()> {
    let digits = commit()?;
    let digits = digits.get(..8).unwrap_or(&digits);
    let part = u64::from_str_radix(digits, 16).unwrap_or(0) % mutants::PARTS;
    anyhow::ensure!(mutants::run(mutants::Which::Part(part))? == 0, "a planted bug was not found");
    Ok(())
}

/// Returns the command that runs the tests that need firmware. `cargo test` ignores these tests.
///
/// The command selects the tests by test program, not by package. With a package, cargo would compile the libraries
/// again, with the features of this package only. The tests wait most of the time, so there may be more threads than
/// processors.
fn tests_under_qemu() -> Command {
    let mut cargo = command::cargo(&workspace::root());
    cargo.env(firmware::FOLDER, workspace::firmware());
    cargo.args(["test", "--workspace", "--test", "qemu", "--test", "command"]);
    cargo.args(["--", "--ignored", "--test-threads", "8"]);
    cargo
}

fn documentation() -> Result<()> {
    let mut cargo = command::cargo(&workspace::root());
    cargo.env("RUSTDOCFLAGS", "--deny=warnings");
    // docs.rs also builds the documentation with all features.
    command::run(cargo.args(["doc", "--workspace", "--no-deps", "--all-features"]))
}

/// Packs every published package, compiles each packed package, and stops before the upload. For the dependencies
/// between these packages, cargo makes a temporary registry. The folder of this registry is new each time, because
/// cargo caches packages by name and version, and name and version stay the same when the code changes.
fn packages() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("packages-").tempdir_in(workspace::target())?;
    let mut cargo = command::cargo(&workspace::root());
    cargo.env("CARGO_TARGET_DIR", folder.path());
    // The packages intentionally do not contain the test files. `--quiet` hides the warnings about this. Errors are
    // still shown.
    cargo.args(["publish", "--dry-run", "--workspace", "--allow-dirty", "--quiet"]);
    command::run(&mut cargo)
}

/// Checks the types of the packages that can be compiled for Windows and macOS. Nothing is linked or run.
fn other_systems() -> Result<()> {
    let everywhere = [
        "picoevent",
        "picoevent-dns",
        "picoevent-http-files",
        "picoevent-mio",
        "picoevent-mqtt",
        "picoevent-sim",
        "picoevent-sntp",
    ];
    let programs = ["desk", "device", "mqtt-button", "picoevent-sim-command"];
    let applications = ["chat", "echo", "gateway", "hello-world", "proxy", "udp-time"];
    let check = |target: &str, what: &str, packages: &[&str]| {
        let mut cargo = command::cargo(&workspace::root());
        cargo.args(["check", "--target", target, what]);
        cargo.args(everywhere.iter().chain(packages).flat_map(|name| ["--package", name]));
        command::run(&mut cargo)
    };
    let targets = ["x86_64-apple-darwin", "x86_64-pc-windows-gnu"];
    command::run(Command::new("rustup").args(["target", "add"]).args(targets))?;
    let unix: Vec<_> = programs.into_iter().chain(applications).collect();
    check(targets[0], "--bins", &unix)?;
    check(targets[0], "--lib", &[])?;
    // The back end on real sockets needs Unix, so only libraries are checked for Windows.
    check(targets[1], "--lib", &applications)
}
