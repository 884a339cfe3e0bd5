//! Adding, deleting and activating events.

use super::{Event, EventIndex, Interval, Model, Owner, Timer};
use crate::{
    differences::Switch,
    program::{WaitsFor, bits},
};

impl Model {
    /// Models `event_add`. Returns whether the event was accepted.
    pub(super) fn add(&mut self, event: EventIndex, timeout: Option<Interval>) -> bool {
        if !self.register(event) {
            return false;
        }
        if let Some(pace) = timeout {
            let new = &mut self.events[event];
            if new.persist && (!new.is_signal() || self.sides.ours(Switch::SignalInterval)) {
                new.interval = Some(pace);
            }
            self.begin_timeout(event, self.now() + pace.ms, pace.common);
        }
        true
    }

    /// Sets a deadline. If the callback is already due for an earlier deadline, cancels this callback.
    pub(super) fn begin_timeout(
        &mut self,
        event: EventIndex,
        deadline: u64,
        common: Option<usize>,
    ) {
        self.disarm(event);
        let state = &self.events[event];
        if state.queued && state.result & bits::TIMEOUT != 0 {
            self.stop_repeats(event);
            self.dequeue(event);
        }
        self.arm(event, deadline, common);
    }

    /// Models `event_del`, called by the application.
    pub(super) fn delete(&mut self, event: EventIndex) {
        self.remove(event);
        if self.ours(Switch::StaleInterval) {
            self.events[event].interval = None;
        }
    }

    /// Removes an event from every list.
    pub(super) fn remove(&mut self, event: EventIndex) {
        self.stop_repeats(event);
        self.disarm(event);
        self.dequeue(event);
        self.unregister(event);
    }

    /// Models `event_remove_timer`.
    pub(super) fn remove_timer(&mut self, event: EventIndex) {
        let had_one = self.events[event].timer != Timer::None;
        self.disarm(event);
        let is_signal = self.events[event].is_signal();
        // In libevent, a signal's interval and its callback counter share memory, so both are cleared.
        if had_one && is_signal && !self.ours(Switch::SignalTimer) {
            (self.events[event].calls, self.events[event].counted) = (0, false);
        }
        if had_one || self.ours(Switch::StaleInterval) {
            self.events[event].interval = None;
        }
    }

    /// Models `event_active`. `raises` is the number of raises if a signal was raised.
    pub(super) fn activate(&mut self, event: EventIndex, what: u8, raises: Option<u32>) {
        let adds_up = self.ours(Switch::Raises);
        let has_run_now = self.has_run(event);
        let state = &mut self.events[event];
        if state.queued {
            state.result |= what;
            if adds_up {
                state.calls += raises.unwrap_or(0);
            }
            return;
        }
        state.result = what;
        state.calls = raises.unwrap_or(if adds_up { 0 } else { 1 });
        state.counted = false;
        let (priority, is_internal) = (state.priority, state.is_internal());
        state.queued = true;
        self.queues[priority].push_back(event);
        let again = has_run_now && self.sides.ours(Switch::OncePerPass);
        self.cut_short |= !again && self.running.is_some_and(|running| priority < running);
        self.active.increment(false);
        self.added.increment(is_internal);
    }

    /// Returns whether the event's slot has run in this pass.
    pub(super) fn has_run(&self, event: EventIndex) -> bool {
        self.events[event].slot.is_some_and(|slot| self.last_pass[slot] == self.pass)
    }

    /// Removes an event from the queues.
    pub(super) fn dequeue(&mut self, event: EventIndex) {
        let state = &mut self.events[event];
        if !std::mem::take(&mut state.queued) {
            return;
        }
        self.queues[state.priority].retain(|other| *other != event);
        self.active.now -= 1;
        if !state.is_internal() {
            self.added.now -= 1;
        }
    }

    /// If the signal callback that runs now belongs to this event, cancels the remaining repeats of the callback.
    fn stop_repeats(&mut self, event: EventIndex) {
        let state = &self.events[event];
        let is_meant = if self.ours(Switch::Repeats) {
            self.repeating == Some(event)
        } else {
            state.is_signal() && state.calls != 0 && state.counted
        };
        if is_meant {
            self.repeats = 0;
        }
    }

    /// Puts an event on the list of its source or signal. Returns `false` if the source does not accept the event.
    pub(super) fn register(&mut self, event: EventIndex) -> bool {
        let state = &self.events[event];
        let is_due = state.queued;
        if state.registered || (is_due && !self.ours(Switch::AddActive)) {
            return true;
        }
        let newest_first = !self.ours(Switch::EventOrder);
        match state.waits {
            WaitsFor::Nothing => return true,
            WaitsFor::Source(source) => {
                let edge = state.edge;
                let others = &self.on_source[usize::from(source)];
                let is_mixed = others.iter().any(|other| self.events[*other].edge != edge);
                if is_mixed && self.ours(Switch::MixedTriggering) {
                    return false;
                }
                let before = self.interest(source);
                put(&mut self.on_source[usize::from(source)], event, newest_first);
                self.update_interest(source, before, edge);
            }
            WaitsFor::Signal(signal) => {
                put(&mut self.on_signal[usize::from(signal)], event, newest_first);
                if self.signal_reader.is_none() {
                    self.signal_reader = Some(self.events.len());
                    let reader = Event::new(Owner::Signals, WaitsFor::Nothing);
                    self.events.push(Event { priority: 0, persist: true, ..reader });
                    self.added.increment(true);
                }
            }
        }
        self.events[event].registered = true;
        self.added.increment(false);
        true
    }

    pub(super) fn unregister(&mut self, event: EventIndex) {
        let state = &mut self.events[event];
        if !std::mem::take(&mut state.registered) {
            return;
        }
        let edge = state.edge;
        match state.waits {
            WaitsFor::Nothing => {}
            WaitsFor::Source(source) => {
                let before = self.interest(source);
                self.on_source[usize::from(source)].retain(|other| *other != event);
                self.update_interest(source, before, edge);
            }
            WaitsFor::Signal(signal) => {
                self.on_signal[usize::from(signal)].retain(|other| *other != event);
            }
        }
        self.added.now -= 1;
    }

    /// Returns the conditions for which the events on a source wait.
    fn interest(&self, source: u8) -> u8 {
        let events = self.on_source[usize::from(source)].iter();
        events.fold(0, |sum, event| sum | self.events[*event].what)
    }

    /// If the awaited conditions of a source have changed, sets them in the virtual world. The event that caused the
    /// change decides whether the source is edge-triggered.
    fn update_interest(&mut self, source: u8, before: u8, edge: bool) {
        let after = self.interest(source);
        if after != before {
            self.world.set_interest(source, after, edge);
        }
    }
}

fn put(list: &mut Vec<EventIndex>, event: EventIndex, newest_first: bool) {
    let index = if newest_first { 0 } else { list.len() };
    list.insert(index, event);
}
