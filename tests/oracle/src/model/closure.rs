//! Calls the callbacks of events. First, the next deadline of a persistent event is set. Then the callback is called,
//! and repeated if a signal was raised more than once. Each call runs the script: the steps that the program has for
//! this call.

use super::{EventIndex, Model};
use crate::{
    differences::Switch,
    program::{Id, MOST_CALLS, WaitsFor, bits},
};

impl Model {
    /// Sets the next deadline of a persistent event that fires.
    pub(super) fn rearm(&mut self, event: EventIndex) {
        let state = &self.events[event];
        let zero_counts = self.ours(Switch::ZeroInterval);
        let interval = state.interval.filter(|pace| pace.ms > 0 || zero_counts);
        let Some(pace) = interval.filter(|_| state.persist) else { return };
        let now = self.now();
        let from = if state.result & bits::TIMEOUT != 0 { state.deadline } else { now };
        let on_time = from + pace.ms;
        let deadline = if on_time < now { now + pace.ms } else { on_time };
        self.register(event);
        self.begin_timeout(event, deadline, pace.common);
    }

    /// Calls the callback of a signal event, once for each call that is due.
    pub(super) fn signal_closure(&mut self, event: EventIndex, id: Id) {
        if self.ours(Switch::SignalInterval) {
            self.rearm(event);
        }
        let adds_up = self.ours(Switch::Raises);
        let state = &mut self.events[event];
        self.repeats = if adds_up { state.calls.max(1) } else { state.calls };
        self.repeating = Some(event);
        let keeps_apart = self.sides.ours(Switch::Repeats);
        let first = state.result;
        state.counted = !keeps_apart && self.repeats > 0;
        let mut is_first = true;
        while self.repeats > 0 {
            self.repeats -= 1;
            let what = if keeps_apart {
                if is_first { first } else { bits::SIGNAL }
            } else {
                let state = &mut self.events[event];
                state.calls = self.repeats;
                state.counted &= self.repeats > 0;
                state.result
            };
            is_first = false;
            self.call(id, what);
            if self.got_break {
                break;
            }
            if self.repeats > 0 {
                self.refresh_after_call();
            }
        }
        // The libevent runner clears the pointer that libevent leaves dangling here.
        self.events[event].counted = false;
        self.repeating = None;
    }

    /// Calls a callback of the application.
    pub(super) fn call(&mut self, id: Id, what: u8) {
        self.calls += 1;
        if self.is_over || self.calls > MOST_CALLS {
            (self.is_over, self.got_break) = (true, true);
            return;
        }
        self.write_position();
        let added = self.added();
        self.write_trace(format_args!("event {id} {what:02x} added {added}"));
        if let Some(event) = self.by_id[usize::from(id)] {
            let pending = self.pending(event);
            self.write_trace(format_args!(" pending {pending:02x}"));
        }
        self.trace.push('\n');
        if let Some(decl) = self.plan.decl(id).filter(|decl| decl.drain)
            && let WaitsFor::Source(source) = decl.waits
        {
            self.world.drain(source, what);
        }
        self.script(id);
    }

    /// Performs the steps of the current callback.
    pub(super) fn script(&mut self, id: Id) {
        let firing = self.firings[usize::from(id)];
        self.firings[usize::from(id)] += 1;
        let plan = self.plan.clone();
        for op in plan.script(id, firing) {
            if self.is_over {
                return;
            }
            self.step(op);
        }
    }
}
