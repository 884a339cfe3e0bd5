//! The clients of every server, in a separate process.
//!
//! ```text
//!   load hello ADDRESS SECONDS CONNECTIONS CONCURRENCY
//!   load echo ADDRESS SECONDS CONNECTIONS MESSAGES      after one message on each connection
//!   load bulk ADDRESS SECONDS BLOCKS                    after one block
//!   load idle ADDRESS SECONDS CONNECTIONS               one message on each, at each input line
//!   load relay ADDRESS SECONDS CONNECTIONS BLOCKS       through a proxy, whose address is an input line
//! ```
//!
//! `relay` listens on ADDRESS for the proxy. After one block on each connection, it waits for the next input line,
//! and then sends the blocks in both directions. The program prints how long this took. Its exit status is 0 if the
//! server made no error.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mio::net::TcpListener;
use picoevent_bench_servers::agreement::processor_time;
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
            clients.talk(connections)?;
            before = processor_time();
            report = clients.talk(messages)?;
            clients.hang_up()?;
        }
        ("bulk", &[blocks]) => {
            let mut bulk = Bulk::connect(address, deadline)?;
            bulk.run(1)?;
            before = processor_time();
            report = bulk.run(blocks)?;
            bulk.hang_up()?;
        }
        ("idle", &[connections]) => {
            let mut clients = Clients::connect(address, connections.try_into()?, deadline)?;
            say("connected")?;
            input_line()?;
            before = processor_time();
            report = clients.talk(connections)?;
            clients.hang_up()?;
        }
        ("relay", &[connections, blocks]) => {
            let listener = TcpListener::bind(address)?;
            say(&format!("listening on {}", listener.local_addr()?))?;
            let proxy = input_line()?.parse().context("this is not the proxy's address")?;
            let mut relay = Relay::connect(listener, proxy, connections.try_into()?, deadline)?;
            relay.run(1)?;
            say("connected")?;
            input_line()?;
            before = processor_time();
            report = relay.run(blocks)?;
            relay.hang_up()?;
        }
        _ => bail!(USAGE),
    }
    let used = processor_time() - before;
    say(&line(&report, used))?;
    Ok(())
}

fn line(report: &Report, used: Duration) -> String {
    let Report { wall, latency } = report;
    let micros = |duration: Duration| duration.as_nanos() as f64 / 1000.0;
    let micros_of = |share| latency.value_at_quantile(share) as f64 / 1000.0;
    let [median, late, last] = [0.5, 0.99, 1.0].map(micros_of);
    format!(
        "load wall={:.0} cpu={:.0} operations={} p50={median:.1} p99={late:.1} max={last:.1}",
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

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
