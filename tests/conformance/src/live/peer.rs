//! A peer: one non-blocking socket of `std`.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_linger;

use crate::harness::{Ending, Received};

pub(super) struct Peer {
    /// The listener, until the device has connected.
    listener: Option<TcpListener>,
    stream: Option<TcpStream>,
    is_reading: bool,
    received: Received,
}

impl Peer {
    /// Makes a peer that accepts one connection.
    pub(super) fn listening(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a socket");
        Self {
            listener: Some(listener),
            stream: None,
            is_reading: true,
            received: Received::default(),
        }
    }

    /// Makes a peer that has connected, or was refused.
    pub(super) fn client(connected: Result<TcpStream, Errno>) -> Self {
        let ending = match connected {
            Ok(_) => None,
            Err(Errno::CONNREFUSED) => Some(Ending::Reset),
            Err(error) => panic!("the peer cannot connect: {error}"),
        };
        let received = Received { bytes: Vec::new(), ending };
        let stream = connected.ok();
        if let Some(stream) = &stream {
            stream.set_nonblocking(true).expect("a socket");
            stream.set_nodelay(true).expect("a socket");
        }
        Self { listener: None, stream, is_reading: false, received }
    }

    pub(super) fn read(&mut self) {
        self.is_reading = true;
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        let sent = self.stream().write(bytes);
        assert_eq!(sent.expect("the system has room"), bytes.len());
    }

    pub(super) fn finish(&mut self) {
        self.stream().shutdown(Shutdown::Write).expect("it is connected");
    }

    pub(super) fn close(&mut self) {
        self.received();
        self.stream = None;
    }

    pub(super) fn reset(&mut self) {
        set_socket_linger(self.stream(), Some(Duration::ZERO)).expect("a socket");
        self.stream = None;
    }

    /// Reads the data that has arrived, if the peer reads. Returns everything that the peer has received so far.
    pub(super) fn received(&mut self) -> Received {
        self.accept();
        if let Some(stream) = self.stream.as_mut().filter(|_| self.is_reading) {
            while self.received.ending.is_none() {
                let mut part = [0; 65_536];
                match stream.read(&mut part) {
                    Ok(0) => self.received.ending = Some(Ending::End),
                    Ok(amount) => self.received.bytes.extend_from_slice(&part[..amount]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                        self.received.ending = Some(Ending::Reset);
                    }
                    Err(error) => panic!("the peer cannot read: {error}"),
                }
            }
        }
        self.received.clone()
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
