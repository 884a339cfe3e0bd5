//! Runs a server as a separate process, for the examples' tests.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

/// The time limit of an operation. The limit only detects a hang.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A running server. Dropping a `Program` kills the server.
pub struct Program {
    process: Child,
    address: SocketAddr,
    lines: Receiver<String>,
    /// The pipe of a server whose output is not read.
    _unread: Option<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts the server at `path` on a free port.
    ///
    /// # Panics
    /// If the server does not behave as expected. Every function in this module panics in this case.
    pub fn start(path: &str) -> Self {
        Self::start_with(path, &[])
    }

    /// Starts the server like [`start`](Self::start), with more arguments.
    pub fn start_with(path: &str, arguments: &[&str]) -> Self {
        let (process, out) = spawn(path, arguments);
        let (sender, lines) = channel();
        thread::spawn(move || {
            // The thread ends with the server, or when the `Program` is dropped.
            out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let first = lines.recv_timeout(LIMIT).expect("the server prints the address it listens on");
        Self { process, address: address_in(&first), lines, _unread: None }
    }

    /// Starts the server like [`start`](Self::start), but reads only the first line of its output, through a
    /// small pipe.
    pub fn start_unread(path: &str) -> Self {
        let (process, mut out) = spawn(path, &[]);
        limit_pipe(out.get_ref());
        let mut first = String::new();
        out.read_line(&mut first).expect("the server prints the address it listens on");
        let (_, lines) = channel();
        Self { process, address: address_in(first.trim_end()), lines, _unread: Some(out) }
    }

    /// Runs the program at `path` to its end.
    pub fn run(path: &str, arguments: &[&str]) -> Output {
        Command::new(path).args(arguments).output().expect("the program can be started")
    }

    /// Returns the address the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the server's process identifier.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Connects to the server.
    pub fn connect(&self) -> TcpStream {
        limited(TcpStream::connect(self.address).expect("the server accepts"))
    }

    /// Connects, and returns all bytes up to the server's end of stream.
    pub fn connect_and_read(&self) -> Vec<u8> {
        read_all(&mut self.connect())
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, Signal::INT).expect("the server runs");
    }

    /// Waits for the line `wanted`, and skips all lines before that line.
    pub fn wait_for(&self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(LIMIT);
            if line.unwrap_or_else(|_| panic!("the server has not printed the line {wanted:?}"))
                == wanted
            {
                return;
            }
        }
    }

    /// Waits until the server ends. Returns its status, and the lines that [`wait_for`](Self::wait_for) has
    /// not taken.
    pub fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            match self.process.try_wait().expect("the server can be waited for") {
                Some(status) => break status,
                None => assert!(Instant::now() < deadline, "the server has not ended"),
            }
            thread::sleep(Duration::from_millis(10));
        };
        (status, self.lines.iter().collect())
    }
}

fn spawn(path: &str, arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(path);
    command
        .args(arguments)
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut process = command.spawn().expect("the server can be started");
    let out = BufReader::new(process.stdout.take().expect("its output is piped"));
    (process, out)
}

fn address_in(line: &str) -> SocketAddr {
    let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
    address.unwrap_or_else(|| panic!("the first line is {line:?}"))
}

impl Drop for Program {
    fn drop(&mut self) {
        // If `kill` fails, the process has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sets time limits for the stream's operations.
pub fn limited(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
    stream.set_write_timeout(Some(LIMIT)).expect("a limit can be set");
    stream
}

/// Ends the stream with a reset.
pub fn reset(stream: TcpStream) {
    set_socket_linger(&stream, Some(Duration::ZERO)).expect("an open socket has this option");
}

/// Returns all bytes up to the end of the stream.
pub fn read_all(client: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).expect("the stream ends in order");
    bytes
}

/// Limits a pipe to the size of one page.
#[cfg(target_os = "linux")]
fn limit_pipe(pipe: &ChildStdout) {
    rustix::pipe::fcntl_setpipe_size(pipe, 4096).expect("a pipe can be made smaller");
}

/// Does nothing: on other systems the size of a pipe cannot be set, and a new pipe is small.
#[cfg(not(target_os = "linux"))]
fn limit_pipe(_: &ChildStdout) {}

/// Raises the descriptor limit of this process to the maximum that the system allows. The servers that this process
/// starts have the same limit.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .expect("a limit can be raised to the highest that is allowed");
}
