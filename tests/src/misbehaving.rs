//! Misbehaving clients. They reset connections, send noise or far too much data, stop reading, or stay silent. The
//! server must still serve other clients.

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
pub struct Session<'a> {
    /// The connection.
    pub client: Client,
    /// The server's address, for further connections.
    pub address: SocketAddr,
    /// The request that a well-behaved client sends.
    pub request: &'a str,
    /// The source of the client's random choices.
    pub random: &'a mut Rng,
}

/// A kind of misbehaving client. If the function `act` returns an error, the server has ended the connection.
pub struct Kind {
    /// A short description.
    pub name: &'static str,
    /// Runs the client on a connection.
    pub act: fn(Session<'_>) -> Result<()>,
}

const fn kind(name: &'static str, act: fn(Session<'_>) -> Result<()>) -> Kind {
    Kind { name, act }
}

/// The number of kinds of clients without a pause. These kinds come first in [`KINDS`].
pub const SHORT_LIVED: usize = 8;

/// The number of connections that the kind "connects three hundred times at once" opens.
const MANY: usize = 300;

/// The time limit of each connect, of each wait for an answer, and of each wait until the server accepts output.
const LIMIT: Duration = Duration::from_millis(500);

/// All kinds.
pub const KINDS: [Kind; 20] = [
    kind("ends at once", |mut session| session.client.end()),
    kind("resets at once", |session| session.client.reset()),
    kind("ends within a request", |mut session| session.client.send(half(session.request))),
    kind("resets within a request", |mut session| {
        session.client.send(half(session.request))?;
        session.client.reset()
    }),
    kind("sends binary noise", |mut session| {
        session.client.send(pattern(session.random.u64(..), 2_000))
    }),
    kind("sends zeros and ends of lines", |mut session| {
        session.client.send("\0\r\n\r\n\n\n\r\r")?;
        session.client.reset()
    }),
    kind("sends many requests and reads nothing", |mut session| {
        session.client.send(session.request.repeat(30))
    }),
    kind("sends many requests and resets", |mut session| {
        session.client.send(session.request.repeat(30))?;
        session.client.reset()
    }),
    // The kinds from here on contain pauses, and may take a few seconds.
    kind("sends a byte at a time", |mut session| {
        for byte in session.request.bytes().take(60) {
            session.client.send([byte])?;
            session.pause(10);
        }
        Ok(())
    }),
    kind("sends an overlong line", |mut session| {
        session.client.send("x".repeat(session.random.usize(1_000..200_000)))?;
        session.client.send("\n")?;
        session.client.send(session.request)
    }),
    kind("half-closes and reads to the end", |mut session| {
        session.client.send(session.request)?;
        session.client.end()?;
        while session.client.receive(LIMIT)? == Event::Bytes {}
        Ok(())
    }),
    kind("half-closes and resets", |mut session| {
        session.client.send(session.request)?;
        session.client.end()?;
        session.pause(1_000);
        session.client.reset()
    }),
    kind("sends until the server stops reading", |mut session| {
        session.client.limit_sends(LIMIT)?;
        let bytes = session.request.repeat(1 + (1 << 16) / session.request.len());
        let sent = (0..200).try_for_each(|_| session.client.send(&bytes));
        session.pause(1_000);
        sent
    }),
    kind("reads a byte at a time", |mut session| {
        session.client.send(session.request.repeat(30))?;
        let (mut stream, mut byte) = (session.client.into_stream(), [0]);
        stream.set_read_timeout(Some(LIMIT))?;
        for _ in 0..200 {
            stream.read_exact(&mut byte)?;
            sleep(Duration::from_millis(session.random.u64(..5)));
        }
        Ok(())
    }),
    kind("sends nothing", |mut session| {
        session.pause(3_000);
        Ok(())
    }),
    kind("connects three hundred times at once", |mut session| {
        let connect = |_| TcpStream::connect_timeout(&session.address, LIMIT).ok();
        let all: Vec<_> = (0..MANY).map_while(connect).collect();
        session.client.send(session.request)?;
        session.pause(500);
        drop(all);
        Ok(())
    }),
    kind("connects a hundred times in a row", |session| {
        (0..100).try_for_each(|_| Client::connect(session.address)?.reset())
    }),
    kind("sends urgent data", |mut session| {
        session.client.send(half(session.request))?;
        let stream = session.client.into_stream();
        send(&stream, b"!", SendFlags::OOB).context("urgent data is not sent")?;
        send(&stream, session.request.as_bytes(), SendFlags::NOSIGNAL)?;
        Ok(())
    }),
    kind("has a small window", |mut session| {
        session.client.send(session.request.repeat(30))?;
        let stream = session.client.into_stream();
        set_socket_recv_buffer_size(&stream, 1)?;
        sleep(Duration::from_millis(session.random.u64(..2_000)));
        Ok(())
    }),
    kind("closes its input and sends on", |mut session| {
        for _ in 0..20 {
            session.client.send(session.request)?;
            session.pause(20);
        }
        let stream = session.client.into_stream();
        stream.shutdown(Shutdown::Read)?;
        for _ in 0..20 {
            send(&stream, session.request.as_bytes(), SendFlags::NOSIGNAL)?;
        }
        Ok(())
    }),
];

impl Session<'_> {
    fn pause(&mut self, max_millis: u64) {
        sleep(Duration::from_millis(self.random.u64(..max_millis)));
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

    /// Returns the bytes that a client of this kind sends to a server that reads everything and answers nothing.
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
        let _ = (kind.act)(Session { client, address, request: "request\n", random });
        reading.join().unwrap()
    }

    #[test]
    fn short_lived_clients_behave_as_named() {
        let sent: Vec<_> = KINDS[..SHORT_LIVED].iter().map(sent).collect();
        assert!(sent[0].is_empty() && sent[1].is_empty());
        assert_eq!(sent[2], b"requ");
        assert_eq!(sent[4].len(), 2_000);
        assert_eq!(sent[6], "request\n".repeat(30).as_bytes());
        // Bytes that were sent before a reset may be lost.
        assert!(b"requ".starts_with(&sent[3]), "{:?}", sent[3]);
    }

    #[test]
    fn every_kind_of_client_ends_and_has_a_unique_name() {
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
