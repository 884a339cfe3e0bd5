//! An event's timeout: arming, expiry, and re-arming when the event fires.

use super::{EventSlot, flag};
use crate::handle::Event;
use crate::queue::Id;
use crate::timers::Alarm;
use crate::{Cx, EventFlags, Instant};

impl<A> Cx<'_, A> {
    /// Arms an event's timeout, `interval` microseconds from now. This replaces an earlier deadline, and cancels a
    /// callback that is due for the earlier deadline.
    pub(crate) fn event_begin_timeout(&mut self, event: Event, interval: u64) {
        self.hooks.event_expire = Some(|cx, before, due| cx.event_expire(before, due));
        let index = event.slot();
        let Some(slot) = self.tables.events.slot_mut(index) else { return };
        let state = slot.node.state;
        if state & flag::ONE_SHOT == 0 {
            slot.interval = interval;
            slot.node.state = state | flag::REARM;
            self.hooks.event_rearm = Some(|cx, index, what| cx.event_rearm(index, what));
        }
        if slot.node.is_queued() {
            self.event_cancel_due_timeout(event);
        }
        self.event_arm(index, self.now.plus(interval));
    }

    /// Cancels a callback that is due for a timeout. If the callback was due for readiness, too, the report of this
    /// readiness is lost. In this case, the function requests that the back end checks the source again. If the
    /// callback was due for a change of the network, too, it stays due for this change.
    #[inline(never)]
    fn event_cancel_due_timeout(&mut self, event: Event) {
        let Some(slot) = self.tables.events.get_mut(event) else { return };
        let due = EventFlags::from_bits(slot.node.due());
        if due.contains(EventFlags::TIMEOUT) {
            let others = due.without(EventFlags::TIMEOUT);
            let is_for_network = slot.node.state & flag::WAITS == flag::NETWORK;
            if cfg!(feature = "network") && is_for_network && !others.is_empty() {
                // The back end reports a change of the network only once.
                return slot.node.set_due(others.bits());
            }
            self.event_deactivate(event);
            if due.intersects(EventFlags::IO) {
                self.event_recheck(event.slot());
            }
        }
    }

    /// Sets the deadline of the event in a slot.
    fn event_arm(&mut self, index: u16, deadline: Instant) {
        let Some(slot) = self.tables.events.slot_mut(index) else { return };
        if slot.has(flag::ARMED) {
            self.due_moved |= self.timers.events.alarm(index).deadline <= self.due_from;
        } else {
            slot.set_pending(flag::ARMED, true);
            self.armed = self.armed.wrapping_add(1);
        }
        self.due_from = self.due_from.min(deadline);
        let alarm = self.next_alarm(deadline);
        self.timers.events.arm(index, alarm);
        self.update_added_peak();
    }

    /// Returns an event's deadline, if its timeout is armed.
    pub(crate) fn event_deadline(&self, index: u16, slot: &EventSlot<A>) -> Option<Instant> {
        slot.has(flag::ARMED).then(|| self.timers.events.alarm(index).deadline)
    }

    /// Removes the deadline of the event in a slot.
    pub(super) fn event_disarm(&mut self, index: u16) {
        if let Some(slot) = self.tables.events.slot_mut(index).filter(|slot| slot.has(flag::ARMED))
        {
            slot.set_pending(flag::ARMED, false);
            self.armed = self.armed.wrapping_sub(1);
            self.due_moved |= self.timers.events.alarm(index).deadline <= self.due_from;
        }
    }

    pub(super) fn event_stop_timeout(&mut self, event: Event) {
        if let Some(slot) = self.tables.events.get_mut(event) {
            slot.node.set(flag::REARM, false);
            self.event_disarm(event.slot());
        }
    }

    /// Activates the events whose deadline is `due` or earlier, in the order of their deadlines. If `before` is given,
    /// activates only the events whose alarm precedes `before`. Removes cancelled timers that have reached the top of
    /// the heap. Returns the earliest deadline that is left; [`Instant::MAX`] if there is none.
    fn event_expire(&mut self, before: Option<&Alarm>, due: Instant) -> Instant {
        while let Some(index) = self.timers.events.first() {
            let alarm = self.timers.events.alarm(index);
            let Some(slot) = self.tables.events.slot_mut(index) else { break };
            let state = slot.node.state;
            let comes_later =
                alarm.deadline > due || before.is_some_and(|before| before.precedes(alarm));
            if state & flag::ARMED != 0 && comes_later {
                return alarm.deadline;
            }
            slot.set_pending(flag::ARMED, false);
            self.timers.events.remove_first();
            if state & flag::ARMED != 0 {
                self.armed = self.armed.wrapping_sub(1);
                if state & (flag::REGISTERED | flag::ONE_SHOT) == flag::REGISTERED | flag::ONE_SHOT
                {
                    self.event_unregister_unqueued(index);
                }
                self.activate(Id::at(index), EventFlags::TIMEOUT.bits());
            }
        }
        Instant::MAX
    }

    /// Removes a one-shot event from the list of its source or signal, because its timeout has passed. So the source or
    /// the signal cannot activate the event any more. Does nothing if the event is queued, that is, if its callback is
    /// already due.
    #[inline(never)]
    fn event_unregister_unqueued(&mut self, index: u16) {
        if let Some((event, slot)) = self.tables.events.at(index)
            && !slot.node.is_queued()
        {
            self.event_unregister(event);
        }
    }

    /// Re-arms a persistent event that fires with `what`.
    fn event_rearm(&mut self, index: u16, what: EventFlags) {
        let Some(slot) = self.tables.events.slot(index) else { return };
        let timed_out = what.contains(EventFlags::TIMEOUT);
        let from = if timed_out { self.timers.events.alarm(index).deadline } else { self.now };
        let next = from.plus(slot.interval);
        let missed = next < self.now;
        self.event_arm(index, if missed { self.now.plus(slot.interval) } else { next });
    }
}
