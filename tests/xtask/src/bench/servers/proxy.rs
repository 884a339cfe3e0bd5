//! Workload W7: a proxy, which connects to a server for each client and moves bytes in both directions.
//!
//! ```text
//!   load: clients ══▶ proxy ══▶ load: server      each end sends as fast as it can, and checks what it receives
//!                 ◀══       ◀══
//! ```
//!
//! picoevent's proxy is `examples/proxy`. The processor time of a proxy is read from the system, because the proxies do
//! not measure themselves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use procfs::process::Process;

use super::{
    super::spread::{Spread, ratio, rounds},
    contender::{self, Server, c},
    cores::{Cores, clean_command},
    others::Others,
    report::{Report, address},
};
use crate::{bench::Options, process::ControlledProcess, table::Table};

/// The package of picoevent's proxy.
const EXAMPLE: &str = "proxy";

const PICOEVENT: &str = "picoevent, examples/proxy";
const LEVEL: &str = "epoll, level-triggered";
const EDGE: &str = "epoll, edge-triggered";
const LIBEVENT: &str = "libevent, bufferevents";

/// The other proxies, in the order of the table's rows.
const OTHERS: [Server; 3] = [
    c("proxy, epoll, level", "proxy_raw", &[], None),
    c("proxy, epoll, edge", "proxy_raw", &["-DEDGE"], None),
    c("proxy, libevent", "proxy_libevent", &[], Some(["event_core"; 2])),
];

/// The numbers of clients that are served at once.
const CLIENTS: [u64; 2] = [4, 16];

/// The number of mebibytes that move through a proxy in one run.
const MIB: u64 = 4096;

/// The time limit of a run.
const LIMIT: Duration = Duration::from_secs(120);

/// The result of a run.
struct Outcome {
    /// Bytes per second of the proxy's processor time, in units of 10⁹.
    rate: f64,
    /// The processor time of the clients and their server (the load) per byte, in nanoseconds.
    load: f64,
    /// The share of the time in which the proxy was idle, in per cent.
    idle: f64,
}

/// Measures the workload.
///
/// # Errors
/// If something cannot be built, or a byte is lost.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let ours = contender::build(EXAMPLE)?.remove(EXAMPLE).context("the example has a program")?;
    let load = contender::build(contender::PACKAGE)?.remove("load");
    let load = load.context("there is a load generator")?;
    let mut programs = vec![(PICOEVENT, ours)];
    for (name, server) in [LEVEL, EDGE, LIBEVENT].into_iter().zip(&OTHERS) {
        programs.push((name, contender::link(server)?));
    }
    let cores = Cores::find()?;
    CLIENTS.map(|clients| measure(options, &programs, &load, clients, cores)).into_iter().collect()
}

fn measure(
    options: &Options,
    programs: &[(&str, PathBuf)],
    load: &Path,
    clients: u64,
    cores: Cores,
) -> Result<Table> {
    let (rounds_of, mib) = if options.quick { (3, MIB / 4) } else { (7, MIB) };
    let title = format!("Proxy: {mib} MiB by {clients} clients, half of it each way");
    println!("{title}: {} proxies, {rounds_of} rounds ...", programs.len());
    let others = Others::watch();
    let results = rounds(programs, rounds_of, |(name, program)| {
        serve(program, load, clients, mib / 2 / clients, cores).with_context(|| (*name).to_owned())
    })?;
    let rates: Vec<Vec<f64>> =
        results.iter().map(|runs| runs.iter().map(|run| run.rate).collect()).collect();
    let columns = "proxy | GB / CPU s | × epoll, level | × epoll, edge | × libevent | \
                   load generator: CPU ns / byte | idle %";
    let mut table = Table::new(title, columns);
    for (((name, _), runs), own) in programs.iter().zip(&results).zip(&rates) {
        let to = |other: &str| {
            let index = programs.iter().position(|(name, _)| *name == other);
            index.map_or("–".to_owned(), |index| {
                format!("{:.2}", ratio(own, &rates[index]).median())
            })
        };
        let median = |of: fn(&Outcome) -> f64| Spread::of(runs.iter().map(of)).median();
        table.row(
            name,
            [
                Spread::of(own.iter().copied()).show(2),
                to(LEVEL),
                to(EDGE),
                to(LIBEVENT),
                format!("{:.2}", median(|run| run.load)),
                format!("{:.0}", median(|run| run.idle)),
            ],
        );
    }
    table.remark(format!(
        "Rounds: {rounds_of}. A byte counts once, when it has passed the proxy. The load is clients and server in \
         one process. {} {}",
        cores.describe(),
        others.describe()
    ));
    Ok(table)
}

/// Runs one proxy between clients and their server. On each connection, the client and the server each send `blocks`
/// blocks of a mebibyte.
fn serve(proxy: &Path, load: &Path, clients: u64, blocks: u64, cores: Cores) -> Result<Outcome> {
    let mut command = clean_command(load);
    let words = format!("relay 127.0.0.1:0 {} {clients} {blocks}", LIMIT.as_secs());
    command.args(words.split(' '));
    let mut load = ControlledProcess::start(&mut command, LIMIT)?;
    cores.load.pin(load.process())?;
    let server = load.line()?;
    let mut command = clean_command(proxy);
    command.args(["--listen", "127.0.0.1:0", "--to", address(&server)?]);
    let mut proxy = ControlledProcess::start(&mut command, LIMIT)?;
    cores.server.pin(proxy.process())?;
    let first = proxy.line()?;
    load.send(address(&first)?)?;
    ensure!(load.line()? == "connected", "the clients should be connected");
    let before = processor_time(&proxy)?;
    load.go()?;
    let report = Report::parse("load", &load.line()?)?;
    let used = processor_time(&proxy)? - before;
    load.end()?;
    let bytes = (2 * clients * blocks) as f64 * f64::from(1 << 20);
    let wall = report.number("wall")? / 1e6;
    Ok(Outcome {
        rate: bytes / used / 1e9,
        load: report.number("cpu")? * 1e3 / bytes,
        idle: ((1.0 - used / wall) * 100.0).max(0.0),
    })
}

/// Returns the processor time that a process and its threads have used, in seconds. The resolution is a tick of the
/// system, normally a hundredth of a second. This is about one per cent of the time of a run.
pub(super) fn processor_time(process: &ControlledProcess) -> Result<f64> {
    let pid = i32::try_from(process.process().pid()).context("a process has a number")?;
    let stat =
        Process::new(pid).and_then(|process| process.stat()).context("the server has ended")?;
    Ok((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn every_proxy_in_c_has_a_source() {
        for proxy in &OTHERS {
            let contender::Source::C { file, .. } = proxy.source else { panic!("{proxy:?}") };
            let source = workspace::root().join(contender::SOURCES).join("c").join(file);
            assert!(source.with_extension("c").is_file(), "{proxy:?}");
        }
    }

    #[test]
    fn every_endpoint_sends_whole_blocks() {
        for clients in CLIENTS {
            assert_eq!(MIB / 4 % (2 * clients), 0, "{clients}");
        }
    }
}
