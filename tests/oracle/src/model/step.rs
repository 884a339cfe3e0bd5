//! The steps of a program, and their lines in the trace.

use super::{Event, EventIndex, Interval, Model, Owner, Timer};
use crate::{
    differences::Switch,
    program::{Id, MAX_ID, Op, Timeout, WaitsFor, bits, socket},
};

impl Model {
    /// Performs one step.
    pub(super) fn step(&mut self, op: Op) {
        if let Op::Run(flags) = op {
            return self.run(flags);
        }
        self.trace.push(' ');
        self.trace.push_str(op.name());
        match op {
            Op::Add(id, timeout) => self.step_add(id, timeout),
            Op::Del(_)
            | Op::Activate(..)
            | Op::Priority(..)
            | Op::RemoveTimer(_)
            | Op::Free(_)
            | Op::Query(_) => self.step_on_event(op),
            Op::Make(id) => {
                if self.by_id[usize::from(id)].is_none() {
                    self.make(id);
                }
            }
            Op::Counts => {
                let (added, active) = (self.added(), self.active.now);
                self.write_trace(format_args!(" {added} {active}"));
            }
            Op::Peaks => self.step_peaks(),
            Op::All => self.step_all(),
            Op::Got => {
                let (exit, stop) = self.stop_flags();
                self.write_trace(format_args!(" {exit} {stop}"));
            }
            Op::Exit(after) => self.step_exit(after),
            Op::Break => self.got_break = true,
            Op::Continue => self.cut_short = true,
            Op::PassTime(ms) => self.world.clock += ms,
            Op::UpdateNow => {
                if self.cached_now.is_some() {
                    self.cached_now = Some(self.world.clock);
                }
            }
            Op::Ready(source, what) => self.world.set_ready(source, what),
            Op::Raise(signal, count) => self.world.raise(signal, count),
            Op::Peer(id, action) => {
                self.write_trace(format_args!(" {id}"));
                self.world.sockets[socket(id)].perform(action);
            }
            Op::Write(..)
            | Op::WriteSome(..)
            | Op::Room(..)
            | Op::Consume(..)
            | Op::Enable(..)
            | Op::Disable(..)
            | Op::Timeouts(..)
            | Op::Again(_)
            | Op::Refill(_)
            | Op::Marks(..)
            | Op::State(_)
            | Op::Finish(_)
            | Op::Abort(_) => self.step_on_conn(op),
            Op::Watch(id) => self.add_watcher(id),
            Op::Unwatch(id) => self.remove_watcher(id),
            Op::Run(_) => {}
        }
        self.trace.push('\n');
    }

    fn step_add(&mut self, id: Id, timeout: Timeout) {
        self.write_trace(format_args!(" {id}"));
        let interval = match timeout {
            Timeout::None => None,
            Timeout::After(ms) => Some(Interval { ms, common: None }),
            Timeout::Common(number) => {
                let common = self.common_index[number];
                Some(Interval { ms: self.commons[common].ms, common: Some(common) })
            }
        };
        let accepted = match (self.by_id[usize::from(id)], self.plan.decl(id)) {
            (Some(event), _) => self.add(event, interval),
            (None, Some(decl)) if decl.once => self.once(id, decl.waits, decl.what, interval),
            (None, _) => {
                self.trace.push_str(" gone");
                return;
            }
        };
        self.trace.push_str(if accepted { " ok" } else { " refused" });
    }

    /// Models `event_base_once`.
    fn once(&mut self, id: Id, waits: WaitsFor, what: u8, interval: Option<Interval>) -> bool {
        let slot = self.take_slot();
        let event = self.events.len();
        self.events.push(Event { what, slot: Some(slot), ..Event::new(Owner::Once(id), waits) });
        if waits == WaitsFor::Nothing && interval.is_none_or(|interval| interval.ms == 0) {
            self.activate(event, bits::TIMEOUT, None);
            return true;
        }
        let accepted = self.add(event, interval);
        if !accepted {
            self.give_slot(event);
        }
        accepted
    }

    fn step_on_event(&mut self, op: Op) {
        let Some(id) = op.id() else { return };
        self.write_trace(format_args!(" {id}"));
        let Some(event) = self.by_id[usize::from(id)] else {
            self.trace.push_str(" gone");
            return;
        };
        match op {
            Op::Del(_) => self.delete(event),
            Op::Activate(_, what) => self.activate(event, what, None),
            Op::Priority(_, priority) => {
                let may = !self.events[event].queued;
                if may {
                    self.events[event].priority = usize::from(priority);
                }
                self.trace.push_str(if may { " ok" } else { " refused" });
            }
            Op::RemoveTimer(_) => self.remove_timer(event),
            Op::Free(id) => {
                self.delete(event);
                self.give_slot(event);
                self.by_id[usize::from(id)] = None;
            }
            _ => self.step_query(event),
        }
    }

    fn step_query(&mut self, event: EventIndex) {
        let pending = self.pending(event);
        self.write_trace(format_args!(" {pending:02x}"));
        let Event { timer, deadline, priority, .. } = self.events[event];
        if timer != Timer::None {
            let left = deadline.saturating_sub(self.now());
            self.write_trace(format_args!(" until {deadline} in {left}"));
        }
        self.write_trace(format_args!(" prio {priority}"));
    }

    fn step_peaks(&mut self) {
        let (added, active) = (self.added.peak, self.active.peak);
        self.write_trace(format_args!(" {added} {active}"));
        let to_zero = !self.ours(Switch::Peaks);
        for count in [&mut self.added, &mut self.active] {
            count.peak = if to_zero { 0 } else { count.now };
        }
    }

    fn step_all(&mut self) {
        for id in 0..MAX_ID {
            let Some(event) = self.by_id[id] else { continue };
            let state = &self.events[event];
            let is_idle = state.timer == Timer::None && !state.queued;
            if state.registered || !is_idle {
                let pending = self.pending(event);
                self.write_trace(format_args!(" {id}:{pending:02x}"));
            }
        }
    }

    fn step_exit(&mut self, after: Option<u64>) {
        if self.ours(Switch::ExitFlag) {
            if after.is_none() && self.in_pass {
                self.got_exit = true;
            } else {
                let at = self.now() + after.unwrap_or(0);
                self.exit_at = Some(self.exit_at.map_or(at, |earlier| earlier.min(at)));
            }
            return;
        }
        let event = self.events.len();
        self.events.push(Event::new(Owner::Exit, WaitsFor::Nothing));
        match after.unwrap_or(0) {
            0 => self.activate(event, bits::TIMEOUT, None),
            ms => {
                let _ = self.add(event, Some(Interval { ms, common: None }));
            }
        }
    }
}
