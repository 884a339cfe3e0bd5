//! The callbacks: accept, greet and close, or echo.

use std::os::fd::OwnedFd;

use picoevent::{Cx, Event, EventFlags, EventMut, Mode, Source};
use picoevent_bench_servers::harness::{GREETING, Harness, fail};
use picoevent_bench_servers::pending::{EchoResult, Pending};
use rustix::net::SocketFlags;
use slab::Slab;

/// The application.
pub struct Server {
    pub listener: OwnedFd,
    /// An accepted socket that must be watched. `serve` takes the socket as soon as the loop ends.
    pub accepted: Option<OwnedFd>,
    harness: Harness,
    conns: Slab<Conn>,
    /// All connections share this buffer. Between two callbacks, the buffer contains no data.
    buffer: Box<[u8]>,
}

struct Conn {
    socket: OwnedFd,
    source: Source,
    readable: Event,
    /// The event is made when the socket refuses output for the first time.
    writable: Option<Event>,
    pending: Pending,
}

impl Server {
    /// Makes the application.
    pub fn new(harness: Harness, listener: OwnedFd) -> Self {
        let buffer = Pending::buffer();
        Self { listener, accepted: None, harness, conns: Slab::new(), buffer }
    }

    /// Prints the listener's address.
    pub fn listening(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let address = rustix::net::getsockname(&self.listener)?;
        self.harness.listening(address.try_into()?);
        Ok(())
    }

    /// Adds a watched connection. Returns the index of the connection. The caller must store this index in the events
    /// of the connection (`set_user`).
    pub fn add_conn(&mut self, socket: OwnedFd, source: Source, readable: Event) -> u32 {
        let pending = Pending::default();
        self.conns.insert(Conn { socket, source, readable, writable: None, pending }) as u32
    }

    /// Accepts a client.
    pub fn accept(&mut self, event: &mut EventMut<Self>) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = match rustix::net::accept_with(&self.listener, flags) {
            Ok(socket) => socket,
            Err(error) => fail(format!("cannot accept a connection: {error}")),
        };
        self.harness.accepted();
        if !self.harness.is_hello() {
            self.accepted = Some(socket);
            return event.loop_break();
        }
        if rustix::io::write(&socket, GREETING) != Ok(GREETING.len()) {
            fail("cannot write the greeting");
        }
        drop(socket);
        self.harness.closed();
    }

    /// Serves a connection that is readable, or that is writable again after its socket had no room.
    pub fn serve(&mut self, event: &mut EventMut<Self>) {
        let (event, index, cx) = (event.id(), event.user(), event.cx());
        let Some(conn) = self.conns.get_mut(index as usize) else { return };
        match conn.pending.echo(&conn.socket, &mut self.buffer, &mut self.harness) {
            EchoResult::Drained if event == conn.readable => {}
            EchoResult::Drained => change(cx, event, conn.readable),
            EchoResult::WriteBlocked => {
                let writable = *conn.writable.get_or_insert_with(|| {
                    let made =
                        cx.new_event(conn.source, EventFlags::WRITE, Mode::Persist, Self::serve);
                    let event = made.unwrap_or_else(|full| fail(full.to_string()));
                    if let Ok(mut event) = cx.event(event) {
                        event.set_user(index);
                    }
                    event
                });
                change(cx, conn.readable, writable);
            }
            EchoResult::Closed => {
                let _ = cx.forget_source(conn.source);
                for event in conn.writable.into_iter().chain([conn.readable]) {
                    if let Ok(mut event) = cx.event(event) {
                        event.free();
                    }
                }
                self.conns.remove(index as usize);
                self.harness.closed();
            }
        }
    }
}

/// Deletes the event `from` and adds the event `to`.
fn change(cx: &mut Cx<Server>, from: Event, to: Event) {
    if let Ok(mut event) = cx.event(from) {
        event.del();
    }
    let added = cx.event(to).map(|mut event| event.add(None));
    if !matches!(added, Ok(Ok(()))) {
        fail("cannot add an event of an open connection");
    }
}
