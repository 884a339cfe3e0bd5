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
        let state = slot.turn.state;
        if state & flag::ONE_SHOT == 0 {
            slot.interval = interval;
            slot.turn.state = state | flag::REARM;
            self.hooks.event_rearm = Some(|cx, index, what| cx.event_rearm(index, what));
        }
        if slot.turn.is_queued() {
            self.event_take_back_timeout(event);
        }
        self.event_arm(index, self.now.plus(interval));
    }

    /// Cancels a callback that is due for a timeout. If the callback was due for readiness, too, asks the back end to
    /// check the source again.
    #[inline(never)]
    fn event_take_back_timeout(&mut self, event: Event) {
        let Some(slot) = self.tables.events.get(event) else { return };
        let due = EventFlags::from_bits(slot.turn.due());
        if due.contains(EventFlags::TIMEOUT) {
            self.event_deactivate(event);
            if due.intersects(EventFlags::IO) {
                self.event_ask_again(event.slot());
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
        self.note_added();
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
            slot.turn.set(flag::REARM, false);
            self.event_disarm(event.slot());
        }
    }

    /// Activates the events whose deadline comes before another alarm and no later than `due`, in the order of their
    /// deadlines. Removes cancelled timers that have reached the top of the heap. Returns the earliest deadline that
    /// is left, [`Instant::MAX`] if there is none.
    fn event_expire(&mut self, before: Option<&Alarm>, due: Instant) -> Instant {
        while let Some(index) = self.timers.events.first() {
            let alarm = self.timers.events.alarm(index);
            let Some(slot) = self.tables.events.slot_mut(index) else { break };
            let state = slot.turn.state;
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

    /// Takes a one-shot event off the list of its source or signal when its timeout has passed, unless
    /// the event is active already.
    #[inline(never)]
    fn event_unregister_unqueued(&mut self, index: u16) {
        if let Some((event, slot)) = self.tables.events.at(index)
            && !slot.turn.is_queued()
        {
            self.event_unregister(event);
        }
    }

    /// Re-arms a persistent event that fires with `what`.
    fn event_rearm(&mut self, index: u16, what: EventFlags) {
        let Some(slot) = self.tables.events.slot(index) else { return };
        let is_late = what.contains(EventFlags::TIMEOUT);
        let from = if is_late { self.timers.events.alarm(index).deadline } else { self.now };
        let on_time = from.plus(slot.interval);
        let missed = on_time < self.now;
        self.event_arm(index, if missed { self.now.plus(slot.interval) } else { on_time });
    }
}
