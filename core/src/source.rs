//! Sources: things outside the base that become readable, writable or closed.
//!
//! A back end makes a [`Source`] for a descriptor, a pin or another object that it watches. The application makes
//! events that wait for the source. A source keeps its events in the order in which they were added, and activates them
//! in this order. For each condition (reading, writing, closing), a source counts the events that wait for this
//! condition. The combined interest of a source contains the conditions whose count is not zero. When the combined
//! interest changes, the back end gets the action [`Action::Interest`].

use crate::error::{AddError, FullError};
use crate::event::{EventLinks, EventList, flag};
use crate::handle::{Event, Source, kind};
use crate::outbox::{Action, Pending, action};
use crate::queue::Id;
use crate::record::Entry;
use crate::table::{Head, Slot};
use crate::{Cx, EventBase, EventFlags, Signal, StaleError};

/// Room for one source, in a [`Memory`](crate::memory::Memory).
pub struct SourceSlot {
    head: Head,
    /// The events that wait for the source.
    events: EventList,
    pub(crate) pending: Pending,
    /// The numbers of events that wait for reading, for writing and for closing.
    waiting: [u16; 3],
    /// The combined interest of the events, with [`EventFlags::EDGE`] if they are edge-triggered.
    interest: EventFlags,
    /// Whether the events are edge-triggered.
    edge: bool,
}

impl Slot for SourceSlot {
    type Kind = kind::Source;

    const EMPTY: Self = Self {
        head: Head::EMPTY,
        events: EventList::NONE,
        pending: Pending::EMPTY,
        waiting: [0; 3],
        interest: EventFlags::NONE,
        edge: false,
    };

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn renew(&mut self) {
        self.pending = Pending::EMPTY;
    }
}

/// The conditions that [`SourceSlot::waiting`] counts, in the order of the array elements.
const CONDITIONS: [EventFlags; 3] = [EventFlags::READ, EventFlags::WRITE, EventFlags::CLOSED];

impl SourceSlot {
    /// Returns [`EventFlags::EDGE`] if the events are edge-triggered.
    const fn edge_flag(&self) -> EventFlags {
        if self.edge { EventFlags::EDGE } else { EventFlags::NONE }
    }

    /// Adds an event to the counts of `conditions`, or removes it from these counts. Returns whether the combined
    /// interest changed.
    fn count(&mut self, conditions: EventFlags, change: Change) -> bool {
        let before = self.interest;
        let (edge_flag, mut interest) = (self.edge_flag(), EventFlags::NONE);
        for (condition, count) in CONDITIONS.iter().zip(&mut self.waiting) {
            if conditions.intersects(*condition) {
                *count = match change {
                    Change::Added => count.saturating_add(1),
                    Change::Removed => count.saturating_sub(1),
                };
            }
            if *count > 0 {
                interest = interest | *condition | edge_flag;
            }
        }
        self.interest = interest;
        interest != before
    }
}

/// Whether an event begins or stops waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Removed,
}

impl<A> Cx<'_, A> {
    /// Forgets a source. The events that waited for the source are deleted, that is, they are no longer pending. Their
    /// slots are not freed. Adding one of these events again returns
    /// [`AddError::SourceClosed`](crate::AddError::SourceClosed).
    ///
    /// # Errors
    /// [`StaleError`] when the source was forgotten already.
    pub fn forget_source(&mut self, source: Source) -> Result<(), StaleError> {
        let slot = self.tables.sources.get(source).filter(|slot| !slot.is_forgotten());
        let mut first = slot.ok_or(StaleError)?.events.first;
        while let Some((event, _)) = self.tables.events.at(first.slot()) {
            self.event_del(event);
            first = self.tables.sources.get(source).map_or(Id::NONE, |slot| slot.events.first);
        }
        self.post_source(source, action::DROP);
        Ok(())
    }

    fn source_register(&mut self, event: Event, source: Source) -> Result<(), AddError> {
        let Some(slot) = self.tables.events.get(event) else { return Ok(()) };
        let (interest, registered) = (slot.interest(), slot.has(flag::REGISTERED));
        let slot = self.tables.sources.get_mut(source).filter(|slot| !slot.is_forgotten());
        let slot = slot.ok_or(AddError::SourceClosed)?;
        if registered || !interest.intersects(EventFlags::IO) {
            return Ok(());
        }
        let edge = interest.contains(EventFlags::EDGE);
        if slot.events.is_empty() {
            slot.edge = edge;
        } else if slot.edge != edge {
            return Err(AddError::MixedEdge);
        }
        // If the source is ready already, a new level-triggered event must become active. The back end may have
        // reported this readiness before, so the back end must check the source again.
        let changed = slot.count(interest, Change::Added) || !edge;
        slot.events.push(&mut EventLinks(&mut self.tables.events), Id::at(event.slot()));
        if changed {
            self.post_source(source, action::OPEN);
        }
        self.set_registered(event, true);
        self.event_set_recheck(event, !edge);
        Ok(())
    }

    fn source_unregister(&mut self, event: Event, source: Source) {
        let interest =
            self.tables.events.get(event).map_or(EventFlags::NONE, |slot| slot.interest());
        let Some(slot) = self.tables.sources.get_mut(source) else { return };
        let changed = slot.count(interest, Change::Removed);
        slot.events.remove(&mut EventLinks(&mut self.tables.events), Id::at(event.slot()));
        if changed {
            self.post_source(source, action::OPEN);
        }
        self.set_registered(event, false);
        self.event_set_recheck(event, false);
    }

    fn event_set_recheck(&mut self, event: Event, recheck: bool) {
        if let Some(slot) = self.tables.events.get_mut(event) {
            slot.node.set(flag::RECHECK, recheck);
        }
    }

    /// Requests that the back end checks the source of the event in a slot again, if the event waits for a source and is
    /// level-triggered.
    fn source_recheck(&mut self, index: u16) {
        if let Some(slot) = self.tables.events.slot(index)
            && slot.has(flag::RECHECK)
        {
            self.post_source(slot.source(), action::OPEN);
        }
    }

    fn post_source(&mut self, source: Source, action: u8) {
        let slot = self.tables.sources.slot_mut(source.slot());
        if slot.is_some_and(|slot| slot.pending.add(action)) {
            let id = self.tables.source_id(source.slot());
            self.outbox.append(&mut self.tables, id);
        }
    }

    fn source_action(&mut self, index: u16, action: u8) -> Option<Action> {
        let (source, slot) = self.tables.sources.at(index)?;
        let interest = slot.interest;
        match action {
            action::OPEN if !slot.is_forgotten() => Some(Action::Interest(source, interest)),
            action::DROP => {
                slot.pending.actions = 0;
                self.tables.sources.free_slot(index);
                Some(Action::Forget(source))
            }
            _ => None,
        }
    }
}

impl SourceSlot {
    /// Returns whether the source was forgotten, but the back end has not taken the action `Forget` yet.
    fn is_forgotten(&self) -> bool {
        self.pending.actions & action::DROP != 0
    }
}

impl<A> EventBase<'_, A> {
    /// Makes a source. For back ends: report the readiness of the source with [`EventBase::ready`].
    ///
    /// # Errors
    /// [`FullError::Sources`] when the table has no free slot.
    pub fn new_source(&mut self) -> Result<Source, FullError> {
        let hooks = &mut self.cx.hooks;
        hooks.source_register = Some(|cx, event, (source, registered)| match registered {
            true => cx.source_register(event, source),
            false => {
                cx.source_unregister(event, source);
                Ok(())
            }
        });
        hooks.source_recheck = Some(|cx, index| cx.source_recheck(index));
        hooks.source_action = Some(|cx, (index, action)| cx.source_action(index, action));
        let inserted = self.cx.tables.sources.insert().ok_or(FullError::Sources);
        let (source, slot) = inserted?;
        (slot.events, slot.waiting) = (EventList::NONE, [0; 3]);
        (slot.interest, slot.edge) = (EventFlags::NONE, false);
        Ok(source)
    }

    /// Reports that a source is ready. Activates the events that wait for any condition in `what`, in the order they
    /// were added. Each event gets only the conditions that it waits for.
    ///
    /// The back end must report each condition when it becomes true. After each [`Action::Interest`] for the source,
    /// the back end must also report the conditions that are true at that time, even if they were reported before. In
    /// other cases, the back end need not repeat a report.
    pub fn ready(&mut self, source: Source, what: EventFlags) {
        self.cx.recorder.record(|| Entry::Ready(source, what));
        let Some(slot) = self.cx.tables.sources.get(source) else { return };
        let (mut at, edge_flag) = (slot.events.first, slot.edge_flag());
        if slot.events.is_empty() {
            return;
        }
        while let Some(slot) = self.cx.tables.events.slot(at.slot()) {
            let (id, met) = (at, slot.interest() & what & EventFlags::IO);
            at = slot.waiting.next;
            if !met.is_empty() {
                self.cx.activate(id, (met | edge_flag).bits());
            }
        }
    }

    /// Reports that a signal was raised `raises` times. Activates the events that wait for the signal, in the order
    /// they were added. The callback of each event runs `raises` times.
    pub fn raised(&mut self, signal: Signal, raises: u16) {
        if raises == 0 {
            return;
        }
        self.cx.recorder.record(|| Entry::Raised(signal, raises));
        let mut at = self.cx.signal_events.first;
        while let Some(slot) = self.cx.tables.events.slot_mut(at.slot()) {
            let id = at;
            at = slot.waiting.next;
            if slot.is_for(signal) {
                slot.count_raises(raises);
                self.cx.activate(id, EventFlags::SIGNAL.bits());
            }
        }
    }
}
