//! The base's four tables together, as lists, queues and the outbox see them.

use crate::active::{Turn, Turns};
use crate::conn::ConnState;
use crate::event::EventState;
use crate::list::{Chain, Id, Kind, Link, Links};
use crate::listener::ListenerState;
use crate::outbox::Mail;
use crate::source::SourceState;
use crate::table::Table;

pub(crate) struct Tables<'s, A> {
    pub(crate) events: Table<'s, EventState<A>>,
    pub(crate) listeners: Table<'s, ListenerState<A>>,
    pub(crate) conns: Table<'s, ConnState<A>>,
    pub(crate) sources: Table<'s, SourceState>,
}

impl<A> Tables<'_, A> {
    /// The notes of a slot that can have something for the back end.
    pub(crate) fn mail(&mut self, id: Id) -> Option<&mut Mail> {
        match id.kind() {
            Kind::Event => None,
            Kind::Listener => self.listeners.linked(id.index()).map(|state| &mut state.mail),
            Kind::Conn => self.conns.linked(id.index()).map(|state| &mut state.mail),
            Kind::Source => self.sources.linked(id.index()).map(|state| &mut state.mail),
        }
    }
}

impl<A> Links for Tables<'_, A> {
    fn link(&mut self, chain: Chain, id: Id) -> Option<&mut Link> {
        match chain {
            Chain::Active => self.turn(id).map(|turn| &mut turn.link),
            Chain::Outbox => self.mail(id).map(|mail| &mut mail.link),
            Chain::Interest => self.events.linked(id.index()).map(|state| &mut state.waiting),
            Chain::Common => self.events.linked(id.index()).map(|state| &mut state.common),
        }
    }
}

impl<A> Turns for Tables<'_, A> {
    fn turn(&mut self, id: Id) -> Option<&mut Turn> {
        match id.kind() {
            Kind::Event => self.events.linked(id.index()).map(|state| &mut state.turn),
            Kind::Listener => self.listeners.linked(id.index()).map(|state| &mut state.turn),
            Kind::Conn => self.conns.linked(id.index()).map(|state| &mut state.turn),
            Kind::Source => None,
        }
    }
}
