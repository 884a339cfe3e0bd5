//! One pass: the check watchers, what has become due, and the callbacks of the most urgent level.

use crate::base::Fired;
use crate::record::Entry;
use crate::tables::Place;
use crate::{Cx, EventBase, Instant, What};

/// Where in its turn a base is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between two passes.
    Between,
    /// Check watchers are called.
    Checking,
    /// What is due is called.
    Running,
}

impl<A> EventBase<'_, A> {
    /// Calls the check watchers, makes timers due, and runs one pass: the callbacks that are due
    /// at the most urgent priority, each slot once at most.
    pub fn dispatch(&mut self, app: &mut A) {
        while let Some(fired) = self.next() {
            fired.call(app, &mut self.cx);
        }
    }

    /// As [`dispatch`](Self::dispatch), for a back end that has a clock: while a
    /// [`DispatchLimit`](crate::DispatchLimit) has a time, the clock is read after each callback.
    pub fn dispatch_with(&mut self, app: &mut A, mut clock: impl FnMut() -> Instant) {
        while let Some(fired) = self.next() {
            fired.call(app, &mut self.cx);
            if self.wants_time() {
                self.update_now(clock());
            }
        }
    }

    /// Feeds the time between two callbacks, where it is wanted.
    pub fn update_now(&mut self, now: Instant) {
        self.cx.recorder.note(|| Entry::TimeInPass(now));
        self.cx.update_now(now);
    }

    /// Whether the time is to be fed after each callback ([`update_now`](Self::update_now)), by
    /// those who call [`next`](Self::next) themselves.
    pub const fn wants_time(&self) -> bool {
        self.cx.limit.needs_time()
    }

    /// Takes the next callback of the pass, or ends the pass: [`dispatch`](Self::dispatch) for
    /// those who do the calling, or the matching, themselves.
    #[inline(always)]
    #[expect(clippy::should_implement_trait, reason = "each call begins or goes on with a pass")]
    pub fn next(&mut self) -> Option<Fired<A>> {
        // In the middle of a pass an event is next, nearly always.
        let cx = &mut self.cx;
        let fired = if !cx.state.slow
            && let Some((call, event, what)) = cx.event_fire(cx.queues.front().0)
        {
            cx.state.calls = cx.state.calls.wrapping_add(1);
            Some(Fired::Event(call, event, what))
        } else {
            self.take_next()
        };
        self.note_next(fired.as_ref());
        fired
    }

    #[inline(never)]
    fn take_next(&mut self) -> Option<Fired<A>> {
        if self.cx.state.slow
            && let Some(next) = self.slow_path()
        {
            return next;
        }
        loop {
            let cx = &mut self.cx;
            let front = cx.queues.front();
            if front.is_none() {
                return self.end_pass();
            }
            let fired = match cx.tables.place(front) {
                Place::Event(index) => {
                    cx.event_fire(index).map(|(call, event, what)| Fired::Event(call, event, what))
                }
                Place::Conn(index) => cx.conn_fire(index),
                Place::Listener(index) => cx.listener_fire(index),
                Place::Source(_) => None,
            };
            if fired.is_some() {
                cx.state.calls = cx.state.calls.wrapping_add(1);
                return fired;
            }
        }
    }

    /// Does all that can come between two callbacks. Returns `None` if the pass just goes on.
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
        // A limit is looked at after each callback.
        self.cx.state.slow = self.cx.hooks.limit_reached.is_some();
        None
    }

    /// Goes through the first phases of a turn: the check watchers, then the timers.
    fn next_check(&mut self) -> Option<Fired<A>> {
        let cx = &mut self.cx;
        let begin = core::mem::replace(&mut cx.phase, Phase::Checking) == Phase::Between;
        let fired = cx.hooks.watcher_next.and_then(|next| next(cx, begin));
        if fired.is_none() {
            cx.expire();
            cx.phase = Phase::Running;
            if cx.hooks.limit_reached.is_some() {
                cx.limit.begin(cx.now);
            }
            (cx.state.calls, cx.state.cut_short) = (0, false);
            cx.state.idle = cx.queues.is_empty();
            cx.queues.begin_pass();
        }
        fired
    }

    /// The callback of a signal event for a further raise (rule S2).
    fn repeat(&mut self) -> Option<Fired<A>> {
        let (event, left) = self.cx.repeat.take()?;
        let call = self.cx.tables.events.get(event)?.call?;
        let further = left.saturating_sub(1);
        self.cx.repeat = (further > 0).then_some((event, further));
        Some(Fired::Event(call, event, What::SIGNAL))
    }

    fn end_pass(&mut self) -> Option<Fired<A>> {
        if self.cx.state.break_off {
            self.cx.repeat = None;
        }
        self.cx.phase = Phase::Between;
        self.cx.state.slow = true;
        self.cx.queues.end_pass(&mut self.cx.tables);
        None
    }
}

impl<A> Cx<'_, A> {
    /// Whether a callback of a pass, or a check watcher, runs now.
    pub(crate) fn is_in_pass(&self) -> bool {
        self.phase != Phase::Between
    }
}
