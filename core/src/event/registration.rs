//! An event's place on the list of what it waits for, and what the back end hears of it.

use super::{Waits, id_of};
use crate::error::AddError;
use crate::handle::{Event, Source};
use crate::list::{Chain, List};
use crate::outbox::note;
use crate::source::{self, Counted};
use crate::{Cx, What};

impl<A> Cx<'_, A> {
    pub(super) fn event_register(&mut self, event: Event) -> Result<(), AddError> {
        let Some(state) = self.tables.events.get_mut(event) else { return Ok(()) };
        let (waits, interest, registered) = (state.waits, state.interest, state.registered);
        let id = id_of(event);
        match waits {
            Waits::Nothing => return Ok(()),
            Waits::Source(source) => {
                let held = self.tables.sources.get_mut(source).filter(|s| !s.is_forgotten());
                let state = held.ok_or(AddError::SourceClosed)?;
                if registered || !interest.intersects(What::IO) {
                    return Ok(());
                }
                let edge = interest.contains(What::EDGE);
                if state.events.is_empty() {
                    state.edge = edge;
                } else if state.edge != edge {
                    return Err(AddError::MixedEdge);
                }
                // By level, the newcomer wants to hear what the others may have heard already.
                let changed = state.count(interest, Counted::In) || !edge;
                let mut events = state.events;
                events.push(&mut self.tables, Chain::Interest, id);
                self.source_keep(source, events, changed);
            }
            _ if registered => return Ok(()),
            Waits::Signal(signal) => {
                let Some(list) = self.signals.list(signal) else { return Ok(()) };
                if list.is_empty() {
                    self.outbox.signals |= signal.bit();
                }
                list.push(&mut self.tables, Chain::Interest, id);
            }
            Waits::Prepare => self.watchers.prepare.push(&mut self.tables, Chain::Interest, id),
            Waits::Check => self.watchers.check.push(&mut self.tables, Chain::Interest, id),
        }
        self.set_registered(event, true);
        Ok(())
    }

    pub(super) fn event_unregister(&mut self, event: Event) {
        let Some(state) = self.tables.events.get(event) else { return };
        let (waits, interest) = (state.waits, state.interest);
        if !state.registered {
            return;
        }
        let id = id_of(event);
        match waits {
            Waits::Nothing => {}
            Waits::Source(source) => {
                let Some(state) = self.tables.sources.get_mut(source) else { return };
                let changed = state.count(interest, Counted::Out);
                let mut events = state.events;
                events.remove(&mut self.tables, Chain::Interest, id);
                self.source_keep(source, events, changed);
            }
            Waits::Signal(signal) => {
                let Some(list) = self.signals.list(signal) else { return };
                list.remove(&mut self.tables, Chain::Interest, id);
                if list.is_empty() {
                    self.outbox.signals |= signal.bit();
                }
            }
            Waits::Prepare => {
                self.skip_watcher(id);
                self.watchers.prepare.remove(&mut self.tables, Chain::Interest, id);
            }
            Waits::Check => {
                self.skip_watcher(id);
                self.watchers.check.remove(&mut self.tables, Chain::Interest, id);
            }
        }
        self.set_registered(event, false);
    }

    /// Asks the back end to look at the event's source again, which it need not do for edges.
    pub(super) fn event_ask_again(&mut self, event: Event) {
        let Some(state) = self.tables.events.get(event) else { return };
        if let Waits::Source(source) = state.waits
            && state.registered
            && self.tables.sources.get(source).is_some_and(|source| !source.edge)
        {
            self.outbox.post(&mut self.tables, source::id_of(source), note::OPEN);
        }
    }

    /// Puts a source's list back, and tells the back end of a change.
    pub(super) fn source_keep(&mut self, source: Source, events: List, changed: bool) {
        if let Some(state) = self.tables.sources.get_mut(source) {
            state.events = events;
        }
        if changed {
            self.outbox.post(&mut self.tables, source::id_of(source), note::OPEN);
        }
    }

    pub(super) fn set_registered(&mut self, event: Event, registered: bool) {
        let Some(state) = self.tables.events.get_mut(event) else { return };
        state.registered = registered;
        // Watchers keep no loop alive.
        if matches!(state.waits, Waits::Source(_) | Waits::Signal(_)) {
            let count = self.registered;
            self.registered =
                if registered { count.saturating_add(1) } else { count.saturating_sub(1) };
            self.count_added();
        }
    }
}
