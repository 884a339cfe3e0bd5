//! Tests the program as a process on a host.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

use desk::program::{Program, reset};

const CHAT: &str = env!("CARGO_BIN_EXE_chat");

/// The number of slots for clients.
const SLOTS: usize = 256;

struct Client {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Client {
    /// Connects and reads the first line. Returns the client and its name.
    fn join(chat: &Program) -> (Self, String) {
        let stream = chat.connect();
        let mut client = Self { lines: BufReader::new(stream.try_clone().unwrap()), stream };
        let line = client.line();
        let name = line.strip_prefix("* you are ").unwrap_or_else(|| panic!("{line:?}"));
        let name = name.to_owned();
        (client, name)
    }

    fn send(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Returns the next line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("{line:?} has no end"));
        line.to_owned()
    }

    /// Skips lines that report that a client joined or left. Returns the next line of any other content.
    fn answer(&mut self) -> String {
        loop {
            let line = self.line();
            if !line.ends_with(" is here") && !line.ends_with(" has left") {
                return line;
            }
        }
    }

    fn expect(&mut self, expected: &str) {
        assert_eq!(self.answer(), expected);
    }

    fn expect_end(&mut self) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn a_line_is_sent_to_all_other_clients_in_order() {
    let chat = Program::start(CHAT);
    let (mut ann, ann_name) = Client::join(&chat);
    let (mut bob, bob_name) = Client::join(&chat);
    assert_eq!(ann.line(), format!("* {bob_name} is here"));
    let (mut cem, _) = Client::join(&chat);
    for number in 0..100 {
        ann.send(&format!("line {number}"));
    }
    for number in 0..100 {
        bob.expect(&format!("{ann_name}: line {number}"));
        cem.expect(&format!("{ann_name}: line {number}"));
    }
    bob.send("/quit");
    bob.expect_end();
    ann.send("/who");
    let names = ann.answer();
    assert!(names.contains(&ann_name) && !names.contains(&bob_name), "{names}");
}

#[test]
fn two_clients_cannot_have_the_same_name() {
    let chat = Program::start(CHAT);
    let (mut ann, first_name) = Client::join(&chat);
    let (mut bob, bob_name) = Client::join(&chat);
    ann.send("/name ann");
    ann.expect("* you are ann now");
    bob.expect(&format!("* {first_name} is ann now"));
    bob.send("/name ann");
    bob.expect("* ann is taken");
    bob.send("/name a-name-that-is-too-long");
    bob.expect("* a name has at most 16 bytes");
    bob.send("hello");
    ann.expect(&format!("{bob_name}: hello"));
    ann.send("/who");
    ann.expect(&format!("* here are ann {bob_name}"));
}

#[test]
fn an_invalid_line_is_refused_and_the_next_line_works() {
    let chat = Program::start(CHAT);
    let (mut ann, ann_name) = Client::join(&chat);
    let (mut bob, _) = Client::join(&chat);
    ann.send(&"x".repeat(257));
    ann.expect("* the line is too long");
    ann.send(&"x".repeat(20_000));
    ann.expect("* the line is too long");
    ann.stream.write_all(b"\xff\xfe\n").unwrap();
    ann.expect("* the line is not UTF-8");
    ann.send("/help");
    ann.expect("* the commands are /name NAME, /who and /quit");
    let longest = "x".repeat(256);
    ann.send(&longest);
    bob.expect(&format!("{ann_name}: {longest}"));
}

#[test]
fn a_client_that_reads_nothing_is_dropped_and_delays_no_other() {
    let chat = Program::start(CHAT);
    let (mut slow, slow_name) = Client::join(&chat);
    let (mut ann, ann_name) = Client::join(&chat);
    let (mut bob, _) = Client::join(&chat);
    let line = "x".repeat(250);
    let mut sent = 0;
    // The system's buffers take some megabytes before the server's ring becomes full.
    let dropped = loop {
        ann.send(&line);
        sent += 1;
        let received = bob.answer();
        if received != format!("{ann_name}: {line}") {
            break received;
        }
        assert!(sent < 1_000_000, "it was never dropped");
    };
    assert_eq!(dropped, format!("* {slow_name} was too slow"));
    // The connection of the dropped client is reset.
    let mut rest = Vec::new();
    assert!(slow.lines.read_to_end(&mut rest).is_err());
    drop(slow.stream);
}

#[test]
fn a_client_of_a_full_server_receives_the_busy_line() {
    desk::program::raise_descriptor_limit();
    let chat = Program::start(CHAT);
    let clients: Vec<Client> = (0..SLOTS).map(|_| Client::join(&chat).0).collect();
    assert_eq!(chat.connect_and_read(), b"* busy\r\n");
    drop(clients);
}

fn misbehave(client: Client, number: usize) {
    let Client { mut stream, lines } = client;
    drop(lines);
    match number % 4 {
        0 => reset(stream),
        1 => stream.write_all(b"half a line").unwrap(),
        2 => stream.shutdown(Shutdown::Write).unwrap(),
        _ => stream.write_all(b"/quit\n").unwrap(),
    }
}

#[test]
fn slots_of_misbehaving_clients_become_free() {
    desk::program::raise_descriptor_limit();
    let chat = Program::start(CHAT);
    let (mut ann, _) = Client::join(&chat);
    for number in 0..SLOTS + 50 {
        let (client, name) = Client::join(&chat);
        misbehave(client, number);
        assert_eq!(ann.line(), format!("* {name} is here"));
        assert_eq!(ann.line(), format!("* {name} has left"));
    }
    ann.send("/who");
    assert_eq!(ann.line().split(' ').count(), 4);
}

#[test]
fn an_interrupt_ends_the_server() {
    let chat = Program::start(CHAT);
    let _client = Client::join(&chat);
    chat.interrupt();
    let (status, lines) = chat.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(lines.last().map(String::as_str), Some("done"));
}
