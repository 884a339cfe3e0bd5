//! Activates and fires events. When an event fires, this module also deletes, re-arms or frees the event if its mode
//! requires it.

use core::num::NonZeroU16;

use super::flag;
use crate::handle::Event;
use crate::hooks::OneShot;
use crate::pass::Step;
use crate::queue::Id;
use crate::table::Slot;
use crate::{Cx, EventFlags};

impl<A> Cx<'_, A> {
    /// Makes the event's callback due with `what`.
    pub(super) fn event_activate(&mut self, event: Event, what: EventFlags) {
        let Some(slot) = self.tables.events.get_mut(event) else { return };
        if what.contains(EventFlags::SIGNAL) {
            slot.count_raises(0);
        }
        self.activate_event_quickly(Id::at(event.slot()), what.bits());
    }

    /// Fires the event in the slot `id`, and returns its callback. `id` is the first slot in the queue of the current
    /// pass, or [`Id::NONE`] if the queue is empty. Returns [`Step::End`] if the queue is empty, or if the slot has
    /// already run in this pass. Returns [`Step::Slow`] if the slot is not the slot of an event.
    #[inline]
    pub(crate) fn event_fire(&mut self, id: Id) -> Step<A> {
        let Some(slot) = self.tables.events.by_id(id) else {
            return if id.is_none() { Step::End } else { Step::Slow };
        };
        if self.queues.has_run(&slot.node) {
            return Step::End;
        }
        let event = slot.head().handle();
        let (call, on_fire) = (slot.call, slot.node.state & flag::ON_FIRE);
        let what = EventFlags::from_bits(self.queues.done(&mut slot.node));
        if on_fire == flag::RECHECK {
            if what.intersects(EventFlags::IO) {
                self.event_recheck(event.slot());
            }
        } else if on_fire != 0 {
            self.event_on_fire(event, on_fire, what);
        }
        match call {
            Some(call) => Step::Call(call, event, what),
            None => Step::Slow,
        }
    }

    /// Does the additional work for an event that fires with `what`. `flags` are the event's flags that are in
    /// [`flag::ON_FIRE`].
    #[inline(never)]
    fn event_on_fire(&mut self, event: Event, flags: u32, what: EventFlags) {
        let index = event.slot();
        if flags & flag::RAISES != 0
            && let Some(slot) = self.tables.events.slot_mut(index)
            && let Some(further) = NonZeroU16::new(slot.take_further_raises())
        {
            self.repeat = Some((event, further));
            self.state.slow = true;
        }
        if flags & flag::DELETE != 0
            && let Some(one_shot) = self.hooks.one_shot
        {
            one_shot(self, event, OneShot::Fires);
        }
        if flags & flag::REARM != 0
            && let Some(rearm) = self.hooks.event_rearm
        {
            rearm(self, index, what);
        }
        if flags & flag::RECHECK != 0 && what.intersects(EventFlags::IO) {
            self.event_recheck(index);
        }
        if flags & flag::FREE != 0 {
            self.fired_once = event;
            self.state.slow = true;
        }
    }

    /// When a one-shot event fires, makes it not pending. When the callback of an event with [`flag::FREE`] has run,
    /// frees the event, unless the callback made it pending or active again.
    pub(crate) fn event_one_shot(&mut self, event: Event, what: OneShot) {
        match what {
            OneShot::Fires => {
                self.event_disarm(event.slot());
                self.event_unregister(event);
            }
            OneShot::HasRun => {
                let Some(slot) = self.tables.events.get(event) else { return };
                if !slot.has(flag::ARMED | flag::REGISTERED) && !slot.node.is_queued() {
                    self.tables.events.remove(event);
                }
            }
        }
    }

    /// Frees the event in `fired_once`, whose callback has run, if there is one.
    pub(crate) fn free_fired_once(&mut self) {
        let event = core::mem::replace(&mut self.fired_once, Event::NONE);
        if event != Event::NONE
            && let Some(one_shot) = self.hooks.one_shot
        {
            one_shot(self, event, OneShot::HasRun);
        }
    }

    /// Cancels the callback of an event, if it is due.
    pub(super) fn event_deactivate(&mut self, event: Event) {
        self.queues.remove(&mut self.tables, Id::at(event.slot()));
        if let Some(slot) = self.tables.events.get_mut(event) {
            slot.node.set_due(0);
            if slot.has(flag::RAISES) {
                slot.take_further_raises();
            }
        }
        if self.repeat.is_some_and(|(repeated, _)| repeated == event) {
            self.repeat = None;
        }
    }
}
