//! The system objects of a base: listeners, connections, UDP sockets, descriptors and signals. This module carries out
//! the base's actions on these objects, and feeds the events of the objects to the base.

use std::io;
use std::os::fd::BorrowedFd;

use mio::{Events, Registry};
use picoevent::{Action, EventBase, Instant, Source, UdpAction};

use super::conns::Conns;
use super::errno;
use super::listeners::Listeners;
use super::signals::Signals;
use super::sources::{SourceError, Sources};
use super::stream::Part;
use super::token::Object;
use super::udp::UdpSockets;

pub(super) struct Objects {
    pub(super) listeners: Listeners,
    sources: Sources,
    conns: Conns,
    signals: Signals,
    pub(super) udp: UdpSockets,
}

impl Objects {
    pub(super) fn new() -> Self {
        Self {
            listeners: Listeners::new(),
            sources: Sources::new(),
            conns: Conns::new(),
            signals: Signals::new(),
            udp: UdpSockets::new(),
        }
    }

    /// Carries out an action of the base.
    ///
    /// # Errors
    /// The reason why a signal cannot be caught.
    pub(super) fn act<A>(
        &mut self,
        action: Action,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) -> io::Result<()> {
        let Self { listeners, sources, conns, signals, udp } = self;
        if let Action::Unlisten(_)
        | Action::Forget(_)
        | Action::Release(_)
        | Action::Udp(_, UdpAction::Unbind) = action
        {
            // The action closes a descriptor.
            listeners.resume();
        }
        match action {
            Action::Listen(listener) => {
                let Some(address) = base.address_of(listener) else { return Ok(()) };
                let opened = conns.with_room(base, |_| listeners.open(listener, address, registry));
                if let Err(error) = opened {
                    base.listen_failed(listener, errno::listen(&error));
                }
            }
            Action::Ignore(listener) => listeners.ignore(listener),
            Action::Unlisten(listener) => listeners.close(listener),
            Action::Connect(conn) => {
                let Some(peer) = base.peer_of(conn) else { return Ok(()) };
                let begun = conns.with_room(base, |conns| conns.connect(conn, peer, registry));
                if let Err(error) = begun {
                    base.failed(conn, errno::conn(&error));
                }
            }
            Action::Tune(conn, tuning) => conns.tune(conn, tuning),
            Action::Receive(conn) => conns.work(conn, Part::Input, base),
            Action::Send(conn) => conns.work(conn, Part::Output, base),
            Action::End(conn) => conns.end(conn, base),
            Action::Close(conn) => conns.close(conn),
            Action::Reset(conn) => conns.reset(conn),
            Action::Interest(source, what) => sources.watch(source, what, registry),
            Action::Forget(source) => sources.forget(source, registry),
            Action::Catch(signal) => {
                let caught = conns.with_room(base, |_| signals.catch(signal, registry));
                return caught.map_err(|error| {
                    let message = format!("signal {} cannot be caught: {error}", signal.number());
                    io::Error::new(error.kind(), message)
                });
            }
            Action::Release(signal) => signals.release(signal),
            Action::Udp(socket, UdpAction::Bind) => {
                let Some(address) = base.udp_address_of(socket) else { return Ok(()) };
                match conns.with_room(base, |_| udp.bind(socket, address, registry)) {
                    Ok(bound) => base.bound(socket, bound),
                    Err(error) => base.bind_failed(socket, errno::udp(&error)),
                }
            }
            Action::Udp(socket, UdpAction::ReceiveFrom) => udp.receive(socket, base, registry),
            Action::Udp(socket, UdpAction::SendTo) => udp.send(socket, base),
            Action::Udp(socket, UdpAction::Unbind) => udp.close(socket),
        }
        Ok(())
    }

    /// Makes a source from a descriptor.
    ///
    /// # Errors
    /// [`SourceError`], if the base has no room or the selector cannot watch the descriptor.
    pub(super) fn add_source<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        descriptor: BorrowedFd<'_>,
        registry: &Registry,
    ) -> Result<Source, SourceError> {
        let duplicate = self.conns.with_room(base, |_| descriptor.try_clone_to_owned());
        self.sources.add(base, duplicate.map_err(SourceError::System)?, registry)
    }

    /// Closes the sockets of all lingering connections.
    pub(super) fn close_lingering<A>(&mut self, base: &mut EventBase<'_, A>) {
        self.conns.close_lingering(base);
    }

    /// Prepares the objects for a wait of the loop. Returns the time at which there is something to do even without an
    /// event of the selector.
    pub(super) fn deadline<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) -> Instant {
        self.conns.watch(base, registry);
        if self.conns.take_room() {
            self.listeners.resume();
        }
        match self.listeners.are_waiting(base) {
            true => Instant::ZERO,
            false => self.listeners.deadline().min(self.conns.deadline()),
        }
    }

    /// Reports the selector's events to the base, and accepts clients.
    pub(super) fn report<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        events: &Events,
        registry: &Registry,
    ) {
        for event in events {
            match Object::of(event.token()) {
                Some(Object::Source(index)) => self.sources.handle_event(index, event, base),
                Some(Object::Conn(index)) => self.conns.handle_event(index, event, base),
                Some(Object::Listener(index)) => self.listeners.set_ready(index),
                Some(Object::Udp(index)) => self.udp.handle_event(index, event, base, registry),
                Some(Object::Signal(signal)) => base.raised(signal, self.signals.take(signal)),
                Some(Object::Trigger) | None => {}
            }
        }
        self.conns.try_full(base);
        // Accept last, so that no event of this iteration reaches a new connection with a reused index.
        self.listeners.accept(base, &mut self.conns, registry);
    }
}
