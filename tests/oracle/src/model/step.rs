//! The steps of a program, and their output.

use super::{Event, Model, Pace, Place, Timer, Who};
use crate::{
    differences::Switch,
    program::{Id, MAX_ID, Op, Timeout, Waits, bits, socket},
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
            | Op::Ask(_) => self.step_on_event(op),
            Op::Make(id) => {
                if self.by_id[usize::from(id)].is_none() {
                    self.make(id);
                }
            }
            Op::Counts => {
                let (added, active) = (self.added(), self.active.now);
                self.say(format_args!(" {added} {active}"));
            }
            Op::Peaks => self.step_peaks(),
            Op::All => self.step_all(),
            Op::Got => {
                let (exit, stop) = self.got();
                self.say(format_args!(" {exit} {stop}"));
            }
            Op::Exit(after) => self.step_exit(after),
            Op::Break => self.got_break = true,
            Op::Continue => self.cut_short = true,
            Op::Take(ms) => self.world.clock += ms,
            Op::Look => {
                if self.kept_now.is_some() {
                    self.kept_now = Some(self.world.clock);
                }
            }
            Op::Ready(source, what) => self.world.ready(source, what),
            Op::Raise(signal, count) => self.world.raise(signal, count),
            Op::Peer(id, peer) => {
                self.say(format_args!(" {id}"));
                self.world.sockets[socket(id)].peer(peer);
            }
            Op::Write(..)
            | Op::Some(..)
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
        self.say(format_args!(" {id}"));
        let pace = match timeout {
            Timeout::None => None,
            Timeout::After(ms) => Some(Pace { ms, common: None }),
            Timeout::Common(number) => {
                let common = self.common_of[number];
                Some(Pace { ms: self.commons[common].ms, common: Some(common) })
            }
        };
        let accepted = match (self.by_id[usize::from(id)], self.plan.decl(id)) {
            (Some(event), _) => self.add(event, pace),
            (None, Some(decl)) if decl.once => self.once(id, decl.waits, decl.what, pace),
            (None, _) => {
                self.trace.push_str(" gone");
                return;
            }
        };
        self.trace.push_str(if accepted { " ok" } else { " refused" });
    }

    /// `event_base_once`.
    fn once(&mut self, id: Id, waits: Waits, what: u8, pace: Option<Pace>) -> bool {
        let slot = self.take_slot();
        let event = self.events.len();
        self.events.push(Event { what, slot: Some(slot), ..Event::new(Who::Once(id), waits) });
        if waits == Waits::Nothing && pace.is_none_or(|pace| pace.ms == 0) {
            self.activate(event, bits::TIMEOUT, None);
            return true;
        }
        let accepted = self.add(event, pace);
        if !accepted {
            self.give_slot(event);
        }
        accepted
    }

    fn step_on_event(&mut self, op: Op) {
        let Some(id) = op.id() else { return };
        self.say(format_args!(" {id}"));
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
            _ => self.step_ask(event),
        }
    }

    fn step_ask(&mut self, event: Place) {
        let pending = self.pending(event);
        self.say(format_args!(" {pending:02x}"));
        let Event { timer, deadline, priority, .. } = self.events[event];
        if timer != Timer::None {
            let left = deadline.saturating_sub(self.now());
            self.say(format_args!(" until {deadline} in {left}"));
        }
        self.say(format_args!(" prio {priority}"));
    }

    fn step_peaks(&mut self) {
        let (added, active) = (self.added.peak, self.active.peak);
        self.say(format_args!(" {added} {active}"));
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
                self.say(format_args!(" {id}:{pending:02x}"));
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
        self.events.push(Event::new(Who::Exit, Waits::Nothing));
        match after.unwrap_or(0) {
            0 => self.activate(event, bits::TIMEOUT, None),
            ms => {
                let _ = self.add(event, Some(Pace { ms, common: None }));
            }
        }
    }
}
