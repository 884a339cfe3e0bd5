//! The servers in Rust keep the agreement: they serve the clients, say what they used, and end; and
//! they refuse to report when a client is lost.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};

const SERVERS: [&str; 4] = [
    env!("CARGO_BIN_EXE_server-picoevent"),
    env!("CARGO_BIN_EXE_server-picoevent-sources"),
    env!("CARGO_BIN_EXE_server-mio"),
    env!("CARGO_BIN_EXE_server-calloop"),
];

const LOAD: &str = env!("CARGO_BIN_EXE_load");

/// A server that runs. Dropping it ends it.
struct Server {
    child: Child,
    address: SocketAddr,
    out: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.and_then(|address| address.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("it says {line:?}")), out }
    }

    /// Waits for its end: whether that was a success, and what it wrote.
    fn end(mut self) -> (bool, String, String) {
        let (mut said, mut why) = (String::new(), String::new());
        self.out.read_to_string(&mut said).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
        (self.child.wait().unwrap().success(), said, why)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where it fails the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn load(server: &Server, workload: &str, counts: &[&str]) -> Output {
    let mut command = Command::new(LOAD);
    command.args([workload, &server.address.to_string(), "60"]).args(counts);
    command.stdin(Stdio::null()).output().unwrap()
}

/// A run that is right, on both sides.
fn serve(program: &str, task: &[&str], workload: &str, counts: &[&str]) -> String {
    let server = Server::start(program, task);
    let output = load(&server, workload, counts);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {task:?}: {why}");
    assert!(output.stdout.ends_with(b"\n") && output.stdout.windows(5).any(|w| w == b"load "));
    let (success, said, why) = server.end();
    assert!(success, "{program} {task:?}: {why}");
    said
}

#[test]
fn every_client_is_greeted() {
    for program in SERVERS {
        let said = serve(program, &["hello", "300"], "hello", &["300", "16"]);
        assert!(said.starts_with("usage user=") && said.contains(" connections=300 "), "{said}");
    }
}

#[test]
fn every_message_comes_back() {
    for program in SERVERS {
        let bytes = ((50 + 1000) * 64).to_string();
        let said = serve(program, &["echo", "3200", &bytes], "echo", &["50", "1000"]);
        assert!(said.contains(&format!(" connections=50 bytes={bytes}\n")), "{said}");
    }
}

#[test]
fn mebibytes_come_back_although_they_fit_no_buffer() {
    for program in SERVERS {
        let said = serve(program, &["echo", "1048576", "9437184"], "bulk", &["8"]);
        assert!(said.contains(" connections=1 bytes=9437184\n"), "{said}");
    }
}

#[test]
fn idle_connections_are_held_and_measured() {
    for program in SERVERS {
        let said = serve(program, &["idle", "200", "12800"], "idle", &["200"]);
        let lines: Vec<_> = said.lines().collect();
        let [cold, warm, usage] = lines.as_slice() else { panic!("{program} says {said}") };
        assert!(cold.starts_with("memory when=cold rss=") && cold.contains(" reserved="), "{said}");
        assert!(warm.starts_with("memory when=warm rss="), "{said}");
        assert!(usage.contains(" connections=200 bytes=12800"), "{said}");
    }
}

#[test]
fn a_server_whose_client_leaves_too_early_reports_nothing() {
    for program in SERVERS {
        let server = Server::start(program, &["echo", "64", "640"]);
        drop(TcpStream::connect(server.address).unwrap());
        let (success, said, why) = server.end();
        assert!(!success && said.is_empty(), "{program} says {said}");
        assert_eq!(why, "error: a connection has ended before its bytes were sent back\n");
    }
}

#[test]
fn a_server_that_is_told_nothing_says_what_it_wants() {
    for program in SERVERS {
        let output = Command::new(program).output().unwrap();
        assert!(!output.status.success());
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(why.starts_with("error: usage: hello CONNECTIONS | echo"), "{why}");
    }
}

#[test]
fn two_servers_have_two_ports() {
    let servers = [(); 2].map(|()| Server::start(SERVERS[0], &["hello", "1"]));
    assert_ne!(servers[0].address, servers[1].address);
}
