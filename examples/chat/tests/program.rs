//! Tests the program as a process on a host.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

use desk::program::{Program, reset};

const CHAT: &str = env!("CARGO_BIN_EXE_chat");

/// The number of slots for clients.
const PLACES: usize = 256;

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

    fn say(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Returns the next line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("{line:?} has no end"));
        line.to_owned()
    }

    /// Returns the next line that does not report a client that joins or leaves.
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
fn lines_go_to_all_others_in_order() {
    let chat = Program::start(CHAT);
    let (mut ann, ann_name) = Client::join(&chat);
    let (mut bob, bob_name) = Client::join(&chat);
    assert_eq!(ann.line(), format!("* {bob_name} is here"));
    let (mut cem, _) = Client::join(&chat);
    for number in 0..100 {
        ann.say(&format!("line {number}"));
    }
    for number in 0..100 {
        bob.expect(&format!("{ann_name}: line {number}"));
        cem.expect(&format!("{ann_name}: line {number}"));
    }
    bob.say("/quit");
    bob.expect_end();
    ann.say("/who");
    let everyone = ann.answer();
    assert!(everyone.contains(&ann_name) && !everyone.contains(&bob_name), "{everyone}");
}

#[test]
fn names_are_kept_apart() {
    let chat = Program::start(CHAT);
    let (mut ann, first_name) = Client::join(&chat);
    let (mut bob, bob_name) = Client::join(&chat);
    ann.say("/name ann");
    ann.expect("* you are ann now");
    bob.expect(&format!("* {first_name} is ann now"));
    bob.say("/name ann");
    bob.expect("* ann is taken");
    bob.say("/name a-name-that-is-too-long");
    bob.expect("* a name has at most 16 bytes");
    bob.say("hello");
    ann.expect(&format!("{bob_name}: hello"));
    ann.say("/who");
    ann.expect(&format!("* here are ann {bob_name}"));
}

#[test]
fn what_is_no_line_of_text_is_refused_and_the_next_line_works() {
    let chat = Program::start(CHAT);
    let (mut ann, ann_name) = Client::join(&chat);
    let (mut bob, _) = Client::join(&chat);
    ann.say(&"x".repeat(257));
    ann.expect("* the line is too long");
    ann.say(&"x".repeat(20_000));
    ann.expect("* the line is too long");
    ann.stream.write_all(b"\xff\xfe\n").unwrap();
    ann.expect("* the line is not UTF-8");
    ann.say("/help");
    ann.expect("* the commands are /name NAME, /who and /quit");
    let longest = "x".repeat(256);
    ann.say(&longest);
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
        ann.say(&line);
        sent += 1;
        let heard = bob.answer();
        if heard != format!("{ann_name}: {line}") {
            break heard;
        }
        assert!(sent < 1_000_000, "it was never dropped");
    };
    assert_eq!(dropped, format!("* {slow_name} was too slow"));
    // The dropped client has lost its connection.
    let mut rest = Vec::new();
    assert!(slow.lines.read_to_end(&mut rest).is_err());
    drop(slow.stream);
}

#[test]
fn further_clients_are_told_that_it_is_full() {
    desk::program::raise_descriptor_limit();
    let chat = Program::start(CHAT);
    let clients: Vec<Client> = (0..PLACES).map(|_| Client::join(&chat).0).collect();
    assert_eq!(chat.visit(), b"* busy\r\n");
    drop(clients);
}

fn leave_rudely(client: Client, number: usize) {
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
fn places_of_rude_clients_come_back() {
    desk::program::raise_descriptor_limit();
    let chat = Program::start(CHAT);
    let (mut ann, _) = Client::join(&chat);
    for number in 0..PLACES + 50 {
        let (client, name) = Client::join(&chat);
        leave_rudely(client, number);
        assert_eq!(ann.line(), format!("* {name} is here"));
        assert_eq!(ann.line(), format!("* {name} has left"));
    }
    ann.say("/who");
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
