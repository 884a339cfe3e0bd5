//! Workload W6: the size of a server, and its start-up time.
//!
//! A server in C is linked statically, and its size is compared with the size of the server without a loop. The size of
//! a server in Rust is compared with the size of a program that does nothing. These two programs use the system's
//! shared C library. The start-up time is the time from the start of the process to the first accepted connection. For
//! this measurement, all servers use shared libraries.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

use super::{
    super::spread::{Spread, rounds},
    comparison::Comparison,
    contender::{SERVERS, Server, Source},
    cores::clean_command,
    others::Others,
    report::address,
};
use crate::{bench::Options, command, process::Process, size::crates, table::Table};

/// The server without a loop. The sizes of all servers in C are compared with the size of this server.
const FLOOR: &str = "blocking calls";

/// The time limit of a server for one connection. It only ends a server that hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Measures the workload.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let comparison = Comparison::begin()?;
    Ok(vec![servers(&comparison, options)?, core(&comparison)?])
}

fn servers(comparison: &Comparison, options: &Options) -> Result<Table> {
    let starts = if options.quick { 50 } else { 200 };
    let programs: Result<Vec<(Server, PathBuf)>> = SERVERS
        .into_iter()
        .map(|server| match server.source {
            Source::C { .. } => Ok((server, comparison.built.link_statically(&server)?)),
            Source::Rust(name) => Ok((server, comparison.built.rust(name)?)),
        })
        .collect();
    let programs = programs?;
    let folder = TempDir::new().context("cannot make a folder for stripped programs")?;
    let empty = stripped(&comparison.built.rust("empty")?, &folder)?;
    let mut sizes = Vec::new();
    for (_, program) in &programs {
        sizes.push(stripped(program, &folder)?);
    }
    let floor = programs.iter().position(|(server, _)| server.name == FLOOR);
    let floor = floor.map(|index| sizes[index]).context("there is a server without a loop")?;
    println!("start-up: {} servers, {starts} times ...", programs.len());
    let others = Others::watch();
    // Servers in C are started with shared libraries, like servers in Rust.
    let times = rounds(&programs, starts, |(server, _)| {
        start_up(&comparison.built.program(server)?).with_context(|| server.name.to_owned())
    })?;
    let columns =
        "server | linked | stripped, bytes | beyond the floor, bytes | start-up, shared, µs";
    let mut table = Table::new("Size and start-up", columns);
    for (((server, _), size), times) in programs.iter().zip(&sizes).zip(&times) {
        let (linked, less) = match server.source {
            Source::C { .. } => ("static", floor),
            Source::Rust(_) => ("shared C library", empty),
        };
        let times = Spread::of(times.iter().copied());
        let [median, early, late] = [50, 10, 90].map(|percent| times.percentile(percent));
        let difference = (*size as i64 - less as i64).to_string();
        let took = format!("{median:.0} [{early:.0}–{late:.0}]");
        table.row(server.name, [linked.to_owned(), size.to_string(), difference, took]);
    }
    table.row("empty program in Rust", ["shared C library", &empty.to_string(), "0", "–"]);
    table.remark(format!("The floor is `{FLOOR}` for C and the empty program for Rust."));
    table.remark(format!(
        "Start-up: {starts} of each, in random order, the median [p10–p90]. {}",
        others.describe()
    ));
    Ok(table)
}

/// Returns a table with the code sizes of the crates `picoevent` and `picoevent_mio` in the two servers on picoevent.
/// The servers are built in the release profile.
fn core(comparison: &Comparison) -> Result<Table> {
    let columns = "server | `picoevent` | `picoevent_mio`";
    let mut table = Table::new("Code of the core and of its back end, bytes", columns);
    for (name, program) in
        [("connections", "server-picoevent"), ("sources", "server-picoevent-sources")]
    {
        let text = crates::code_by_name(&comparison.built.rust(program)?)?;
        let of = |name: &str| text.get(name).copied().unwrap_or(0).to_string();
        table.row(name, [of("picoevent"), of("picoevent_mio")]);
    }
    table.remark(
        "The sum of the symbols in the linked program, for this machine's processor, in the \
         release profile. Code that is inlined into the server counts as the server's.",
    );
    Ok(table)
}

/// Returns the size of a program without its symbols.
fn stripped(program: &Path, folder: &TempDir) -> Result<u64> {
    let target = folder.path().join("stripped");
    let mut strip = Command::new("strip");
    command::output(strip.arg("-s").arg("-o").arg(&target).arg(program))?;
    Ok(std::fs::metadata(&target).with_context(|| target.display().to_string())?.len())
}

/// Returns the time from the start of a server to the first connection it accepts, in µs.
fn start_up(program: &Path) -> Result<f64> {
    let mut command = clean_command(program);
    command.args(["hello", "1"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let server = Process::spawn(&mut command, None)?;
    let out = server.child().take_stdout().context("its output is piped")?;
    // Read on this thread. The start and the wake-up of another thread would be measured, too.
    let limit = Timespec::try_from(LIMIT)?;
    let ready = poll(&mut [PollFd::new(&out, PollFlags::IN)], Some(&limit))?;
    ensure!(ready > 0, "it did not print its address within {} s", LIMIT.as_secs());
    let (mut out, mut line) = (BufReader::new(out), String::new());
    out.read_line(&mut line)?;
    let client = TcpStream::connect(address(line.trim_end())?);
    let client = client.context("it does not accept a connection")?;
    let took = begun.elapsed();
    drop(client);
    // The server can end although nobody reads its report, because the report fits into the pipe.
    let late = || format!("it did not end within {} s", LIMIT.as_secs());
    let status = server.wait(LIMIT)?.with_context(late)?;
    ensure!(status.success(), "it failed with its first client: {status}");
    Ok(took.as_secs_f64() * 1e6)
}
