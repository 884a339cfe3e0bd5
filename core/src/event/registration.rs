//! An event's place on the list of what it waits for.

use super::{Waits, id_of};
use crate::Cx;
use crate::error::AddError;
use crate::handle::Event;
use crate::list::Chain;

impl<A> Cx<'_, A> {
    pub(super) fn event_register(&mut self, event: Event) -> Result<(), AddError> {
        let Some(state) = self.tables.events.get(event) else { return Ok(()) };
        match (state.waits, state.registered) {
            (Waits::Source(source), _) => {
                // Without it no source was ever made here, so this one is another base's.
                let register = self.parts.source_register.ok_or(AddError::SourceClosed)?;
                return register(self, event, source);
            }
            (Waits::Nothing, _) | (_, true) => {}
            (Waits::Signal(signal), false) => {
                let Some(list) = self.signals.list(signal) else { return Ok(()) };
                if list.is_empty() {
                    self.outbox.signals |= signal.bit();
                }
                list.push(&mut self.tables, Chain::Interest, id_of(event));
                self.set_registered(event, true);
            }
            (Waits::Watcher(_), false) => {
                if let Some(register) = self.parts.watcher_register {
                    register(self, event, true);
                }
            }
        }
        Ok(())
    }

    pub(super) fn event_unregister(&mut self, event: Event) {
        let Some(state) = self.tables.events.get(event).filter(|state| state.registered) else {
            return;
        };
        match state.waits {
            Waits::Nothing => {}
            Waits::Source(source) => {
                if let Some(unregister) = self.parts.source_unregister {
                    unregister(self, event, source);
                }
            }
            Waits::Signal(signal) => {
                let Some(list) = self.signals.list(signal) else { return };
                list.remove(&mut self.tables, Chain::Interest, id_of(event));
                if list.is_empty() {
                    self.outbox.signals |= signal.bit();
                }
                self.set_registered(event, false);
            }
            Waits::Watcher(_) => {
                if let Some(register) = self.parts.watcher_register {
                    register(self, event, false);
                }
            }
        }
    }

    /// Asks the back end to look at the event's source again, which it need not do for edges.
    pub(super) fn event_ask_again(&mut self, event: Event) {
        let Some(state) = self.tables.events.get(event).filter(|state| state.registered) else {
            return;
        };
        if let (Waits::Source(source), Some(again)) = (state.waits, self.parts.source_again) {
            again(self, source);
        }
    }

    /// Notes that an event waits for a source or a signal now, or no more.
    pub(crate) fn set_registered(&mut self, event: Event, registered: bool) {
        if let Some(state) = self.tables.events.get_mut(event) {
            state.registered = registered;
        }
        if registered {
            self.registered = self.registered.wrapping_add(1);
            self.note_added();
        } else {
            self.registered = self.registered.wrapping_sub(1);
        }
    }
}
