//! An event's deadline: begun, moved, passed, and set again for the next beat.

use super::Pace;
use crate::handle::Event;
use crate::{Cx, Instant, What};

impl<A> Cx<'_, A> {
    /// Sets a deadline in place of one there may be, and takes back a callback that is due for that.
    pub(super) fn event_begin_timeout(&mut self, event: Event, pace: Pace, interval: u64) {
        let Some(state) = self.tables.events.get_mut(event) else { return };
        if state.is_persistent() {
            state.set_pace(pace);
        }
        if state.turn.is_queued() && state.result.contains(What::TIMEOUT) {
            let was_ready = state.result.intersects(What::IO);
            self.event_deactivate(event);
            if was_ready {
                self.event_ask_again(event);
            }
        }
        self.event_arm(event, pace, self.now.plus(interval));
    }

    /// Takes the event's deadline away.
    pub(super) fn event_disarm(&mut self, event: Event) {
        self.timers.cancel(event.index());
        if let Some(leave) = self.parts.common_leave
            && let Some(state) = self.tables.events.get_mut(event)
            && let Some(timeout) = state.on_common.take()
        {
            leave(self, event, timeout);
        }
    }

    /// When the event's timeout passes.
    pub(crate) fn event_deadline(&self, event: Event) -> Option<Instant> {
        let state = self.tables.events.get(event)?;
        let on_common = state.on_common.map(|_| self.timers.last(event.index()).at());
        on_common.or_else(|| self.timers.deadline(event.index()))
    }

    pub(super) fn event_stop_timeout(&mut self, event: Event) {
        self.event_disarm(event);
        if let Some(state) = self.tables.events.get_mut(event) {
            state.set_pace(Pace::None);
        }
    }

    /// The event's timeout has passed.
    pub(crate) fn event_timed_out(&mut self, index: u16) {
        let Some((event, state)) = self.tables.events.at(index) else { return };
        let over = state.registered && !state.is_persistent() && !state.turn.is_queued();
        self.event_disarm(event);
        if over {
            self.event_unregister(event);
        }
        self.event_activate_at(index, What::TIMEOUT);
    }

    /// Sets the next deadline of a persistent event that fires with `what`.
    pub(super) fn event_beat(&mut self, event: Event, what: What) {
        let Some(state) = self.tables.events.get(event) else { return };
        let pace = state.pace;
        let interval = match pace {
            Pace::None => None,
            Pace::Every(interval) => Some(interval),
            Pace::Common(timeout) => self.common_interval(timeout).ok(),
        };
        if let Some(interval) = interval {
            let last = self.timers.last(event.index()).at();
            let from = if what.contains(What::TIMEOUT) { last } else { self.now };
            let on_time = from.plus(interval);
            let missed = on_time < self.now;
            self.event_arm(event, pace, if missed { self.now.plus(interval) } else { on_time });
        }
    }

    pub(super) fn event_arm(&mut self, event: Event, pace: Pace, deadline: Instant) {
        // A list of its own is left before another is joined; the heap is left by its own way.
        if self.parts.common_join.is_some() {
            self.event_disarm(event);
        }
        match (pace, self.parts.common_join) {
            (Pace::Common(timeout), Some(join)) => join(self, event, (timeout, deadline)),
            _ => {
                let key = self.key(deadline, event.index());
                self.timers.arm(key);
            }
        }
        self.note_added();
    }
}
