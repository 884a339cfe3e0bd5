//! Misbehaving clients, which the code calls rude: they reset connections, send noise or far too much, stop reading,
//! or stay silent. The server must still serve other clients.

use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use rustix::net::{SendFlags, send, sockopt::set_socket_recv_buffer_size};

use crate::gateway::client::{Client, Event};
use crate::pattern::pattern;

/// A connection for a misbehaving client.
pub struct Visit<'a> {
    /// The connection.
    pub client: Client,
    /// The server's address, for further connections.
    pub address: SocketAddr,
    /// The request that a well-behaved client sends.
    pub request: &'a str,
    /// The source of the client's random choices.
    pub random: &'a mut Rng,
}

/// The behaviour of a misbehaving client. An error means that the server has ended the connection.
pub struct Kind {
    /// A short description.
    pub name: &'static str,
    /// Runs the client on a connection.
    pub act: fn(Visit<'_>) -> Result<()>,
}

const fn kind(name: &'static str, act: fn(Visit<'_>) -> Result<()>) -> Kind {
    Kind { name, act }
}

/// The number of kinds at the start of [`KINDS`] that contain no pause.
pub const BRIEF: usize = 8;

/// The number of connections that the kind with many connections opens.
const MANY: usize = 300;

/// How long a client waits for an answer, or for its output to be accepted.
const LIMIT: Duration = Duration::from_millis(500);

/// All kinds.
pub const KINDS: [Kind; 20] = [
    kind("ends at once", |mut visit| visit.client.end()),
    kind("resets at once", |visit| visit.client.reset()),
    kind("ends within a request", |mut visit| visit.client.send(half(visit.request))),
    kind("resets within a request", |mut visit| {
        visit.client.send(half(visit.request))?;
        visit.client.reset()
    }),
    kind("sends binary noise", |mut visit| visit.client.send(pattern(visit.random.u64(..), 2_000))),
    kind("sends zeros and ends of lines", |mut visit| {
        visit.client.send("\0\r\n\r\n\n\n\r\r")?;
        visit.client.reset()
    }),
    kind("asks much and reads nothing", |mut visit| visit.client.send(visit.request.repeat(30))),
    kind("asks much and resets", |mut visit| {
        visit.client.send(visit.request.repeat(30))?;
        visit.client.reset()
    }),
    // The kinds from here on may take a few seconds.
    kind("sends a byte at a time", |mut visit| {
        for byte in visit.request.bytes().take(60) {
            visit.client.send([byte])?;
            visit.pause(10);
        }
        Ok(())
    }),
    kind("sends an overlong line", |mut visit| {
        visit.client.send("x".repeat(visit.random.usize(1_000..200_000)))?;
        visit.client.send("\n")?;
        visit.client.send(visit.request)
    }),
    kind("half-closes and reads to the end", |mut visit| {
        visit.client.send(visit.request)?;
        visit.client.end()?;
        while visit.client.receive(LIMIT)? == Event::Bytes {}
        Ok(())
    }),
    kind("half-closes and resets", |mut visit| {
        visit.client.send(visit.request)?;
        visit.client.end()?;
        visit.pause(1_000);
        visit.client.reset()
    }),
    kind("sends until nothing is taken", |mut visit| {
        visit.client.limit_sends(LIMIT)?;
        let bytes = visit.request.repeat(1 + (1 << 16) / visit.request.len());
        let sent = (0..200).try_for_each(|_| visit.client.send(&bytes));
        visit.pause(1_000);
        sent
    }),
    kind("reads a byte at a time", |mut visit| {
        visit.client.send(visit.request.repeat(30))?;
        let (mut stream, mut byte) = (visit.client.into_stream(), [0]);
        stream.set_read_timeout(Some(LIMIT))?;
        for _ in 0..200 {
            stream.read_exact(&mut byte)?;
            sleep(Duration::from_millis(visit.random.u64(..5)));
        }
        Ok(())
    }),
    kind("says nothing", |mut visit| {
        visit.pause(3_000);
        Ok(())
    }),
    kind("comes three hundred times at once", |mut visit| {
        let connect = |_| TcpStream::connect_timeout(&visit.address, LIMIT).ok();
        let all: Vec<_> = (0..MANY).map_while(connect).collect();
        visit.client.send(visit.request)?;
        visit.pause(500);
        drop(all);
        Ok(())
    }),
    kind("comes a hundred times in a row", |visit| {
        (0..100).try_for_each(|_| Client::connect(visit.address)?.reset())
    }),
    kind("sends urgent data", |mut visit| {
        visit.client.send(half(visit.request))?;
        let stream = visit.client.into_stream();
        send(&stream, b"!", SendFlags::OOB).context("urgent data is not sent")?;
        send(&stream, visit.request.as_bytes(), SendFlags::NOSIGNAL)?;
        Ok(())
    }),
    kind("has a small window", |mut visit| {
        visit.client.send(visit.request.repeat(30))?;
        let stream = visit.client.into_stream();
        set_socket_recv_buffer_size(&stream, 1)?;
        sleep(Duration::from_millis(visit.random.u64(..2_000)));
        Ok(())
    }),
    kind("closes its input and sends on", |mut visit| {
        for _ in 0..20 {
            visit.client.send(visit.request)?;
            visit.pause(20);
        }
        let stream = visit.client.into_stream();
        stream.shutdown(Shutdown::Read)?;
        for _ in 0..20 {
            send(&stream, visit.request.as_bytes(), SendFlags::NOSIGNAL)?;
        }
        Ok(())
    }),
];

impl Visit<'_> {
    fn pause(&mut self, most_millis: u64) {
        sleep(Duration::from_millis(self.random.u64(..most_millis)));
    }
}

fn half(request: &str) -> &[u8] {
    &request.as_bytes()[..request.len() / 2]
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    /// Returns what a kind sends to a server that reads everything and answers nothing.
    fn sent(kind: &Kind) -> Vec<u8> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let client = Client::connect(address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let reading = thread::spawn(move || {
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(amount @ 1..) = server.read(&mut buffer) {
                all.extend_from_slice(&buffer[..amount]);
            }
            all
        });
        let random = &mut Rng::with_seed(1);
        let _ = (kind.act)(Visit { client, address, request: "request\n", random });
        reading.join().unwrap()
    }

    #[test]
    fn brief_kinds_do_what_they_are_called() {
        let sent: Vec<_> = KINDS[..BRIEF].iter().map(sent).collect();
        assert!(sent[0].is_empty() && sent[1].is_empty());
        assert_eq!(sent[2], b"requ");
        assert_eq!(sent[4].len(), 2_000);
        assert_eq!(sent[6], "request\n".repeat(30).as_bytes());
        // Bytes that were sent before a reset may be lost.
        assert!(b"requ".starts_with(&sent[3]), "{:?}", sent[3]);
    }

    #[test]
    fn every_kind_comes_to_an_end_and_has_a_name_of_its_own() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
        thread::scope(|scope| {
            let threads: Vec<_> = KINDS.iter().map(|kind| scope.spawn(|| sent(kind))).collect();
            threads.into_iter().for_each(|thread| drop(thread.join().unwrap()));
        });
    }
}
