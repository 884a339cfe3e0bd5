//! A peer: one socket of `std`, which does not block.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_linger;

use crate::stage::{Ending, Heard};

pub(super) struct Peer {
    /// Waits for the device's connect.
    listener: Option<TcpListener>,
    stream: Option<TcpStream>,
    reads: bool,
    heard: Heard,
}

impl Peer {
    /// Makes a peer that accepts one connection.
    pub(super) fn host(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a socket");
        Self { listener: Some(listener), stream: None, reads: true, heard: Heard::default() }
    }

    /// Makes a peer that has connected, or was refused.
    pub(super) fn client(connected: Result<TcpStream, Errno>) -> Self {
        let ending = match connected {
            Ok(_) => None,
            Err(Errno::CONNREFUSED) => Some(Ending::Reset),
            Err(error) => panic!("the peer cannot connect: {error}"),
        };
        let heard = Heard { bytes: Vec::new(), ending };
        let stream = connected.ok();
        if let Some(stream) = &stream {
            stream.set_nonblocking(true).expect("a socket");
            stream.set_nodelay(true).expect("a socket");
        }
        Self { listener: None, stream, reads: false, heard }
    }

    pub(super) fn read(&mut self) {
        self.reads = true;
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        let sent = self.stream().write(bytes);
        assert_eq!(sent.expect("the system has room"), bytes.len());
    }

    pub(super) fn finish(&mut self) {
        self.stream().shutdown(Shutdown::Write).expect("it is connected");
    }

    pub(super) fn close(&mut self) {
        self.heard();
        self.stream = None;
    }

    pub(super) fn reset(&mut self) {
        set_socket_linger(self.stream(), Some(Duration::ZERO)).expect("a socket");
        self.stream = None;
    }

    /// Reads what has arrived, if the peer reads. Returns all that it has heard so far.
    pub(super) fn heard(&mut self) -> Heard {
        self.accept();
        if let Some(stream) = self.stream.as_mut().filter(|_| self.reads) {
            while self.heard.ending.is_none() {
                let mut part = [0; 65_536];
                match stream.read(&mut part) {
                    Ok(0) => self.heard.ending = Some(Ending::End),
                    Ok(amount) => self.heard.bytes.extend_from_slice(&part[..amount]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                        self.heard.ending = Some(Ending::Reset);
                    }
                    Err(error) => panic!("the peer cannot read: {error}"),
                }
            }
        }
        self.heard.clone()
    }

    fn stream(&mut self) -> &mut TcpStream {
        self.accept();
        self.stream.as_mut().expect("the peer is connected")
    }

    fn accept(&mut self) {
        let Some(listener) = &self.listener else { return };
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true).expect("a socket");
                (self.stream, self.listener) = (Some(stream), None);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("the peer cannot accept: {error}"),
        }
    }
}
