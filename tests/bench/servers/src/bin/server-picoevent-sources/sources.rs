//! The callbacks: accept, greet and close, or echo.

use std::os::fd::OwnedFd;

use picoevent::{Cx, Event, EventFlags, EventMut, Mode, Source};
use picoevent_bench_servers::agreement::{Agreement, GREETING, fail};
use picoevent_bench_servers::pending::{Pending, Turn};
use rustix::net::SocketFlags;
use slab::Slab;

/// The application.
pub struct Server {
    pub listener: OwnedFd,
    /// An accepted socket that must be watched. `serve` takes it out at once.
    pub accepted: Option<OwnedFd>,
    agreement: Agreement,
    conns: Slab<Conn>,
    /// Shared by all connections. It contains no data between two callbacks.
    buffer: Box<[u8]>,
}

struct Conn {
    socket: OwnedFd,
    source: Source,
    readable: Event,
    /// Made the first time that the socket has no room for output.
    writable: Option<Event>,
    pending: Pending,
}

impl Server {
    /// Makes the application.
    pub fn new(agreement: Agreement, listener: OwnedFd) -> Self {
        let buffer = Pending::buffer();
        Self { listener, accepted: None, agreement, conns: Slab::new(), buffer }
    }

    /// Prints the listener's address.
    pub fn listening(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let address = rustix::net::getsockname(&self.listener)?;
        self.agreement.listening(address.try_into()?);
        Ok(())
    }

    /// Adds a watched connection. Returns its index, which becomes the user word of its events.
    pub fn hold(&mut self, socket: OwnedFd, source: Source, readable: Event) -> u32 {
        let pending = Pending::default();
        self.conns.insert(Conn { socket, source, readable, writable: None, pending }) as u32
    }

    /// Accepts a client.
    pub fn called(&mut self, event: &mut EventMut<Self>) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = match rustix::net::accept_with(&self.listener, flags) {
            Ok(socket) => socket,
            Err(error) => fail(format!("a connection is not accepted: {error}")),
        };
        self.agreement.accepted();
        if !self.agreement.is_hello() {
            self.accepted = Some(socket);
            return event.loop_break();
        }
        if rustix::io::write(&socket, GREETING) != Ok(GREETING.len()) {
            fail("the greeting is not written");
        }
        drop(socket);
        self.agreement.closed();
    }

    /// Serves a connection that is readable, or that is writable again after its socket had no room.
    pub fn ready(&mut self, event: &mut EventMut<Self>) {
        let (event, place, cx) = (event.id(), event.user(), event.cx());
        let Some(conn) = self.conns.get_mut(place as usize) else { return };
        match conn.pending.echo(&conn.socket, &mut self.buffer, &mut self.agreement) {
            Turn::Drained if event == conn.readable => {}
            Turn::Drained => change(cx, event, conn.readable),
            Turn::WriteWaits => {
                let writable = *conn.writable.get_or_insert_with(|| {
                    let made =
                        cx.new_event(conn.source, EventFlags::WRITE, Mode::Persist, Self::ready);
                    let event = made.unwrap_or_else(|full| fail(full.to_string()));
                    if let Ok(mut event) = cx.event(event) {
                        event.set_user(place);
                    }
                    event
                });
                change(cx, conn.readable, writable);
            }
            Turn::Gone => {
                let _ = cx.forget_source(conn.source);
                for event in conn.writable.into_iter().chain([conn.readable]) {
                    if let Ok(mut event) = cx.event(event) {
                        event.free();
                    }
                }
                self.conns.remove(place as usize);
                self.agreement.closed();
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
        fail("an event of an open connection is not added");
    }
}
