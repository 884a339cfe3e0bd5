//! A server on mio, written by hand: mio's `Poll` and a slab of connections.

use std::os::fd::AsFd;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use picoevent_bench_servers::harness::{GREETING, Harness, fail, listener};
use picoevent_bench_servers::pending::{EchoResult, Pending};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

/// The maximum number of events that one call of `Poll::poll` reports. picoevent's back end has the same number.
const EVENTS: usize = 1024;

struct Conn {
    socket: TcpStream,
    pending: Pending,
}

struct Server {
    harness: Harness,
    listener: TcpListener,
    conns: Slab<Conn>,
    buffer: Box<[u8]>,
}

fn main() {
    let error = serve(Harness::begin()).err();
    fail(error.map_or("the loop has ended".to_owned(), |error| error.to_string()))
}

fn serve(harness: Harness) -> std::io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::from_std(listener().into());
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let address = listener.local_addr()?;
    let mut server = Server { harness, listener, conns: Slab::new(), buffer: Pending::buffer() };
    let mut events = Events::with_capacity(EVENTS);
    server.harness.listening(address);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => server.accept(poll.registry())?,
                Token(index) => server.serve(index, event),
            }
        }
    }
}

impl Server {
    /// Accepts one connection. Then registers the listener again, so that the selector reports the listener again if
    /// more connections wait. The alternative is to accept until no connection waits, but then the last call fails each
    /// time.
    fn accept(&mut self, registry: &Registry) -> std::io::Result<()> {
        let (mut socket, _) = self.listener.accept()?;
        self.harness.accepted();
        registry.reregister(&mut self.listener, LISTENER, Interest::READABLE)?;
        if self.harness.is_hello() {
            if rustix::io::write(&socket, GREETING) != Ok(GREETING.len()) {
                fail("cannot write the greeting");
            }
            drop(socket);
            self.harness.closed();
            return Ok(());
        }
        let entry = self.conns.vacant_entry();
        let both = Interest::READABLE.add(Interest::WRITABLE);
        registry.register(&mut socket, Token(entry.key()), both)?;
        entry.insert(Conn { socket, pending: Pending::default() });
        Ok(())
    }

    fn serve(&mut self, index: usize, event: &Event) {
        let Some(conn) = self.conns.get_mut(index) else { return };
        if !event.is_readable() && conn.pending.is_empty() {
            return;
        }
        let result = conn.pending.echo(conn.socket.as_fd(), &mut self.buffer, &mut self.harness);
        if result == EchoResult::Closed || (result == EchoResult::Drained && event.is_read_closed())
        {
            self.conns.remove(index);
            self.harness.closed();
        }
    }
}
