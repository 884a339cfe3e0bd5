//! One pass: the check watchers, the due timers, and the callbacks of the most urgent level.

use core::num::NonZeroU16;

use crate::base::Fired;
use crate::queue::{Id, Turns};
use crate::record::Entry;
use crate::tables::Place;
use crate::{Cx, EventBase, Instant, What};

/// The part of its turn that a base is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between two passes.
    Between,
    /// Check watchers are called.
    Checking,
    /// Due callbacks are called.
    Running,
}

impl<A> EventBase<'_, A> {
    /// Calls the check watchers, makes timers due, and runs one pass: the callbacks that are due
    /// at the most urgent priority, each slot once at most.
    pub fn dispatch(&mut self, app: &mut A) {
        self.begin_quickly();
        while let Some(fired) = self.next() {
            fired.call(app, &mut self.cx);
        }
    }

    /// As [`dispatch`](Self::dispatch), for a back end that has a clock: while a
    /// [`DispatchLimit`](crate::DispatchLimit) has a time, the clock is read after each callback.
    pub fn dispatch_with(&mut self, app: &mut A, mut clock: impl FnMut() -> Instant) {
        self.begin_quickly();
        while let Some(fired) = self.next() {
            fired.call(app, &mut self.cx);
            if self.wants_time() {
                self.update_now(clock());
            }
        }
    }

    /// Feeds the time between two callbacks, if [`wants_time`](Self::wants_time) says so.
    pub fn update_now(&mut self, now: Instant) {
        self.cx.recorder.note(|| Entry::TimeInPass(now));
        self.cx.update_now(now);
    }

    /// Returns whether the time is to be fed after each callback ([`update_now`](Self::update_now)), for
    /// callers of [`next`](Self::next).
    pub const fn wants_time(&self) -> bool {
        self.cx.limit.needs_time()
    }

    /// Takes the next callback of the pass, or ends the pass. It replaces [`dispatch`](Self::dispatch) for
    /// programs that call or match the callbacks themselves.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "each call begins or goes on with a pass")]
    pub fn next(&mut self) -> Option<Fired<A>> {
        // The common case: no slow path, and the next slot is an event's, or the pass is over.
        let cx = &mut self.cx;
        if cx.state.slow {
            return self.next_slowly();
        }
        let front = cx.queues.front();
        let fired = match cx.event_fire(front.slot()) {
            None if !front.is_none() => return self.next_slowly(),
            None => self.end_pass(),
            fired => {
                cx.state.calls = cx.state.calls.wrapping_add(1);
                fired
            }
        };
        self.note_next(fired.as_ref());
        fired
    }

    #[inline(never)]
    fn next_slowly(&mut self) -> Option<Fired<A>> {
        let fired = self.take_next();
        self.note_next(fired.as_ref());
        fired
    }

    /// Begins a pass, if nothing but the timers comes before it.
    fn begin_quickly(&mut self) {
        let cx = &mut self.cx;
        let busy = cx.phase != Phase::Between || cx.state.break_off || cx.repeat.is_some();
        if busy || cx.hooks.watcher_next.is_some() || cx.hooks.limit_reached.is_some() {
            return;
        }
        cx.free_fired_once();
        cx.begin_running();
        cx.state.slow = false;
    }

    fn take_next(&mut self) -> Option<Fired<A>> {
        if self.cx.state.slow
            && let Some(next) = self.slow_path()
        {
            return next;
        }
        loop {
            let cx = &mut self.cx;
            let front = cx.queues.front();
            let fired = match cx.tables.turn(front) {
                Some(turn) if !cx.queues.is_over(turn) => cx.fire(front),
                _ => return self.end_pass(),
            };
            if fired.is_some() {
                cx.state.calls = cx.state.calls.wrapping_add(1);
                return fired;
            }
        }
    }

    /// Does all that can come between two callbacks. Returns `None` if the pass just goes on.
    #[inline(never)]
    fn slow_path(&mut self) -> Option<Option<Fired<A>>> {
        self.cx.free_fired_once();
        if self.cx.phase != Phase::Running
            && let Some(fired) = self.next_check()
        {
            return Some(Some(fired));
        }
        if self.cx.state.break_off {
            return Some(self.end_pass());
        }
        if let Some(again) = self.repeat() {
            return Some(Some(again));
        }
        let level = self.cx.queues.running();
        let enough = self.cx.hooks.limit_reached.is_some_and(|reached| reached(&self.cx, level));
        if core::mem::take(&mut self.cx.state.cut_short) || enough {
            return Some(self.end_pass());
        }
        // A limit is checked after each callback.
        self.cx.state.slow = self.cx.hooks.limit_reached.is_some();
        None
    }

    /// Goes through the first phases of a turn: the check watchers, then the timers.
    fn next_check(&mut self) -> Option<Fired<A>> {
        let cx = &mut self.cx;
        let begin = core::mem::replace(&mut cx.phase, Phase::Checking) == Phase::Between;
        let fired = cx.hooks.watcher_next.and_then(|next| next(cx, begin));
        if fired.is_none() {
            cx.begin_running();
        }
        fired
    }

    /// Returns the callback of a signal event for a further raise (rule S2).
    fn repeat(&mut self) -> Option<Fired<A>> {
        let (event, left) = self.cx.repeat.take()?;
        let call = self.cx.tables.events.get(event)?.call?;
        let further = NonZeroU16::new(left.get().saturating_sub(1));
        self.cx.repeat = further.map(|further| (event, further));
        Some(Fired::Event(call, event, What::SIGNAL))
    }

    fn end_pass(&mut self) -> Option<Fired<A>> {
        if self.cx.state.break_off {
            self.cx.repeat = None;
        }
        self.cx.phase = Phase::Between;
        self.cx.state.slow = true;
        self.cx.queues.end_pass();
        None
    }
}

impl<A> Cx<'_, A> {
    /// Activates the timers that are due, and begins the pass.
    fn begin_running(&mut self) {
        self.expire();
        self.phase = Phase::Running;
        if self.hooks.limit_reached.is_some() {
            self.limit.begin(self.now);
        }
        (self.state.calls, self.state.cut_short) = (0, false);
        self.state.idle = self.queues.is_empty();
        self.queues.begin_pass();
    }

    /// Prepares the callback of a slot whose turn it is.
    fn fire(&mut self, id: Id) -> Option<Fired<A>> {
        match self.tables.place(id) {
            Place::Event(index) => self.event_fire(index),
            Place::Conn(index) => self.conn_fire(index),
            Place::Listener(index) => self.listener_fire(index),
            Place::Source(_) => None,
        }
    }

    /// Returns whether a callback of a pass, or a check watcher, runs now.
    pub(crate) fn is_in_pass(&self) -> bool {
        self.phase != Phase::Between
    }
}
