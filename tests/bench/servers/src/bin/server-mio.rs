//! mio by hand: its poll and a slab of connections.

use std::os::fd::AsFd;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use picoevent_bench_servers::agreement::{Agreement, GREETING, fail, listener};
use picoevent_bench_servers::pending::{Pending, Turn};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

/// The same number as in picoevent's back end.
const EVENTS: usize = 1024;

struct Conn {
    socket: TcpStream,
    pending: Pending,
}

struct Server {
    agreement: Agreement,
    listener: TcpListener,
    conns: Slab<Conn>,
    buffer: Box<[u8]>,
}

fn main() {
    let error = serve(Agreement::begin()).err();
    fail(error.map_or("the loop has ended".to_owned(), |error| error.to_string()))
}

fn serve(agreement: Agreement) -> std::io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::from_std(listener().into());
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let address = listener.local_addr()?;
    let mut server = Server { agreement, listener, conns: Slab::new(), buffer: Pending::buffer() };
    let mut events = Events::with_capacity(EVENTS);
    server.agreement.listening(address);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => server.accept(poll.registry())?,
                Token(place) => server.serve(place, event),
            }
        }
    }
}

impl Server {
    /// Accepts one connection. The listener is registered again, so that the selector reports it again if more
    /// connections wait. Accepting until no connection waits would cost a failing call each time.
    fn accept(&mut self, registry: &Registry) -> std::io::Result<()> {
        let (mut socket, _) = self.listener.accept()?;
        self.agreement.accepted();
        registry.reregister(&mut self.listener, LISTENER, Interest::READABLE)?;
        if self.agreement.is_hello() {
            if rustix::io::write(&socket, GREETING) != Ok(GREETING.len()) {
                fail("the greeting is not written");
            }
            drop(socket);
            self.agreement.closed();
            return Ok(());
        }
        let entry = self.conns.vacant_entry();
        let both = Interest::READABLE.add(Interest::WRITABLE);
        registry.register(&mut socket, Token(entry.key()), both)?;
        entry.insert(Conn { socket, pending: Pending::default() });
        Ok(())
    }

    fn serve(&mut self, place: usize, event: &Event) {
        let Some(conn) = self.conns.get_mut(place) else { return };
        if !event.is_readable() && conn.pending.is_empty() {
            return;
        }
        let turn = conn.pending.echo(conn.socket.as_fd(), &mut self.buffer, &mut self.agreement);
        if turn == Turn::Gone || (turn == Turn::Drained && event.is_read_closed()) {
            self.conns.remove(place);
            self.agreement.closed();
        }
    }
}
