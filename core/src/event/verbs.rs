//! The application's methods for an event.

use core::ops::{Deref, DerefMut};
use core::time::Duration;

use super::{EventSlot, OnEvent, flag};
use crate::error::{AddError, StillActiveError};
use crate::handle::Event;
use crate::time::micros;
use crate::{Cx, EventFlags, Instant, Priority, StaleError};

/// Access to one event, borrowed from the loop.
///
/// A callback gets its own event as an `EventMut`. [`Cx::event`] makes an `EventMut` from a handle. `EventMut`
/// dereferences to [`Cx`], so a callback can call the methods of `Cx` on its event:
///
/// ```
/// use core::time::Duration;
/// use picoevent::{Cx, EventMut, FullError, Signal};
///
/// struct App {
///     ticks: u32,
/// }
///
/// impl App {
///     fn start(cx: &mut Cx<Self>) -> Result<(), FullError> {
///         cx.every(Duration::from_secs(1), |app, _| app.ticks += 1)?;
///         cx.on_signal(Signal::INT, Self::interrupted)?;
///         Ok(())
///     }
///
///     fn interrupted(&mut self, event: &mut EventMut<Self>) {
///         event.exit_after(Duration::from_secs(2));
///     }
/// }
/// # let _ = App::start;
/// ```
///
/// After the event was freed, the methods of `EventMut` do nothing.
pub struct EventMut<'c, 's, A> {
    cx: &'c mut Cx<'s, A>,
    event: Event,
    what: EventFlags,
}

impl<'s, A> Cx<'s, A> {
    /// Returns access to an event.
    ///
    /// # Errors
    /// [`StaleError`] when the event was freed.
    pub fn event(&mut self, event: Event) -> Result<EventMut<'_, 's, A>, StaleError> {
        self.tables.events.get(event).ok_or(StaleError)?;
        Ok(EventMut::new(self, event, EventFlags::NONE))
    }
}

impl<'s, A> Deref for EventMut<'_, 's, A> {
    type Target = Cx<'s, A>;

    fn deref(&self) -> &Self::Target {
        self.cx
    }
}

impl<A> DerefMut for EventMut<'_, '_, A> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.cx
    }
}

impl<'c, 's, A> EventMut<'c, 's, A> {
    pub(crate) const fn new(cx: &'c mut Cx<'s, A>, event: Event, what: EventFlags) -> Self {
        Self { cx, event, what }
    }

    /// Returns the event's handle, which can be stored.
    pub const fn id(&self) -> Event {
        self.event
    }

    /// In the event's callback, returns the conditions for which the callback is called. Elsewhere returns
    /// [`EventFlags::NONE`].
    pub const fn what(&self) -> EventFlags {
        self.what
    }

    /// Returns access to the loop.
    pub const fn cx(&mut self) -> &mut Cx<'s, A> {
        self.cx
    }
}

impl<A> EventMut<'_, '_, A> {
    /// Makes the event pending (`event_add`): it waits for its source or signal. With a `timeout` the event also
    /// becomes active when this time has passed. The new deadline replaces an earlier deadline. Without a `timeout`, an
    /// earlier deadline stays.
    ///
    /// A new timeout cancels a callback that is due for an earlier timeout.
    ///
    /// # Errors
    /// [`AddError::SourceClosed`] when the event's source was closed. [`AddError::MixedEdge`] when this event is
    /// edge-triggered and other events of the source are level-triggered, or this event is level-triggered and the
    /// others are edge-triggered. After an error nothing has changed.
    pub fn add(&mut self, timeout: Option<Duration>) -> Result<(), AddError> {
        self.cx.event_add(self.event, timeout)
    }

    /// Removes the timeout (`event_remove_timer`). The event still waits for its source or signal.
    pub fn remove_timeout(&mut self) {
        self.cx.event_stop_timeout(self.event);
    }

    /// Makes the event neither pending nor active (`event_del`): its callback will not run, even
    /// if it was due.
    pub fn del(&mut self) {
        self.cx.event_del(self.event);
    }

    /// Makes the callback due with `what` (`event_active`), whether the event is pending or not. An event whose
    /// callback runs now is called again in the next pass, not in the current pass.
    pub fn activate(&mut self, what: EventFlags) {
        self.cx.event_activate(self.event, what);
    }

    /// Returns the conditions that the event waits for, and the conditions for which its callback is due
    /// (`event_pending`).
    pub fn pending(&self) -> EventFlags {
        let Some(state) = self.state() else { return EventFlags::NONE };
        let timer = if self.deadline().is_some() { EventFlags::TIMEOUT } else { EventFlags::NONE };
        state.pending() | timer | EventFlags::from_bits(state.node.due())
    }

    /// Returns the deadline of the event's timeout, if the timeout is armed.
    pub fn deadline(&self) -> Option<Instant> {
        self.cx.event_deadline(self.event.slot(), self.state()?)
    }

    /// Returns the time until the event's deadline; zero when the deadline has passed.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.since(self.cx.now))
    }

    /// Returns the event's priority.
    pub fn priority(&self) -> Priority {
        self.state().map(|state| state.node.priority()).unwrap_or_default()
    }

    /// Sets the event's priority (`event_priority_set`).
    ///
    /// # Errors
    /// [`StillActiveError`] while the event's callback is due.
    pub fn set_priority(&mut self, priority: Priority) -> Result<(), StillActiveError> {
        let state = self.cx.tables.events.get_mut(self.event);
        state.map_or(Ok(()), |state| state.node.set_priority(priority))
    }

    /// Sets the event's callback.
    pub fn on_fire(&mut self, call: OnEvent<A>) -> &mut Self {
        if let Some(state) = self.cx.tables.events.get_mut(self.event) {
            state.call = Some(call);
        }
        self
    }

    /// Returns the application's data word, initially zero.
    pub fn user(&self) -> u32 {
        self.state().map_or(0, |state| state.user)
    }

    /// Sets the application's data word.
    pub fn set_user(&mut self, user: u32) -> &mut Self {
        if let Some(state) = self.cx.tables.events.get_mut(self.event) {
            state.user = user;
        }
        self
    }

    /// Deletes the event and frees its slot (`event_free`). Afterwards the event's handle is stale.
    pub fn free(&mut self) {
        self.cx.event_free(self.event);
    }

    fn state(&self) -> Option<&EventSlot<A>> {
        self.cx.tables.events.get(self.event)
    }
}

// These functions implement the methods of [`EventMut`]. Other parts of the loop call them too.
impl<A> Cx<'_, A> {
    pub(crate) fn event_add(
        &mut self,
        event: Event,
        timeout: Option<Duration>,
    ) -> Result<(), AddError> {
        let Some(slot) = self.tables.events.get(event) else { return Ok(()) };
        if slot.has(flag::WAITS) {
            self.event_register(event)?;
        }
        if let Some(timeout) = timeout {
            self.event_begin_timeout(event, micros(timeout));
        }
        Ok(())
    }

    pub(crate) fn event_del(&mut self, event: Event) {
        let Some(slot) = self.tables.events.get_mut(event) else { return };
        slot.node.set(flag::REARM, false);
        let queued = slot.node.is_queued();
        self.event_disarm(event.slot());
        if queued || self.repeat.is_some() {
            self.event_deactivate(event);
        }
        self.event_unregister(event);
    }

    pub(crate) fn event_free(&mut self, event: Event) {
        self.event_del(event);
        self.tables.events.remove(event);
    }
}
