//! The example `chat` with misbehaving clients. Before and after the misbehaving clients, the program must serve its
//! maximum number of good clients, and these clients must receive each other's lines.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};

use super::Soak;
use super::crowd;
use super::program::Program;
use crate::gateway::client::{Client, Event, LIMIT, until_served};

/// The maximum number of clients that the program serves when it runs on a host.
const SLOTS: usize = 256;

/// The number of clients that send lines.
const SPEAKERS: usize = 3;

const REQUEST: &str = "/who\nhello there\n/name somebody\n";

/// Runs the case.
pub fn run(soak: &Soak) -> Result<()> {
    let program = Program::start(&soak.program("chat"), &[])?;
    crowd::check_service(program, REQUEST, soak.crowd_duration(), soak.seed(), normal)
}

fn normal(address: SocketAddr) -> Result<()> {
    let mut clients = Vec::new();
    for index in 0..SLOTS {
        let client = until_served(|| try_join(address));
        clients.push(client.with_context(|| format!("after {index} of {SLOTS} slots"))?);
    }
    for speaker in 0..SPEAKERS {
        let line = format!("this is client {speaker}");
        clients[speaker].send(format!("{line}\n"))?;
        for (number, client) in clients.iter_mut().enumerate() {
            if number != speaker {
                skip_to(client, |received| received.ends_with(&line))?;
            }
        }
    }
    for mut client in clients {
        client.send("/quit\n")?;
        // Messages may arrive before the end of stream, because other clients have left.
        loop {
            match client.receive(LIMIT)? {
                Event::Bytes => {}
                Event::End => break,
                event => return Err(client.mismatch("the end").context(format!("{event:?}"))),
            }
        }
    }
    Ok(())
}

/// Connects once. Returns `None` if the connection fails, or the program answers that it is busy.
fn try_join(address: SocketAddr) -> Result<Option<Client>> {
    let Ok(mut client) = Client::connect(address) else { return Ok(None) };
    match client.line(LIMIT)? {
        line if line.starts_with("* you are ") => Ok(Some(client)),
        line if line == "* busy" => Ok(None),
        line => bail!("a client is received with {line:?}"),
    }
}

fn skip_to(client: &mut Client, wanted: impl Fn(&str) -> bool) -> Result<()> {
    while !wanted(&client.line(LIMIT)?) {}
    Ok(())
}
