//! Tests the program as a process, with a broker that runs in the test.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

use desk::program::{LIMIT, Program};
use rustix::process::{Pid, Signal, kill_process};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mqtt-button");

/// A running program.
struct Button {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Button {
    fn start(broker: &TcpListener) -> Self {
        let address = broker.local_addr().unwrap().to_string();
        let mut command = Command::new(PROGRAM);
        command.args(["--broker", &address]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    fn press(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    fn interrupt(&self) {
        let process = Pid::from_child(&self.process);
        kill_process(process, Signal::INT).unwrap();
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Button {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Accepts the client and answers its CONNECT.
fn accept(broker: &TcpListener, session_present: bool) -> TcpStream {
    let (mut client, _) = broker.accept().unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(packet(&mut client).0, 0x10);
    client.write_all(&[0x20, 3, u8::from(session_present), 0, 0]).unwrap();
    client
}

/// Reads a short packet. Returns the packet's first byte and body.
fn packet(client: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    client.read_exact(&mut head).unwrap();
    let mut body = vec![0; head[1].into()];
    client.read_exact(&mut body).unwrap();
    (head[0], body)
}

/// Skips packets until a PUBLISH with the first byte `first`. Returns the packet identifier and the last byte of this
/// PUBLISH.
fn published(client: &mut TcpStream, first: u8) -> ([u8; 2], u8) {
    loop {
        let (kind, body) = packet(client);
        if kind == first {
            let topic = 2 + usize::from(body[1]);
            return ([body[topic], body[topic + 1]], *body.last().unwrap());
        }
    }
}

#[test]
fn presses_while_the_broker_is_offline_arrive_later() {
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut button = Button::start(&broker);
    let mut client = accept(&broker, false);
    assert_eq!(button.line(), "The broker has answered.");
    button.press();
    assert_eq!(button.line(), "Press 1.");
    let ([high, low], count) = published(&mut client, 0x32);
    assert_eq!(count, b'1');
    client.write_all(&[0x40, 2, high, low]).unwrap();
    button.press();
    assert_eq!(button.line(), "Press 2.");
    let (second, count) = published(&mut client, 0x32);
    assert_eq!(count, b'2');
    // The connection ends before the acknowledgement.
    drop(client);
    assert!(button.line().starts_with("The broker is gone: "));
    button.press();
    assert_eq!(button.line(), "Press 3.");
    let mut client = accept(&broker, true);
    assert_eq!(published(&mut client, 0x3A), (second, b'2'), "again");
    assert_eq!(published(&mut client, 0x32).1, b'3');
}

#[test]
fn the_topic_lamp_switches_the_lamp() {
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut button = Button::start(&broker);
    let mut client = accept(&broker, false);
    assert_eq!(button.line(), "The broker has answered.");
    for (payload, line) in [(&b"on"[..], "The lamp is on."), (b"off", "The lamp is off.")] {
        let body = [&[0, 11][..], b"button/lamp", &[0], payload].concat();
        client.write_all(&[0x30, body.len() as u8]).unwrap();
        client.write_all(&body).unwrap();
        assert_eq!(button.line(), line);
    }
}

#[test]
fn an_interrupt_publishes_the_state_and_ends_the_program() {
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut button = Button::start(&broker);
    let mut client = accept(&broker, false);
    assert_eq!(button.line(), "The broker has answered.");
    button.interrupt();
    assert_eq!(button.line(), "Caught an interrupt signal.");
    let mut kinds = Vec::new();
    while kinds.last() != Some(&0xE0) {
        let (kind, body) = packet(&mut client);
        kinds.push(kind);
        assert!(kind != 0x31 || body.ends_with(b"online") || body.ends_with(b"gone"));
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == 0x31).count(), 2, "{kinds:02x?}");
    drop(client);
    assert_eq!(button.line(), "done");
    assert!(button.process.wait().unwrap().success());
}

#[test]
fn a_wrong_command_line_is_an_error_of_one_line() {
    let output = Program::run(PROGRAM, &["--broker", "nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: --broker: \"nowhere\" is not"), "{stderr}");
}
