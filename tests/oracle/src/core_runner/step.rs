//! The steps of a program, performed by an application.

use std::time::Duration;

use picoevent::{Cx, Event, EventFlags, EventMut, Instant, Priority};

use super::{App, on_event};
use crate::program::{Id, Op, Timeout, WaitsFor, bits, socket};

pub(super) fn duration(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn instant(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

/// Returns the conditions for which an event waits, and the conditions for which its callback is due. The result has
/// only the bits that are compared with libevent.
pub(super) fn pending(cx: &mut Cx<'_, App>, event: Event) -> u8 {
    cx.event(event).map_or(0, |event| event.pending().bits() & bits::PENDING)
}

impl App {
    /// Performs one step, except running the loop, which a callback cannot do.
    pub(super) fn step(&mut self, cx: &mut Cx<'_, Self>, op: Op) {
        self.trace.push(' ');
        self.trace.push_str(op.name());
        match op {
            Op::Add(id, timeout) => self.step_add(cx, id, timeout),
            Op::Del(_)
            | Op::Activate(..)
            | Op::Priority(..)
            | Op::RemoveTimer(_)
            | Op::Free(_)
            | Op::Query(_) => self.step_on_event(cx, op),
            Op::Make(id) => {
                if self.events[usize::from(id)].is_none() {
                    self.make(cx, id);
                }
            }
            Op::Counts => {
                let counts = cx.counts();
                self.write_trace(format_args!(" {} {}", counts.added, counts.active));
            }
            Op::Peaks => {
                let peaks = cx.take_peaks();
                self.write_trace(format_args!(" {} {}", peaks.added, peaks.active));
            }
            Op::All => self.step_all(cx),
            Op::Got => {
                let (exit, stop) = (u8::from(cx.got_exit()), u8::from(cx.got_break()));
                self.write_trace(format_args!(" {exit} {stop}"));
            }
            Op::Exit(None) => cx.exit(),
            Op::Exit(Some(ms)) => cx.exit_after(duration(ms)),
            Op::Break => cx.loop_break(),
            Op::Continue => cx.loop_continue(),
            Op::PassTime(ms) => self.world.borrow_mut().clock += ms,
            Op::UpdateNow => cx.update_now(self.now()),
            Op::Ready(source, what) => self.world.borrow_mut().set_ready(source, what),
            Op::Raise(signal, count) => self.world.borrow_mut().raise(signal, count),
            Op::Peer(id, action) => {
                self.write_trace(format_args!(" {id}"));
                self.world.borrow_mut().sockets[socket(id)].perform(action);
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
            | Op::Abort(_) => self.step_on_conn(cx, op),
            Op::Watch(id) => {
                if let Some(mut watcher) = self.event(cx, id) {
                    let added = watcher.add(None);
                    debug_assert!(added.is_ok(), "a watcher can always be added");
                }
            }
            Op::Unwatch(id) => {
                if let Some(mut watcher) = self.event(cx, id) {
                    watcher.del();
                }
            }
            Op::Run(_) => {}
        }
        self.trace.push('\n');
    }

    fn event<'c, 's>(&self, cx: &'c mut Cx<'s, Self>, id: Id) -> Option<EventMut<'c, 's, Self>> {
        cx.event(self.events[usize::from(id)]?).ok()
    }

    fn step_add(&mut self, cx: &mut Cx<'_, Self>, id: Id, timeout: Timeout) {
        self.write_trace(format_args!(" {id}"));
        if self.plan.decl(id).is_some_and(|decl| decl.once) {
            return self.step_once(cx, id, timeout);
        }
        // picoevent has no common timeouts. So an ordinary timeout replaces a common timeout.
        let timeout = match timeout {
            Timeout::After(ms) => Some(duration(ms)),
            Timeout::Common(number) => self.plan.commons.get(number).copied().map(duration),
            _ => None,
        };
        let Some(mut event) = self.event(cx, id) else {
            self.trace.push_str(" gone");
            return;
        };
        let added = event.add(timeout);
        self.trace.push_str(if added.is_ok() { " ok" } else { " refused" });
    }

    fn step_once(&mut self, cx: &mut Cx<'_, Self>, id: Id, timeout: Timeout) {
        let plan = self.plan.clone();
        let Some(decl) = plan.decl(id) else { return };
        let timeout = match timeout {
            Timeout::After(ms) => Some(duration(ms)),
            _ => None,
        };
        let made = match decl.waits {
            WaitsFor::Source(number) => self.sources[usize::from(number)].and_then(|source| {
                cx.once(source, EventFlags::from_bits(decl.what), timeout, on_event).ok()
            }),
            _ => cx.after(timeout.unwrap_or_default(), on_event).ok(),
        };
        if let Some(mut event) = made.and_then(|event| cx.event(event).ok()) {
            event.set_user(u32::from(id));
        }
        self.trace.push_str(if made.is_some() { " ok" } else { " refused" });
    }

    fn step_on_event(&mut self, cx: &mut Cx<'_, Self>, op: Op) {
        let Some(id) = op.id() else { return };
        self.write_trace(format_args!(" {id}"));
        let Some(mut event) = self.event(cx, id) else {
            self.trace.push_str(" gone");
            return;
        };
        match op {
            Op::Del(_) => event.del(),
            Op::Activate(_, what) => event.activate(EventFlags::from_bits(what)),
            Op::Priority(_, level) => {
                let set = event.set_priority(Priority::new(level).unwrap_or_default());
                self.trace.push_str(if set.is_ok() { " ok" } else { " refused" });
            }
            Op::RemoveTimer(_) => event.remove_timeout(),
            Op::Free(id) => {
                event.free();
                self.events[usize::from(id)] = None;
            }
            _ => {
                let pending = event.pending().bits() & bits::PENDING;
                let (deadline, left) = (event.deadline(), event.remaining());
                let level = event.priority().level();
                self.write_trace(format_args!(" {pending:02x}"));
                if let (Some(deadline), Some(left)) = (deadline, left) {
                    let deadline = deadline.as_micros() / 1000;
                    self.write_trace(format_args!(" until {deadline} in {}", left.as_millis()));
                }
                self.write_trace(format_args!(" prio {level}"));
            }
        }
    }

    fn step_all(&mut self, cx: &mut Cx<'_, Self>) {
        let mut found: Vec<_> = cx
            .events()
            .filter(|info| self.events[info.user as usize] == Some(info.event))
            .map(|info| (info.user, (info.pending | info.active).bits() & bits::PENDING))
            .collect();
        found.sort_unstable();
        for (id, pending) in found {
            self.write_trace(format_args!(" {id}:{pending:02x}"));
        }
    }
}
