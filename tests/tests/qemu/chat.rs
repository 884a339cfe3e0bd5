//! Tests that the example `chat` sends each line to all other clients, and drops a client that does not read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};

use anyhow::{Context, Result, ensure};
use picoevent_tests::board::{ADDRESS, Board, LIMIT};
use picoevent_tests::client::Plan;
use xtask::qemu::Machine;

const PORT: u16 = 9997;
/// The maximum number of clients that the board serves at once.
const SLOTS: usize = 4;

/// A client that reads.
struct Client {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
    name: String,
}

impl Client {
    fn join(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        let lines = BufReader::new(stream.try_clone()?);
        let mut client = Self { stream, lines, name: String::new() };
        let line = client.line()?;
        client.name = line.strip_prefix("* you are ").context(line.clone())?.to_owned();
        Ok(client)
    }

    fn send_line(&mut self, line: &str) -> Result<()> {
        Ok(self.stream.write_all(format!("{line}\n").as_bytes())?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(line.strip_suffix("\r\n").with_context(|| format!("{line:?} has no end"))?.to_owned())
    }

    fn expect(&mut self, expected: &str) -> Result<()> {
        let line = self.line()?;
        ensure!(line == expected, "{line:?} came instead of {expected:?}");
        Ok(())
    }
}

fn lines_go_to_all_others_in_order(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "chat")?;
    let address = board.forward(PORT)?;
    let outcome = board.attend(|_| {
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..SLOTS {
            let client = Client::join(address)?;
            for other in &mut clients {
                other.expect(&format!("* {} is here", client.name))?;
            }
            clients.push(client);
        }
        // The board cannot serve one more client.
        let mut refused = TcpStream::connect_timeout(&address, LIMIT)?;
        refused.set_read_timeout(Some(LIMIT))?;
        let mut text = String::new();
        refused.read_to_string(&mut text)?;
        ensure!(text == "* busy\r\n", "{text:?}");
        for round in 0..50 {
            for sender in 0..SLOTS {
                let line = format!("{} says this in round {round}", clients[sender].name);
                clients[sender].send_line(&line)?;
                let expected = format!("{}: {line}", clients[sender].name);
                for receiver in (0..SLOTS).filter(|receiver| *receiver != sender) {
                    clients[receiver].expect(&expected)?;
                }
            }
        }
        let mut leaving = clients.remove(0);
        leaving.send_line("/quit")?;
        let mut rest = String::new();
        leaving.lines.read_to_string(&mut rest)?;
        ensure!(rest.is_empty(), "{rest:?}");
        for other in &mut clients {
            other.expect(&format!("* {} has left", leaving.name))?;
        }
        clients[0].send_line("/who")?;
        let names: Vec<_> = clients.iter().map(|client| client.name.clone()).collect();
        let line = clients[0].line()?;
        ensure!(names.iter().all(|name| line.contains(name)), "{names:?}: {line:?}");
        ensure!(!line.ends_with(&leaving.name), "{line:?}");
        Ok(())
    });
    outcome.map_err(|error: anyhow::Error| error.context(board.report()))?;
    board.interrupt()
}

fn a_client_that_does_not_read_is_dropped(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "chat")?;
    let address = board.forward(PORT)?;
    // This client connects before the other clients, so its name is guest1.
    let not_reading = Plan::non_reader(b"/name mute\n".to_vec());
    board.peer.connect(SocketAddrV4::new(ADDRESS, PORT), not_reading);
    let outcome = board.attend(|_| {
        let (mut sender, mut receiver) = (Client::join(address)?, Client::join(address)?);
        loop {
            // The first segment of the client that does not read changes its name to `mute`. This segment may arrive
            // before or after the other clients have joined.
            receiver.send_line("/who")?;
            if receiver.line()?.contains(" mute") {
                break;
            }
        }
        let line = "x".repeat(200);
        let (mut received, mut dropped) = (0, false);
        for count in 1..=100 {
            sender.send_line(&line)?;
            while received < count {
                let received_line = receiver.line()?;
                match received_line == format!("{}: {line}", sender.name) {
                    true => received += 1,
                    false if received_line == "* mute was too slow" => dropped = true,
                    false => ensure!(received_line.ends_with("is mute now"), "{received_line:?}"),
                }
            }
        }
        ensure!(dropped, "it stayed, though it read none of 100 lines");
        Ok(())
    });
    outcome.map_err(|error: anyhow::Error| error.context(board.report()))?;
    board.interrupt()
}

on_each_cortex_m3!(lines_go_to_all_others_in_order, a_client_that_does_not_read_is_dropped);
