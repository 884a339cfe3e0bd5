//! The clients of all servers. They run in a process that is separate from the server.
//!
//! ```text
//!   load hello ADDRESS SECONDS CONNECTIONS CONCURRENCY
//!   load echo ADDRESS SECONDS CONNECTIONS MESSAGES      after one message on each connection
//!   load bulk ADDRESS SECONDS BLOCKS                    after one block
//!   load idle ADDRESS SECONDS CONNECTIONS               one message on each, at each input line
//!   load relay ADDRESS SECONDS CONNECTIONS BLOCKS       through a proxy, whose address is an input line
//! ```
//!
//! An input line is a line of the standard input. With the workload `relay`, the program listens on ADDRESS for the
//! connections of the proxy, and reads the address of the proxy from an input line. Then the program sends one block in
//! each direction on each connection, and waits for another input line. After that it sends BLOCKS blocks in each
//! direction on each connection. For every workload, the program prints how long the work took. The exit status is 0 if
//! the server made no error.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mio::net::TcpListener;
use picoevent_bench_servers::harness::processor_time;
use picoevent_bench_servers::load::bulk::Bulk;
use picoevent_bench_servers::load::echo::Clients;
use picoevent_bench_servers::load::hello::Hello;
use picoevent_bench_servers::load::relay::Relay;
use picoevent_bench_servers::load::{Deadline, Report};

const USAGE: &str = "usage: load hello ADDRESS SECONDS CONNECTIONS CONCURRENCY | \
    echo ADDRESS SECONDS CONNECTIONS MESSAGES | bulk ADDRESS SECONDS BLOCKS | \
    idle ADDRESS SECONDS CONNECTIONS | relay ADDRESS SECONDS CONNECTIONS BLOCKS";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [workload, address, counts @ ..] = words.as_slice() else { bail!(USAGE) };
    let address: SocketAddr = address.parse()?;
    let counts: Vec<u64> = counts.iter().map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [seconds, counts @ ..] = &*counts else { bail!(USAGE) };
    let deadline = Deadline::after(Duration::from_secs(*seconds));
    let (before, report);
    match (workload.as_str(), counts) {
        ("hello", &[connections, concurrency]) => {
            before = processor_time();
            let hello = Hello { connections, concurrency: concurrency.try_into()? };
            report = hello.run(address, deadline)?;
        }
        ("echo", &[connections, messages]) => {
            let mut clients = Clients::connect(address, connections.try_into()?, deadline)?;
            clients.exchange(connections)?;
            before = processor_time();
            report = clients.exchange(messages)?;
            clients.reset()?;
        }
        ("bulk", &[blocks]) => {
            let mut bulk = Bulk::connect(address, deadline)?;
            bulk.run(1)?;
            before = processor_time();
            report = bulk.run(blocks)?;
            bulk.reset()?;
        }
        ("idle", &[connections]) => {
            let mut clients = Clients::connect(address, connections.try_into()?, deadline)?;
            print_line("connected")?;
            input_line()?;
            before = processor_time();
            report = clients.exchange(connections)?;
            clients.reset()?;
        }
        ("relay", &[connections, blocks]) => {
            let listener = TcpListener::bind(address)?;
            print_line(&format!("listening on {}", listener.local_addr()?))?;
            let proxy =
                input_line()?.parse().context("the input line is not the proxy's address")?;
            let mut relay = Relay::connect(listener, proxy, connections.try_into()?, deadline)?;
            relay.run(1)?;
            print_line("connected")?;
            input_line()?;
            before = processor_time();
            report = relay.run(blocks)?;
            relay.reset()?;
        }
        _ => bail!(USAGE),
    }
    let used = processor_time() - before;
    print_line(&line(&report, used))?;
    Ok(())
}

fn line(report: &Report, used: Duration) -> String {
    let Report { wall, latency } = report;
    let micros = |duration: Duration| duration.as_nanos() as f64 / 1000.0;
    let micros_of = |share| latency.value_at_quantile(share) as f64 / 1000.0;
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(micros_of);
    format!(
        "load wall={:.0} cpu={:.0} operations={} p50={p50:.1} p99={p99:.1} max={max:.1}",
        micros(*wall),
        micros(used),
        latency.len(),
    )
}

fn input_line() -> Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
