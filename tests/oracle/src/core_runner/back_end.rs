//! A back end on a program's virtual world.
//!
//! The back end does only what the contract requires. It reports a source once, and again when the base requests a
//! report or the source becomes ready again. It reads from or writes to a socket when the base requests this, or when
//! the socket becomes ready again in a direction for which the base waits.

use std::{cell::RefCell, rc::Rc, task::Poll};

use picoevent::{Action, Backend, Conn, ConnError, EventFlags, Instant, Signal, Source};

use super::{App, Base, step::instant};
use crate::{
    program::{CONNS, MOST_POLLS, SIGNALS, SOURCES, bits},
    world::{Found, Received, World},
};

pub(super) struct BackEnd {
    world: Rc<RefCell<World>>,
    sources: [Option<Source>; SOURCES],
    conns: [Option<Conn>; CONNS],
    /// The sources and sockets found by the last poll.
    reports: Vec<(u8, u8)>,
    /// For each signal: whether the signal is caught, and how often it was raised since the last report.
    catches: [bool; SIGNALS],
    caught: [u32; SIGNALS],
}

/// Why a program ends early.
pub(super) enum Stop {
    /// No event can ever happen.
    Stuck,
    TooManyPolls,
}

impl BackEnd {
    pub(super) fn new(
        world: Rc<RefCell<World>>,
        sources: [Option<Source>; SOURCES],
        conns: [Option<Conn>; CONNS],
    ) -> Self {
        let (catches, caught) = ([false; SIGNALS], [0; SIGNALS]);
        Self { world, sources, conns, reports: Vec::new(), catches, caught }
    }

    /// Requests a report for a connection's socket.
    fn request_report(&mut self, conn: Conn, what: u8) {
        if let Some(socket) = self.conns.iter().position(|known| *known == Some(conn)) {
            self.world.borrow_mut().sockets[socket].request_report(what);
        }
    }

    /// Sets the interest of each connection's virtual socket: whether the base waits to read, and whether it waits to
    /// write.
    fn set_interest(&mut self, base: &mut Base<'_>) {
        for (socket, conn) in self.conns.iter().enumerate() {
            let Some(conn) = *conn else { continue };
            let read = if base.input(conn).is_some() { bits::READ } else { 0 };
            let write = if base.output(conn).0.is_empty() { 0 } else { bits::WRITE };
            self.world.borrow_mut().sockets[socket].interest = read | write;
        }
    }

    /// Reads all available bytes, as long as the base accepts them.
    fn receive(&mut self, socket: usize, conn: Conn, base: &mut Base<'_>) {
        let socket = &mut self.world.borrow_mut().sockets[socket];
        while let Some((first, second)) = base.input(conn) {
            match socket.read(first.len() + second.len()) {
                Received::Bytes(amount) => {
                    let split = amount.min(first.len());
                    socket.fill(&mut first[..split]);
                    socket.fill(&mut second[..amount - split]);
                    base.received(conn, amount);
                }
                Received::Nothing => return,
                Received::End => return base.peer_finished(conn),
                Received::Reset => return base.failed(conn, ConnError::Reset),
            }
        }
    }

    /// Writes as many bytes as the socket accepts.
    fn send(&mut self, socket: usize, conn: Conn, base: &mut Base<'_>) {
        let socket = &mut self.world.borrow_mut().sockets[socket];
        let (first, second) = base.output(conn);
        let output = [first, second].concat();
        if output.is_empty() {
            return;
        }
        match socket.write(output.len()) {
            Some(amount) => {
                assert!(socket.continues(&output[..amount]), "the bytes are in order");
                base.sent(conn, amount);
            }
            None => base.failed(conn, ConnError::Reset),
        }
    }
}

impl Backend<App> for BackEnd {
    type Error = Stop;

    fn now(&mut self) -> Instant {
        instant(self.world.borrow().clock)
    }

    fn act(&mut self, action: Action, base: &mut Base<'_>) -> Result<(), Stop> {
        match action {
            Action::Interest(source, what) => {
                let number = self.sources.iter().position(|known| *known == Some(source));
                let Some(number) = number else { return Ok(()) };
                let edge = what.contains(EventFlags::EDGE);
                let what = what.bits() & bits::IO;
                self.world.borrow_mut().set_interest(number as u8, what, edge);
            }
            Action::Catch(signal) => self.catches[usize::from(signal.number())] = true,
            Action::Release(signal) => self.catches[usize::from(signal.number())] = false,
            Action::Connect(conn) => base.connected(conn),
            Action::Receive(conn) => self.request_report(conn, bits::READ),
            Action::Send(conn) => self.request_report(conn, bits::WRITE),
            Action::End(conn) => base.delivered(conn),
            _ => {}
        }
        Ok(())
    }

    fn wait(&mut self, until: Instant, base: &mut Base<'_>) -> Poll<Result<(), Stop>> {
        self.set_interest(base);
        let mut world = self.world.borrow_mut();
        if world.polls == MOST_POLLS {
            return Poll::Ready(Err(Stop::TooManyPolls));
        }
        let wait = until.since(instant(world.clock)).as_millis() as u64;
        let wait = (until != Instant::MAX).then_some(wait);
        let catches = |signal: usize| self.catches[signal];
        let Found::Sources(reports) = world.poll(wait, catches, &mut self.caught) else {
            return Poll::Ready(Err(Stop::Stuck));
        };
        self.reports = reports;
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut Base<'_>) {
        for (number, what) in std::mem::take(&mut self.reports) {
            let number = usize::from(number);
            if let Some(source) = self.sources.get(number).copied().flatten() {
                base.ready(source, EventFlags::from_bits(what));
                continue;
            }
            let socket = number - SOURCES;
            let Some(conn) = self.conns[socket] else { continue };
            if what & bits::READ != 0 {
                self.receive(socket, conn, base);
            }
            if what & bits::WRITE != 0 {
                self.send(socket, conn, base);
            }
        }
        for number in 1..SIGNALS {
            let raises = std::mem::take(&mut self.caught[number]);
            if let Some(signal) = Signal::new(number as u8) {
                base.raised(signal, raises as u16);
            }
        }
    }
}
