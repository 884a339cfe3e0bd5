//! Sources: what lies outside the base and becomes readable, writable or closed.
//!
//! A back end makes a [`Source`] for a descriptor, a pin or whatever else it watches; the
//! application makes events that wait for it. A source knows its events in the order they were
//! added, which is the order they are activated in, and how many wait for what, so the back end is
//! told only when the sum changes.

use crate::error::{AddError, Full};
use crate::event::{self, chore};
use crate::handle::{Event, Source, kind};
use crate::list::{Chain, Id, Kind, List};
use crate::outbox::{Action, Mail, note};
use crate::record::Entry;
use crate::table::Resident;
use crate::{Cx, EventBase, Signal, Stale, What, log};

pub(crate) struct SourceState {
    events: List,
    pub(crate) mail: Mail,
    /// How many events wait for reading, writing and closing.
    waiting: [u16; 3],
    /// The events wait by edge.
    edge: bool,
}

impl Resident for SourceState {
    type Kind = kind::Source;
    const EMPTY: Self =
        Self { events: List::EMPTY, mail: Mail::EMPTY, waiting: [0; 3], edge: false };
}

/// The conditions counted in [`SourceState::waiting`], in its order.
const CONDITIONS: [What; 3] = [What::READ, What::WRITE, What::CLOSED];

impl SourceState {
    /// What any of the events waits for, and how.
    fn interest(&self) -> What {
        let waited_for = CONDITIONS.iter().zip(&self.waiting).filter(|(_, count)| **count > 0);
        let sum = waited_for.fold(What::NONE, |sum, (condition, _)| sum | *condition);
        if sum.is_empty() { sum } else { sum | self.kind() }
    }

    /// The mark of what the events wait by.
    const fn kind(&self) -> What {
        if self.edge { What::EDGE } else { What::NONE }
    }

    /// Counts an event in or out; whether the sum changed.
    fn count(&mut self, interest: What, event: Counted) -> bool {
        let before = self.interest();
        for (condition, count) in CONDITIONS.iter().zip(&mut self.waiting) {
            if interest.intersects(*condition) {
                *count = match event {
                    Counted::In => count.saturating_add(1),
                    Counted::Out => count.saturating_sub(1),
                };
            }
        }
        self.interest() != before
    }
}

/// Whether an event begins or ceases to wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    In,
    Out,
}

/// The events that wait for each signal.
pub(crate) struct Signals([List; Signal::COUNT]);

impl Signals {
    pub(crate) const fn new() -> Self {
        Self([List::EMPTY; Signal::COUNT])
    }

    pub(crate) fn list(&mut self, signal: Signal) -> Option<&mut List> {
        self.0.get_mut(usize::from(signal.number()))
    }

    pub(crate) fn is_waited_for(&self, signal: Signal) -> bool {
        self.0.get(usize::from(signal.number())).is_some_and(|list| !list.is_empty())
    }
}

impl<A> Cx<'_, A> {
    /// Forgets a source. The events that waited for it are deleted, not freed: adding one again
    /// answers [`AddError::SourceClosed`](crate::AddError::SourceClosed).
    ///
    /// # Errors
    /// [`Stale`] when the source is gone already.
    pub fn forget_source(&mut self, source: Source) -> Result<(), Stale> {
        let held = self.tables.sources.get(source).filter(|state| !state.is_forgotten());
        let mut first = held.ok_or(Stale)?.events.first();
        while let Some((event, _)) = first.and_then(|id| self.tables.events.at(id.index())) {
            self.event_del(event);
            first = self.tables.sources.get(source).and_then(|state| state.events.first());
        }
        self.outbox.post(&mut self.tables, id_of(source), note::DROP);
        Ok(())
    }

    fn source_register(&mut self, event: Event, source: Source) -> Result<(), AddError> {
        let held = self.tables.sources.get(source).filter(|state| !state.is_forgotten());
        held.ok_or(AddError::SourceClosed)?;
        let Some(state) = self.tables.events.get(event) else { return Ok(()) };
        let (interest, registered) = (state.interest, state.registered);
        let Some(state) = self.tables.sources.get_mut(source) else { return Ok(()) };
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
        events.push(&mut self.tables, Chain::Interest, event::id_of(event));
        self.source_keep(source, events, changed);
        self.set_registered(event, true);
        self.event_set_ask(event, !edge);
        Ok(())
    }

    fn source_unregister(&mut self, event: Event, source: Source) {
        let interest = self.tables.events.get(event).map_or(What::NONE, |state| state.interest);
        let Some(state) = self.tables.sources.get_mut(source) else { return };
        let changed = state.count(interest, Counted::Out);
        let mut events = state.events;
        events.remove(&mut self.tables, Chain::Interest, event::id_of(event));
        self.source_keep(source, events, changed);
        self.set_registered(event, false);
        self.event_set_ask(event, false);
    }

    fn event_set_ask(&mut self, event: Event, ask: bool) {
        if let Some(state) = self.tables.events.get_mut(event) {
            state.set_chore(chore::ASK, ask);
        }
    }

    /// Asks the back end to look at the source again, which it need not do for edges.
    fn source_again(&mut self, source: Source) {
        if self.tables.sources.get(source).is_some_and(|source| !source.edge) {
            self.outbox.post(&mut self.tables, id_of(source), note::OPEN);
        }
    }

    /// Puts a source's list back, and tells the back end of a change.
    fn source_keep(&mut self, source: Source, events: List, changed: bool) {
        if let Some(state) = self.tables.sources.get_mut(source) {
            state.events = events;
        }
        if changed {
            self.outbox.post(&mut self.tables, id_of(source), note::OPEN);
        }
    }

    fn source_action(&mut self, index: u16, note: u8) -> Option<Action> {
        let (source, state) = self.tables.sources.at(index)?;
        let interest = state.interest();
        match note {
            note::OPEN if !state.is_forgotten() => Some(Action::Interest(source, interest)),
            note::DROP => {
                self.tables.sources.remove(source);
                Some(Action::Forget(source))
            }
            _ => None,
        }
    }
}

impl SourceState {
    /// Whether the source was forgotten and only waits for the back end to hear of it.
    fn is_forgotten(&self) -> bool {
        self.mail.notes & note::DROP != 0
    }
}

impl<A> EventBase<'_, A> {
    /// Makes a source. For back ends, which report its readiness with [`EventBase::ready`].
    ///
    /// # Errors
    /// [`Full::Sources`] when the table has no free slot.
    pub fn new_source(&mut self) -> Result<Source, Full> {
        let parts = &mut self.cx.parts;
        parts.source_register = Some(|cx, event, source| cx.source_register(event, source));
        parts.source_unregister = Some(|cx, event, source| cx.source_unregister(event, source));
        parts.source_again = Some(|cx, source| cx.source_again(source));
        parts.source_action = Some(|cx, (index, note)| cx.source_action(index, note));
        let made = self.cx.tables.sources.insert().map(|(source, _)| source);
        made.ok_or_else(|| log::full(Full::Sources))
    }

    /// Feeds readiness: activates the events that wait for any of `what`, in the order they were
    /// added, each with the conditions it waits for.
    ///
    /// The back end reports a source once, and again after the next [`Action::Interest`] for it,
    /// if it is still ready then; also whatever comes true newly.
    pub fn ready(&mut self, source: Source, what: What) {
        self.cx.recorder.note(|| Entry::Ready(source, what));
        let Some(state) = self.cx.tables.sources.get(source) else { return };
        let (mut at, kind) = (state.events.first(), state.kind());
        while let Some(id) = at {
            let Some(state) = self.cx.tables.events.linked(id.index()) else { return };
            at = state.waiting.next();
            let came_true = state.interest & what & What::IO;
            if !came_true.is_empty() {
                self.cx.event_activate_at(id.index(), came_true | kind);
            }
        }
    }

    /// Feeds raises of a signal: activates the events that wait for it, in the order they were
    /// added; each runs once for each raise.
    pub fn raised(&mut self, signal: Signal, raises: u16) {
        if raises == 0 {
            return;
        }
        self.cx.recorder.note(|| Entry::Raised(signal, raises));
        let mut at = self.cx.signals.list(signal).and_then(|list| list.first());
        while let Some(id) = at {
            let Some(state) = self.cx.tables.events.linked(id.index()) else { return };
            at = state.waiting.next();
            state.raises = state.raises.saturating_add(raises);
            state.set_chore(chore::RAISES, true);
            self.cx.event_activate_at(id.index(), What::SIGNAL);
        }
    }
}

pub(crate) const fn id_of(source: Source) -> Id {
    Id::new(Kind::Source, source.slot())
}
