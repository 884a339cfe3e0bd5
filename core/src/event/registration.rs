//! Registration: adds an event to the list of its source or to the list of all signals, and removes it from the list.

use super::{EventLinks, Waits, flag};
use crate::error::AddError;
use crate::handle::Event;
use crate::queue::Id;
use crate::{Cx, Signal};

impl<A> Cx<'_, A> {
    /// Makes an event wait for its source or signal. This function is not inlined, because most events that are added
    /// are timers.
    #[inline(never)]
    pub(super) fn event_register(&mut self, event: Event) -> Result<(), AddError> {
        let Some(slot) = self.tables.events.get(event) else { return Ok(()) };
        match (slot.waits(), slot.has(flag::REGISTERED)) {
            (Waits::Source(source), _) => {
                // The first source of a base sets this hook. If the hook is not set, this base never had a source, so
                // `source` is a handle of another base.
                let register = self.hooks.source_register.ok_or(AddError::SourceClosed)?;
                return register(self, event, (source, true));
            }
            (Waits::Nothing, _) | (_, true) => {}
            (Waits::Signal(signal), false) => self.event_register_signal(event, signal),
            (Waits::Watcher(_), false) => {
                if let Some(register) = self.hooks.watcher_register {
                    register(self, event, true);
                }
            }
        }
        Ok(())
    }

    /// Puts an event on the list of events that wait for signals.
    pub(crate) fn event_register_signal(&mut self, event: Event, signal: Signal) {
        if !self.is_waited_for(signal) {
            self.outbox.add_signal(signal);
        }
        let links = &mut EventLinks(&mut self.tables.events);
        self.signal_events.push(links, Id::at(event.slot()));
        self.set_registered(event, true);
    }

    /// Returns whether any event waits for a signal. The cost is O(number of events that wait for signals), because all
    /// these events are on one list. A program has only a few of these events.
    pub(crate) fn is_waited_for(&self, signal: Signal) -> bool {
        let mut at = self.signal_events.first;
        while let Some(slot) = self.tables.events.slot(at.slot()) {
            if slot.is_for(signal) {
                return true;
            }
            at = slot.waiting.next;
        }
        false
    }

    pub(super) fn event_unregister(&mut self, event: Event) {
        let registered = self.tables.events.get(event).filter(|slot| slot.has(flag::REGISTERED));
        let Some(slot) = registered else { return };
        match slot.waits() {
            Waits::Nothing => {}
            Waits::Source(source) => {
                if let Some(register) = self.hooks.source_register {
                    let left = register(self, event, (source, false));
                    debug_assert!(left == Ok(()), "an event can always stop waiting");
                }
            }
            Waits::Signal(signal) => {
                let links = &mut EventLinks(&mut self.tables.events);
                self.signal_events.remove(links, Id::at(event.slot()));
                if !self.is_waited_for(signal) {
                    self.outbox.add_signal(signal);
                }
                self.set_registered(event, false);
            }
            Waits::Watcher(_) => {
                if let Some(register) = self.hooks.watcher_register {
                    register(self, event, false);
                }
            }
        }
    }

    /// Requests that the back end checks the source of the event in a slot again, if the event waits for a source and is
    /// level-triggered.
    pub(super) fn event_recheck(&mut self, index: u16) {
        if let Some(recheck) = self.hooks.source_recheck {
            recheck(self, index);
        }
    }

    /// Sets whether an event is registered with its source or signal, and updates the count of registered events.
    pub(crate) fn set_registered(&mut self, event: Event, registered: bool) {
        if let Some(slot) = self.tables.events.get_mut(event) {
            slot.set_pending(flag::REGISTERED, registered);
        }
        if registered {
            self.registered = self.registered.wrapping_add(1);
            self.update_added_peak();
        } else {
            self.registered = self.registered.wrapping_sub(1);
        }
    }
}
