//! The chapters of the tutorial show the programs as they are here, and the programs do what the chapters say.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Each chapter, and the files that it shows. Their paths are relative to the top of the repository.
const SHOWN: [(&str, &[&str]); 5] = [
    ("1-a-timer.md", &["examples/tutorial/src/bin/timer.rs"]),
    ("2-a-server.md", &["examples/tutorial/src/bin/server.rs"]),
    ("3-a-client.md", &["examples/tutorial/src/bin/client.rs"]),
    (
        "4-on-a-board.md",
        &[
            "examples/tutorial/src/lib.rs",
            "examples/tutorial/src/main.rs",
            "examples/boards/qemu-mps2-an385/src/bin/tutorial.rs",
        ],
    ),
    ("5-a-bug.md", &["examples/tutorial/tests/simulation.rs"]),
];

/// Files that a chapter shows in part: chapter 4 omits the lines that chapter 5 adds, and chapter 5 shows only the
/// middle of a test.
const IN_PART: [&str; 2] =
    ["examples/tutorial/src/lib.rs", "examples/tutorial/tests/simulation.rs"];

/// Returns the blocks of Rust in a text, in order.
fn programs(text: &str) -> Vec<&str> {
    let blocks = text.split("```rust").skip(1);
    blocks
        .map(|block| block.split_once('\n').expect("the fence has a line").1)
        .map(|block| block.split("```").next().expect("split has a first"))
        .collect()
}

#[test]
fn chapters_show_the_current_programs() {
    for (chapter, files) in SHOWN {
        let text = fs::read_to_string(root().join("docs/tutorial").join(chapter)).expect(chapter);
        let programs = programs(&text);
        for (index, file) in files.iter().enumerate() {
            let source = fs::read_to_string(root().join(file)).expect(file);
            let shown = programs.get(index).unwrap_or_else(|| panic!("{chapter} lacks {file}"));
            if !IN_PART.contains(file) {
                assert_eq!(*shown, source, "{chapter} and {file} differ");
            }
            let mut lines = source.lines();
            for line in shown.lines() {
                assert!(
                    lines.any(|source_line| source_line == line),
                    "{chapter}: {file} lacks {line:?} there"
                );
            }
        }
        assert_eq!(programs.len(), files.len(), "{chapter} has other blocks of Rust");
    }
}

/// A program of the tutorial, killed at the end of its test.
struct Program {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Program {
    fn start(path: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(path)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the program writes text");
        line.trim_end().to_owned()
    }

    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("the program writes text");
        rest
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends lines to a server, then shuts down the sending direction of the connection. Returns everything that the server
/// sends until it closes the connection.
fn exchange(address: &str, lines: &str) -> String {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(LIMIT)).expect("it is a socket");
    (&stream).write_all(lines.as_bytes()).expect("the server reads");
    stream.shutdown(std::net::Shutdown::Write).expect("it is open");
    let mut answers = String::new();
    (&stream).read_to_string(&mut answers).expect("the server answers");
    answers
}

fn address_of(program: &mut Program) -> String {
    let line = program.line();
    line.strip_prefix("listening on ").expect("it prints the address it listens on").to_owned()
}

#[test]
fn the_timer_fires_three_times() {
    let mut timer = Program::start(env!("CARGO_BIN_EXE_timer"), &[]);
    for tick in 1..=3 {
        assert!(timer.line().starts_with(&format!("tick {tick} at ")));
    }
    assert_eq!(timer.rest(), "nothing is left to wait for\n");
    assert!(timer.child.wait().expect("it has ended").success());
}

#[test]
fn the_servers_add_up_numbers() {
    for program in [env!("CARGO_BIN_EXE_server"), env!("CARGO_BIN_EXE_tutorial")] {
        let mut server = Program::start(program, &["127.0.0.1:0"]);
        let address = address_of(&mut server);
        assert_eq!(
            exchange(&address, "5\n7\nseven\n99999999999999999999\n"),
            "5\n12\na number?\na number?\n"
        );
        assert_eq!(exchange(&address, "1\n"), "13\n");
    }
}

#[test]
fn the_client_connects_again() {
    let mut server = Program::start(env!("CARGO_BIN_EXE_server"), &["127.0.0.1:0"]);
    let address = address_of(&mut server);
    let mut client = Program::start(env!("CARGO_BIN_EXE_client"), &[&address]);
    assert_eq!(client.line(), "connected");
    assert_eq!(client.line(), "the sum is 1");
    assert_eq!(client.line(), "the sum is 2");

    drop(server);
    loop {
        let line = client.line();
        if line.starts_with("not connected (") {
            break;
        }
        assert!(line.starts_with("the sum is "), "{line}");
    }
    let mut server = Program::start(env!("CARGO_BIN_EXE_server"), &[&address]);
    assert_eq!(address_of(&mut server), address);
    loop {
        let line = client.line();
        if line == "the sum is 1" {
            break;
        }
        assert!(line == "connected" || line.starts_with("not connected ("), "{line}");
    }
}
