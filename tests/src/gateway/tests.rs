//! Tests that the check detects errors. They run parts of the check against servers that answer wrongly.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

use super::collector::AnswerMode;
use super::*;

/// Serves connections on a free port. `answer` returns the answer to each line. The thread of a connection ends with
/// the connection, and the thread that accepts connections ends with the process.
fn server(answer: fn(&str) -> String) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            thread::spawn(move || {
                for line in lines.map_while(Result::ok) {
                    if stream.write_all(answer(&line).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn gateway(answer: fn(&str) -> String) -> Gateway<'static> {
    let address = server(answer);
    let ports = [address.port(); 2];
    Gateway { console: address, status: address, discovery: address, ports, press: &|| Ok(()) }
}

/// Runs the check with this name on the gateway. Returns the error of the check.
#[track_caller]
fn failure(name: &str, gateway: &Gateway<'_>) -> String {
    let mut checks = console::CHECKS.into_iter().chain(status::CHECKS);
    let (_, check) = checks.find(|(known, _)| *known == name).unwrap();
    format!("{:#}", check(gateway).unwrap_err())
}

#[test]
fn a_wrong_answer_is_shown_with_what_was_sent_and_expected() {
    let gateway = gateway(|line| match line {
        "get samples" => "7\r\n".to_owned(),
        _ => "ok\r\n".to_owned(),
    });
    let error = failure("console: refusals", &gateway);
    for part in
        ["sent \"get samples\\nhelp\\n\"", "expected \"error: get KEY", "received \"ok\\r\\n"]
    {
        assert!(error.contains(part), "{error}");
    }
    let error = failure("console: store", &gateway);
    assert!(error.contains("error: no room"), "{error}");
}

#[test]
fn a_client_without_an_answer_does_not_wait_for_ever() {
    let mut client = client::Client::connect(server(|_| String::new())).unwrap();
    client.send("get nothing\n").unwrap();
    let error = client.line(Duration::from_millis(100)).unwrap_err();
    assert!(format!("{error:#}").starts_with("Nothing: sent \"get nothing"), "{error:#}");
}

#[test]
fn a_body_of_another_form_is_refused() {
    let gateway = gateway(|line| {
        let body = "{\"temp\":1,\"samples\":2}\n";
        let header = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
        if line.is_empty() {
            format!("{header}{}\r\n\r\n{body}", body.len())
        } else {
            String::new()
        }
    });
    let error = failure("status: keep-alive", &gateway);
    assert!(error.contains("the body is") && error.contains("samples"), "{error}");
}

#[test]
fn a_client_that_is_served_beyond_the_limit_is_detected() {
    let address = server(|_| "1\r\n".to_owned());
    let limit = Duration::from_millis(100);
    let error = console::refused_within(address, b"busy\r\n", limit).unwrap_err();
    assert!(format!("{error:#}").contains("busy"), "{error:#}");
}

/// Sends these lines to a collector, one at a time. For a line `-`, ends the connection and opens a new connection.
fn reported(collector: &Collector, lines: &str) -> collector::Record {
    let mut uplink = client::Client::connect(collector.address()).unwrap();
    for line in lines.lines() {
        if line == "-" {
            let count = collector.record().connections.len();
            drop(uplink);
            let ended = |record: &collector::Record| !record.is_up();
            collector.wait_for("end", client::LIMIT, ended).unwrap();
            uplink = client::Client::connect(collector.address()).unwrap();
            let more = |record: &collector::Record| record.connections.len() > count;
            collector.wait_for("connection", client::LIMIT, more).unwrap();
        } else {
            uplink.send(format!("{line}\n")).unwrap();
            // Any answer shows that the collector has received the line.
            uplink.line_of_collector().unwrap();
        }
    }
    collector.record()
}

#[test]
fn a_collector_counts_missing_and_repeated_records() {
    let collector = Collector::start().unwrap();
    let record =
        reported(&collector, "S 5 1000 20\nS 6 2000 21\nH 1\n-\nS 6 2000 21\nS 9 3000 7 F");
    assert!(record.check().is_ok(), "{record}");
    assert_eq!((record.skipped, record.again, record.confirmed), (2, 1, Some(9)));
    assert!(record.samples[&9].forced);

    let collector = Collector::start().unwrap();
    collector.answer(AnswerMode::OtherText);
    let record = reported(&collector, "S 1 1 1\nS 2 2 2\n-\nS 2 2 2");
    assert_eq!((record.skipped, record.again, record.confirmed), (0, 1, None));
}

#[test]
fn a_collector_refuses_other_orders_and_other_lines() {
    // The test sends far more heart-beats than a gateway could send during the test, even on a busy host.
    let beats: String = (1..50).map(|count| format!("H {count}\n")).collect();
    for (lines, fault) in [
        ("S 2 1 1\nS 1 2 1", "after sample Some(2)"),
        ("S 1 5 1\nS 2 4 1", "earlier than sample 1"),
        ("S 1 1 1\n-\nS 1 1 2", "which was Sample"),
        ("S 1 1", "without its value"),
        ("S 1 1 1 G", "another mark"),
        ("X", "neither a sample nor a heart-beat"),
        ("H 1\nH 3", "after heart-beat 1"),
        (&beats, "after the connection began"),
    ] {
        let collector = Collector::start().unwrap();
        let error = reported(&collector, lines).check().unwrap_err().to_string();
        assert!(error.contains(fault), "{lines:?} gives {error}");
    }
}

#[test]
fn a_collector_can_restart_on_its_port_and_can_stop_reading() {
    let mut collector = Collector::start().unwrap();
    for how in [collector::EndBy::Close, collector::EndBy::Reset] {
        assert!(client::Client::connect(collector.address()).is_ok());
        collector.end(how);
        assert!(client::Client::connect(collector.address()).is_err());
        collector.restart().unwrap();
    }
    collector.end(collector::EndBy::Close);
    let full = collector::FullListener::start(collector.address()).unwrap();
    let limit = Duration::from_millis(100);
    let error = std::net::TcpStream::connect_timeout(&collector.address(), limit).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    drop(full);
    collector.restart().unwrap();
}

#[test]
fn a_program_prints_its_addresses_and_gets_the_address_of_the_collector() {
    let script = "echo discovery on 127.0.0.1:3; echo status on 127.0.0.1:2; echo console on 127.0.0.1:1; \
         echo $0 >&2; exec sleep 60";
    let command = |collector: SocketAddr| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, &collector.to_string()]);
        command
    };
    let outcome = program::with(command, |gateway, collector| {
        (gateway.press)()?;
        let (console, status, ports) = (gateway.console, gateway.status, gateway.ports);
        let (discovery, is_up) = (gateway.discovery, collector.record().is_up());
        anyhow::bail!("{console} {status} {discovery} {ports:?} {is_up}")
    });
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "127.0.0.1:1 127.0.0.1:2 127.0.0.1:3 [1, 2] false"
    );

    let error = program::with(|_| std::process::Command::new("true"), |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("has ended too early"), "{error}");
}

/// Answers each datagram with the result of `answer`. The thread that does this ends with the process.
fn datagrams(answer: fn(&[u8]) -> Option<&'static str>) -> SocketAddr {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut datagram = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut datagram) {
            if let Some(answer) = answer(&datagram[..length]) {
                let _ = socket.send_to(answer.as_bytes(), from);
            }
        }
    });
    address
}

#[test]
fn wrong_ports_and_unrelated_answers_in_discovery_are_detected() {
    let failure = |number: usize, answer| {
        let gateway =
            Gateway { discovery: datagrams(answer), ports: [1, 2], ..gateway(|_| String::new()) };
        let (_, check) = discovery::CHECKS[number];
        check(&gateway).map_err(|error| format!("{error:#}"))
    };
    let right = |request: &[u8]| (request == b"discover").then_some("me console=1 status=2");
    assert_eq!((failure(0, right), failure(1, right)), (Ok(()), Ok(())));
    let error = failure(0, |_| Some("me console=2 status=2")).unwrap_err();
    assert!(error.contains("ports 1 and 2 are not in"), "{error}");
    let error = failure(1, |_| Some("me console=1 status=2")).unwrap_err();
    assert!(error.starts_with("\"\" was answered with"), "{error}");
    let cut = |request: &[u8]| request.starts_with(b"discover").then_some("me console=1 status=2");
    let error = failure(1, cut).unwrap_err();
    assert!(error.starts_with("\"discovery\" was answered with"), "{error}");
}
