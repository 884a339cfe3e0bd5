//! The system objects of a base: listeners, connections, descriptors and signals. Actions of the base
//! go down to them, and their news goes up to the base.

use std::io;
use std::os::fd::BorrowedFd;

use mio::{Events, Registry};
use picoevent::{Action, EventBase, Instant, Source};

use super::conns::Conns;
use super::errno;
use super::listeners::Listeners;
use super::signals::Signals;
use super::sources::{SourceError, Sources};
use super::stream::Part;
use super::token::Subject;

pub(super) struct Objects {
    pub(super) listeners: Listeners,
    sources: Sources,
    conns: Conns,
    signals: Signals,
}

impl Objects {
    pub(super) fn new() -> Self {
        Self {
            listeners: Listeners::new(),
            sources: Sources::new(),
            conns: Conns::new(),
            signals: Signals::new(),
        }
    }

    /// Does an action that the base asks for.
    pub(super) fn act<A>(
        &mut self,
        action: Action,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) {
        match action {
            Action::Listen(listener) => {
                let Some(address) = base.address_of(listener) else { return };
                let listeners = &mut self.listeners;
                let opened = self.conns.with_room(|_| listeners.open(listener, address, registry));
                if let Err(error) = opened {
                    base.listen_failed(listener, errno::listen(&error));
                }
            }
            Action::Ignore(listener) => self.listeners.ignore(listener),
            Action::Unlisten(listener) => self.listeners.close(listener),
            Action::Connect(conn) => {
                let Some(peer) = base.peer_of(conn) else { return };
                let begun = self.conns.with_room(|conns| conns.connect(conn, peer, registry));
                if let Err(error) = begun {
                    base.failed(conn, errno::conn(&error));
                }
            }
            Action::Tune(conn, tuning) => self.conns.tune(conn, tuning),
            Action::Receive(conn) => self.conns.work(conn, Part::Input, base, registry),
            Action::Send(conn) => self.conns.work(conn, Part::Output, base, registry),
            Action::Finish(conn) => self.conns.finish(conn, base, registry),
            Action::Close(conn) => self.conns.close(conn, base, registry),
            Action::Abort(conn) => self.conns.abort(conn),
            Action::Interest(source, what) => self.sources.watch(source, what, registry),
            Action::Forget(source) => self.sources.forget(source, registry),
            Action::Catch(signal) => {
                let signals = &mut self.signals;
                if let Err(error) = self.conns.with_room(|_| signals.catch(signal, registry)) {
                    self.signals.fail(signal, &error);
                }
            }
            Action::Release(signal) => self.signals.release(signal),
        }
    }

    /// Makes a source from a descriptor.
    ///
    /// # Errors
    /// [`SourceError`], when the base has no room or the descriptor cannot be watched.
    pub(super) fn add_source<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        descriptor: BorrowedFd<'_>,
        registry: &Registry,
    ) -> Result<Source, SourceError> {
        let duplicate = self.conns.with_room(|_| descriptor.try_clone_to_owned());
        self.sources.add(base, duplicate.map_err(SourceError::System)?, registry)
    }

    /// Returns the reason why a signal is not caught, once.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.signals.take_failure()
    }

    /// Prepares for a wait. Returns whether there is something to do without waiting.
    pub(super) fn are_due<A>(&mut self, base: &mut EventBase<'_, A>, registry: &Registry) -> bool {
        self.conns.register_new(base, registry);
        if self.conns.take_room() {
            self.listeners.resume();
        }
        self.listeners.are_waiting() && base.has_room()
    }

    /// Returns the next deadline of a connection or a listener.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.conns.deadline().into_iter().chain(self.listeners.deadline()).min()
    }

    /// Feeds the selector's reports, and what is due by the base's time.
    pub(super) fn feed<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        events: &Events,
        registry: &Registry,
    ) {
        for event in events {
            match Subject::of(event.token()) {
                Some(Subject::Source(place)) => self.sources.note(place, event, base),
                Some(Subject::Conn(place)) => self.conns.note(place, event, base, registry),
                Some(Subject::Listener(place)) => self.listeners.note(place),
                Some(Subject::Lingering(place)) => {
                    self.conns.note_lingering(place, event, registry);
                }
                Some(Subject::Signal(signal)) => base.raised(signal, self.signals.take(signal)),
                Some(Subject::Trigger) | None => {}
            }
        }
        self.conns.expire(base);
        // Last, so that no event of this turn reaches a new connection in a place that was reused.
        self.listeners.accept(base, &mut self.conns, registry);
    }
}
