//! Workload W8: an HTTP server that answers every request with 100 bytes, on keep-alive connections.
//!
//! wrk sends a request as soon as the previous request is answered. The processor time of a server is read from the
//! system, because these servers do not measure themselves.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{
    super::spread::{Spread, ratio, rounds},
    contender::{self, PACKAGE, Server, c},
    cores::{Cores, clean_command},
    others::Others,
    proxy::processor_time,
    report::address,
};
use crate::{bench::Options, command, process::ControlledProcess, setup, table::Table, workspace};

const PICOEVENT: &str = "picoevent";
const LIBEVENT: &str = "libevent, evhttp";
const EVHTTP: Server = c("http, libevent", "evhttp", &[], Some(["event"; 2]));

/// The numbers of connections.
const CONNECTIONS: [u64; 2] = [1, 32];
/// The time limit of a run.
const LIMIT: Duration = Duration::from_secs(60);

/// A server's program. nginx needs a settings file.
struct Contender {
    name: &'static str,
    program: PathBuf,
    is_nginx: bool,
}

/// The result of a run.
struct Outcome {
    /// Processor time of a request, in microseconds.
    cost: f64,
    /// Requests in a second.
    rate: f64,
}

/// Measures the workload.
///
/// # Errors
/// If something cannot be built, or a request fails.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    setup::programs(&[("wrk", "wrk"), ("nginx", "nginx-light")])?;
    let build = |name: &str| {
        let mut cargo = command::cargo(&workspace::root());
        cargo.args(["build", "--release", "--package", PACKAGE, "--bin", name]);
        command::build_one(&mut cargo)
    };
    let contender = |name, program| Contender { name, program, is_nginx: false };
    let contenders = [
        contender(PICOEVENT, build("server-http-picoevent")?),
        contender(LIBEVENT, contender::link(&EVHTTP)?),
        Contender { name: "nginx", program: "nginx".into(), is_nginx: true },
        contender("hyper, one thread of tokio", build("server-http-hyper")?),
    ];
    let cores = Cores::find()?;
    CONNECTIONS.map(|on| measure(options, &contenders, on, cores)).into_iter().collect()
}

fn measure(
    options: &Options,
    contenders: &[Contender],
    connections: u64,
    cores: Cores,
) -> Result<Table> {
    let (rounds_of, seconds) = if options.quick { (3, 2) } else { (5, 5) };
    let on = if connections == 1 { "connection" } else { "connections" };
    let title = format!("HTTP: GET of 100 bytes on {connections} keep-alive {on}");
    println!("{title}: {} servers, {rounds_of} rounds of {seconds} s ...", contenders.len());
    let others = Others::watch();
    let results = rounds(contenders, rounds_of, |contender| {
        serve(contender, connections, seconds, cores).with_context(|| contender.name.to_owned())
    })?;
    let costs: Vec<Vec<f64>> =
        results.iter().map(|runs| runs.iter().map(|run| run.cost).collect()).collect();
    let index = |name| contenders.iter().position(|contender| contender.name == name);
    let evhttp = index(LIBEVENT).context("libevent is among them")?;
    let mut table = Table::new(title, "server | CPU µs / request | × evhttp | requests / s");
    for ((contender, runs), own) in contenders.iter().zip(&results).zip(&costs) {
        table.row(
            contender.name,
            [
                Spread::of(own.iter().copied()).show(2),
                format!("{:.2}", ratio(own, &costs[evhttp]).median()),
                format!("{:.0}", Spread::of(runs.iter().map(|run| run.rate)).median()),
            ],
        );
    }
    table.remark(format!(
        "Rounds: {rounds_of} of {seconds} s. wrk checks that each answer has the status 200. {} {}",
        cores.describe(),
        others.describe()
    ));
    Ok(table)
}

/// Runs one server. wrk sends the requests.
fn serve(contender: &Contender, connections: u64, seconds: u64, cores: Cores) -> Result<Outcome> {
    let folder = TempDir::new().context("cannot make a folder for settings")?;
    let mut command = clean_command(&contender.program);
    let (mut server, address) = if contender.is_nginx {
        // Find a free port for nginx. The socket is closed before nginx starts. It is unlikely that another program
        // takes the port in the meantime.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let file = folder.path().join("settings");
        fs::write(&file, nginx(&folder.path().to_string_lossy(), &address))?;
        let server = ControlledProcess::start(command.arg("-c").arg(file), LIMIT)?;
        let began = Instant::now();
        while std::net::TcpStream::connect(&address).is_err() {
            ensure!(began.elapsed() < LIMIT, "nginx does not listen");
            std::thread::yield_now();
        }
        (server, address)
    } else {
        let mut server = ControlledProcess::start(&mut command, LIMIT)?;
        let first = server.line()?;
        (server, address(&first)?.to_owned())
    };
    cores.server.pin(server.process())?;
    let mut wrk = clean_command("wrk");
    wrk.args(["-t", "1", "-c", &connections.to_string(), "-d", &format!("{seconds}s")]);
    let mut wrk = ControlledProcess::start(wrk.arg(format!("http://{address}/")), LIMIT)?;
    cores.load.pin(wrk.process())?;
    let before = processor_time(&server)?;
    let output = wrk.end()?.lines.join("\n");
    let used = processor_time(&server)? - before;
    let is_clean = !output.contains("Socket errors") && !output.contains("Non-2xx");
    ensure!(is_clean, "requests have failed:\n{output}");
    let requests = output.lines().find_map(|line| line.trim().split_once(" requests in "));
    let requests: f64 = requests.context("wrk printed no number of requests")?.0.parse()?;
    ensure!(requests > 1_000.0, "there were only {requests} requests");
    let pid = server.process().pid().to_string();
    command::output(Command::new("kill").args(["-KILL", &pid]))?;
    // The server was killed, so `end` returns an error, which is ignored.
    let _ = server.end();
    Ok(Outcome { cost: used / requests * 1e6, rate: requests / seconds as f64 })
}

/// Returns settings with which nginx does no more work than the other servers.
fn nginx(folder: &str, address: &str) -> String {
    let content = "x".repeat(100);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
        .concat();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n\
         access_log off; keepalive_requests 1000000000; default_type text/plain;\n{temporary}\
         server {{ listen {address}; location / {{ return 200 {content}; }} }}\n\
         }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_a_source() {
        let sources = workspace::root().join(contender::SOURCES);
        for file in
            ["c/evhttp.c", "src/bin/server-http-picoevent.rs", "src/bin/server-http-hyper.rs"]
        {
            assert!(sources.join(file).is_file(), "{file}");
        }
    }
}
