//! The servers in Rust follow the protocol of the module `harness`: they serve the clients, print which resources
//! they used, and exit. If a server loses a client, the server prints no figures.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use xtask::process::ControlledProcess;

/// The time limit of a test. It only ends a test that hangs.
const LIMIT: Duration = Duration::from_secs(60);

const SERVERS: [&str; 4] = [
    env!("CARGO_BIN_EXE_server-picoevent"),
    env!("CARGO_BIN_EXE_server-picoevent-sources"),
    env!("CARGO_BIN_EXE_server-mio"),
    env!("CARGO_BIN_EXE_server-calloop"),
];

const LOAD: &str = env!("CARGO_BIN_EXE_load");

/// Starts a server, and reads its address.
fn start(program: &str, task: &[&str]) -> (ControlledProcess, SocketAddr) {
    let mut server = ControlledProcess::start(Command::new(program).args(task), LIMIT).unwrap();
    let line = server.line().unwrap();
    let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
    (server, address.unwrap_or_else(|| panic!("the first line is {line:?}")))
}

fn load(address: SocketAddr, workload: &str, counts: &[&str]) -> Output {
    let mut command = Command::new(LOAD);
    command.args([workload, &address.to_string(), "60"]).args(counts);
    command.stdin(Stdio::null()).output().unwrap()
}

/// Runs a server and its clients. Both programs must succeed. Returns the server's lines.
fn serve(program: &str, task: &[&str], workload: &str, counts: &[&str]) -> Vec<String> {
    let (mut server, address) = start(program, task);
    let output = load(address, workload, counts);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {task:?}: {why}");
    assert!(output.stdout.ends_with(b"\n") && output.stdout.windows(5).any(|w| w == b"load "));
    server.end().unwrap().lines
}

#[test]
fn every_client_is_greeted() {
    for program in SERVERS {
        let lines = serve(program, &["hello", "300"], "hello", &["300", "16"]);
        let [usage] = lines.as_slice() else { panic!("{program} printed {lines:?}") };
        assert!(usage.starts_with("usage user=") && usage.contains(" connections=300 "), "{usage}");
    }
}

#[test]
fn every_message_comes_back() {
    for program in SERVERS {
        let bytes = ((50 + 1000) * 64).to_string();
        let lines = serve(program, &["echo", "3200", &bytes], "echo", &["50", "1000"]);
        assert!(lines[0].ends_with(&format!(" connections=50 bytes={bytes}")), "{lines:?}");
    }
}

#[test]
fn blocks_larger_than_any_buffer_come_back() {
    for program in SERVERS {
        let lines = serve(program, &["echo", "1048576", "9437184"], "bulk", &["8"]);
        assert!(lines[0].ends_with(" connections=1 bytes=9437184"), "{lines:?}");
    }
}

#[test]
fn idle_connections_are_held_and_measured() {
    for program in SERVERS {
        let lines = serve(program, &["idle", "200", "12800"], "idle", &["200"]);
        let [cold, warm, usage] = lines.as_slice() else { panic!("{program} printed {lines:?}") };
        assert!(cold.starts_with("memory when=cold rss=") && cold.contains(" reserved="), "{cold}");
        assert!(warm.starts_with("memory when=warm rss="), "{warm}");
        assert!(usage.ends_with(" connections=200 bytes=12800"), "{usage}");
    }
}

#[test]
fn a_server_whose_client_leaves_too_early_reports_nothing() {
    for program in SERVERS {
        let (mut server, address) = start(program, &["echo", "64", "640"]);
        drop(TcpStream::connect(address).unwrap());
        let why = server.line().unwrap_err().to_string();
        let expected =
            "error: a connection has ended before its bytes were sent back (exit status: 1)";
        assert!(why.ends_with(expected), "{program} printed {why}");
    }
}

#[test]
fn a_server_without_arguments_prints_its_usage() {
    for program in SERVERS {
        let output = Command::new(program).output().unwrap();
        assert!(!output.status.success());
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(why.starts_with("error: usage: hello CONNECTIONS | echo"), "{why}");
    }
}

#[test]
fn two_servers_have_two_ports() {
    let [(_one, one), (_two, two)] = [(); 2].map(|()| start(SERVERS[0], &["hello", "1"]));
    assert_ne!(one, two);
}
