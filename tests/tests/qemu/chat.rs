//! The example `chat` passes each line to all other clients, and drops a client that does not read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};

use anyhow::{Context, Result, ensure};
use picoevent_tests::board::{ADDRESS, Board, LIMIT};
use picoevent_tests::client::Plan;
use xtask::qemu::Machine;

const PORT: u16 = 9997;
/// The maximum number of clients that the board serves at once.
const PLACES: usize = 4;

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

    fn say(&mut self, line: &str) -> Result<()> {
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
        for _ in 0..PLACES {
            let client = Client::join(address)?;
            for other in &mut clients {
                other.expect(&format!("* {} is here", client.name))?;
            }
            clients.push(client);
        }
        // The board has no room for one more client.
        let mut refused = TcpStream::connect_timeout(&address, LIMIT)?;
        refused.set_read_timeout(Some(LIMIT))?;
        let mut text = String::new();
        refused.read_to_string(&mut text)?;
        ensure!(text == "* busy\r\n", "{text:?}");
        for round in 0..50 {
            for talker in 0..PLACES {
                let line = format!("{} says this in round {round}", clients[talker].name);
                clients[talker].say(&line)?;
                let expected = format!("{}: {line}", clients[talker].name);
                for listener in (0..PLACES).filter(|listener| *listener != talker) {
                    clients[listener].expect(&expected)?;
                }
            }
        }
        let mut leaves = clients.remove(0);
        leaves.say("/quit")?;
        let mut rest = String::new();
        leaves.lines.read_to_string(&mut rest)?;
        ensure!(rest.is_empty(), "{rest:?}");
        for other in &mut clients {
            other.expect(&format!("* {} has left", leaves.name))?;
        }
        clients[0].say("/who")?;
        let names: Vec<_> = clients.iter().map(|client| client.name.clone()).collect();
        let line = clients[0].line()?;
        ensure!(names.iter().all(|name| line.contains(name)), "{names:?}: {line:?}");
        ensure!(!line.ends_with(&leaves.name), "{line:?}");
        Ok(())
    });
    outcome.map_err(|error: anyhow::Error| error.context(board.story()))?;
    board.interrupt()
}

fn a_client_that_does_not_read_is_dropped(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "chat")?;
    let address = board.forward(PORT)?;
    // This client connects before the other clients, so its name is guest1.
    let mute = Plan::non_reader(b"/name mute\n".to_vec());
    board.peer.connect(SocketAddrV4::new(ADDRESS, PORT), mute);
    let outcome = board.attend(|_| {
        let (mut talker, mut listener) = (Client::join(address)?, Client::join(address)?);
        loop {
            // The first segment of the client that does not read changes its name to `mute`. It may arrive before or
            // after the other clients have joined.
            listener.say("/who")?;
            if listener.line()?.contains(" mute") {
                break;
            }
        }
        let line = "x".repeat(200);
        let (mut heard, mut dropped) = (0, false);
        for said in 1..=100 {
            talker.say(&line)?;
            while heard < said {
                let came = listener.line()?;
                match came == format!("{}: {line}", talker.name) {
                    true => heard += 1,
                    false if came == "* mute was too slow" => dropped = true,
                    false => ensure!(came.ends_with("is mute now"), "{came:?}"),
                }
            }
        }
        ensure!(dropped, "it stayed, though it read none of 100 lines");
        Ok(())
    });
    outcome.map_err(|error: anyhow::Error| error.context(board.story()))?;
    board.interrupt()
}

on_each_cortex_m3!(lines_go_to_all_others_in_order, a_client_that_does_not_read_is_dropped);
