//! Tests the project template, `examples/template`: generated projects are simulated, run and linked.
//!
//! Two steps of `cargo xtask test` use the project of one board. These steps replace the placeholders of the template
//! themselves, without cargo-generate. `cargo xtask test --only template` makes the project of every board with
//! cargo-generate, outside of the repository.

mod generate;
mod plain;

use std::{
    env, fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    command,
    process::ControlledProcess,
    qemu::{Machine, Qemu},
    toolchain::Toolchain,
    workspace,
};
use generate::Generator;
use plain::Row;

/// The time limit of a project's program, including its build.
const PROGRAM_LIMIT: Duration = Duration::from_secs(600);
/// The time limit of an answer.
const LIMIT: Duration = Duration::from_secs(60);

/// Tests a project on this machine.
pub fn on_host() -> Result<()> {
    test_and_run(&project_of(&emulated()?)?)
}

/// Runs the firmware of a project under QEMU.
pub fn under_qemu(toolchain: Toolchain) -> Result<()> {
    let row = emulated()?;
    let project = project_of(&row)?;
    let elf = command::build_one(firmware(toolchain, &project, &row).args(["build", "--release"]))?;
    let machine = row.run.split(' ').skip_while(|word| *word != "--machine").nth(1);
    let machine = Machine::named(machine.context("the board's row names no machine")?)?;
    let netdev = "user,id=n0,hostfwd=tcp:127.0.0.1:0-:7000";
    let mut guest = Qemu::new(machine, &elf).netdev(netdev).time_limit(3 * LIMIT).boot()?;
    guest.wait_for("listening on port 7000", LIMIT)?;
    let port = guest.qmp()?.forwarded_port(7000)?;
    check_answers(&format!("127.0.0.1:{port}")).with_context(|| guest.report())?;
    guest.interrupt()?;
    ensure!(guest.wait_exit(LIMIT)? == 0, "the firmware failed{}", guest.report());
    Ok(())
}

/// Makes the project of every board with cargo-generate, outside of the repository. Tests one of the projects, links
/// the firmware of all projects, and runs the firmware of boards that QEMU emulates.
pub fn everywhere(toolchain: Toolchain) -> Result<()> {
    let generator = Generator::install()?;
    let folder = tempfile::tempdir()?;
    let rows = plain::rows()?;
    for row in &rows {
        let project = generator.project(folder.path(), row)?;
        copy_lock_files(&project, row)?;
        if row == &rows[0] {
            test_and_run(&project)?;
            let host = with_target(command::cargo(&project), workspace::target());
            for mut cargo in [host, firmware(toolchain, &project, row)] {
                command::run(cargo.args(["clippy", "--all-targets", "--", "--deny", "warnings"]))?;
            }
        }
        for workspace in [&project, &project.join("firmware")] {
            command::run(command::cargo(workspace).args(["fmt", "--check"]))?;
        }
        command::run(firmware(toolchain, &project, row).args(["build", "--release"]))?;
        if row.is_emulated() {
            run_firmware(toolchain, &project, row)?;
        }
    }
    generator.refuses_bad_input(rows.first().context("there is no board")?)
}

/// Returns the first board that QEMU runs.
fn emulated() -> Result<Row> {
    plain::rows()?.into_iter().find(Row::is_emulated).context("QEMU runs no board of the template")
}

/// Makes the project of a board, always in the same folder. Returns this folder.
fn project_of(row: &Row) -> Result<PathBuf> {
    let project = workspace::target().join("template");
    if project.exists() {
        fs::remove_dir_all(&project)?;
    }
    plain::fill(row, "my-device", &project)?;
    copy_lock_files(&project, row)?;
    Ok(project)
}

/// Copies lock files of this repository into a project. So cargo uses the same versions of dependencies as this
/// repository, and does not compile the dependencies again.
fn copy_lock_files(project: &Path, row: &Row) -> Result<()> {
    for (from, to) in
        [(workspace::root(), project.to_owned()), (row.workspace(), project.join("firmware"))]
    {
        fs::copy(from.join("Cargo.lock"), to.join("Cargo.lock"))?;
    }
    Ok(())
}

fn with_target(mut cargo: Command, target: PathBuf) -> Command {
    cargo.env("CARGO_TARGET_DIR", target);
    cargo
}

/// Returns a cargo command for the firmware of a project.
fn firmware(toolchain: Toolchain, project: &Path, row: &Row) -> Command {
    let cargo = toolchain.cargo(&project.join("firmware"), &row.target);
    with_target(cargo, row.workspace().join("target"))
}

/// Tests a project in four steps:
///
/// 1. Runs the project's simulations.
/// 2. Starts the program twice at the same address. The second start must fail with an error message.
/// 3. Removes the timeouts from the application, and runs the simulations. The simulations must fail with the seed that
///    the project's README names.
/// 4. Removes `ROOM` from the application, and runs the simulations. The simulations must fail. `ROOM` is the free
///    space in the output ring that an answer needs.
fn test_and_run(project: &Path) -> Result<()> {
    let cargo = || with_target(command::cargo(project), workspace::target());
    command::run(cargo().arg("test"))?;

    let mut run = cargo();
    let mut program =
        ControlledProcess::start(run.args(["run", "--quiet", "--", "127.0.0.1:0"]), PROGRAM_LIMIT)?;
    let line = program.line()?;
    let address = line.strip_prefix("listening on ").context("the program does not listen")?;
    check_answers(address)?;
    let output =
        command::run_to_end(cargo().args(["run", "--quiet", "--", address]), PROGRAM_LIMIT)?;
    let refusal = String::from_utf8_lossy(&output.stderr);
    ensure!(
        refusal.starts_with(&format!("error: cannot listen on {address}: ")),
        "for an address in use the program printed {refusal:?}"
    );
    end(&mut program)?;

    let readme = fs::read_to_string(project.join("README.md"))?;
    let expected = readme.lines().find(|line| line.starts_with("FAILED ")).context("README")?;
    let is_timeout = |line: &str| line.contains("const IDLE") || line.contains("const STALL");
    let output = test_without(project, is_timeout, 2)?;
    ensure!(
        output.lines().any(|line| line == expected),
        "without timeouts README's {expected:?} is not in the output:\n{output}"
    );
    println!("without timeouts: {expected}");
    let output = test_without(project, |line| line.contains("const ROOM"), 1)?;
    ensure!(output.contains("\nFAILED app, seed "), "without `ROOM` the test passes:\n{output}");
    Ok(())
}

/// Removes the lines of a project's application for which `is_removed` returns true, and runs the simulations. There
/// must be `count` such lines. Restores the application. Returns the output of the simulations.
fn test_without(project: &Path, is_removed: impl Fn(&str) -> bool, count: usize) -> Result<String> {
    let application = project.join("app/src/lib.rs");
    let whole = fs::read_to_string(&application)?;
    let rest: Vec<_> = whole.lines().filter(|line| !is_removed(line)).collect();
    ensure!(
        rest.len().checked_add(count) == Some(whole.lines().count()),
        "{count} lines are missing"
    );
    fs::write(&application, rest.join("\n"))?;
    let mut test = with_target(command::cargo(project), workspace::target());
    println!("$ {}", command::describe(test.arg("test")));
    let output = command::run_to_end(&mut test, PROGRAM_LIMIT)?;
    fs::write(&application, whole)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a project's firmware with cargo, as a user does, and communicates with the firmware.
fn run_firmware(toolchain: Toolchain, project: &Path, row: &Row) -> Result<()> {
    // Build the subcommand `cargo picoevent`, so that cargo finds the subcommand.
    let mut cargo = command::cargo(&workspace::root());
    cargo.args(["build", "--package", "picoevent-command"]);
    let programs = command::build_one(&mut cargo)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let programs = programs.parent().map(Path::to_owned).into_iter();
    let path = env::join_paths(programs.chain(env::split_paths(&path)))?;

    // Use any free port of this machine instead of the template's port.
    let config = project.join("firmware/.cargo/config.toml");
    let text = fs::read_to_string(&config)?;
    fs::write(&config, text.replace("--forward 7000", "--forward 0:7000"))?;

    let mut run = firmware(toolchain, project, row);
    let mut firmware =
        ControlledProcess::start(run.env("PATH", path).args(["run", "--release"]), PROGRAM_LIMIT)?;
    let line = firmware.line()?;
    let (_, port) = line.rsplit_once(' ').with_context(|| format!("the first line is {line:?}"))?;
    while !firmware.line()?.ends_with("listening on port 7000") {}
    check_answers(&format!("127.0.0.1:{port}"))?;
    end(&mut firmware)
}

/// Sends some lines to a program, and checks the program's answers.
fn check_answers(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).context(address.to_owned())?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(b"get\nset 42\nget\nset 101\nplease\n")?;
    stream.shutdown(Shutdown::Write)?;
    let mut answers = String::new();
    stream.read_to_string(&mut answers)?;
    let expected = "0\nok\n42\nerror: 0 to 100\nerror: get, set LEVEL, quit\n";
    ensure!(answers == expected, "the answers were {answers:?}");
    Ok(())
}

/// Interrupts a program like Ctrl-C. Waits until the program has ended, and checks its last line.
fn end(program: &mut ControlledProcess) -> Result<()> {
    let pid = program.process().pid().to_string();
    command::capture(Command::new("kill").args(["-INT", &pid]), LIMIT)?;
    let output = program.end_within(LIMIT)?;
    let last = output.lines.last().context("it printed nothing")?;
    ensure!(last.ends_with("done"), "its last line was {last:?}");
    Ok(())
}
