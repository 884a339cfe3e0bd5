//! One pass: the check watchers, the due timers, and the callbacks of the most urgent level.

use core::convert::Infallible;
use core::num::NonZeroU16;
use core::task::Poll;

use crate::base::Fired;
use crate::event::OnEvent;
use crate::handle::Event;
use crate::record::Entry;
use crate::run::ask;
use crate::tables::Place;
use crate::{Action, Backend, Cx, EventBase, EventFlags, Instant};

/// The phase of the current turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between two passes.
    Between,
    /// Check watchers are called.
    Checking,
    /// Due callbacks are called.
    Running,
}

/// The next step of a pass.
pub(crate) enum Step<A> {
    /// An event's callback is called.
    Call(OnEvent<A>, Event, EventFlags),
    /// The pass ends.
    End,
    /// The slow path must find the next step.
    Slow,
}

impl<A> EventBase<'_, A> {
    /// Calls the check watchers, makes timers due, and runs one pass: the callbacks that are due at the most urgent
    /// priority, each slot at most once.
    ///
    /// A back end does not call it: it is a step of the [turn](EventBase::turn), for tests and for programs
    /// that measure single steps.
    pub fn dispatch(&mut self, app: &mut A) {
        self.dispatch_with(app, || Instant::ZERO);
    }

    /// As [`dispatch`](Self::dispatch), for a caller that has a clock. If a
    /// [`DispatchLimit`](crate::DispatchLimit) has a time, the clock is read after each callback.
    ///
    /// A back end does not call it: it is a step of the [turn](EventBase::turn), for tests and for programs
    /// that measure single steps.
    pub fn dispatch_with(&mut self, app: &mut A, clock: impl FnMut() -> Instant) {
        self.run_pass(app, &mut OnlyClock(clock));
    }

    /// Runs one pass.
    #[inline]
    pub(crate) fn run_pass<B: Backend<A>>(&mut self, app: &mut A, back_end: &mut B) {
        if !self.begin_quickly() && !self.call_slowly(app, back_end) {
            return;
        }
        loop {
            match self.next_quickly() {
                Step::Call(call, event, what) => {
                    back_end.call(Fired::Event(call, event, what), self, app);
                }
                Step::Slow if self.call_slowly(app, back_end) => {}
                Step::Slow | Step::End => return,
            }
        }
    }

    /// Feeds the time between two turns, or between two callbacks.
    ///
    /// A back end does not call it in a turn: there it is a step of the [turn](EventBase::turn), for tests
    /// and for programs that measure single steps.
    pub fn update_now(&mut self, now: Instant) {
        self.cx.recorder.note(|| Entry::TimeInPass(now));
        self.cx.update_now(now);
    }

    /// Returns whether the time must be fed after each callback ([`update_now`](Self::update_now)), for
    /// callers of [`next`](Self::next).
    ///
    /// A back end does not call it: it is a step of the [turn](EventBase::turn), for tests and for programs
    /// that measure single steps.
    pub const fn wants_time(&self) -> bool {
        self.cx.limit.needs_time()
    }

    /// Takes the next callback of the pass, or ends the pass. It replaces [`dispatch`](Self::dispatch) for
    /// programs that call or match the callbacks themselves.
    ///
    /// A back end does not call it: it is a step of the [turn](EventBase::turn), for tests and for programs
    /// that measure single steps.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "each call begins or goes on with a pass")]
    pub fn next(&mut self) -> Option<Fired<A>> {
        let runs = self.cx.phase == Phase::Running || self.begin_quickly();
        match if runs { self.next_quickly() } else { Step::Slow } {
            Step::Call(call, event, what) => Some(Fired::Event(call, event, what)),
            Step::End => None,
            Step::Slow => self.next_slowly(),
        }
    }

    /// Takes the next callback in the common case: the pass has begun, the slow-path flag is clear, and the next slot
    /// is the slot of an event or the pass is over.
    #[inline]
    fn next_quickly(&mut self) -> Step<A> {
        let cx = &mut self.cx;
        if cx.state.slow {
            return Step::Slow;
        }
        let step = cx.event_fire(cx.queues.front());
        match step {
            Step::Call(call, event, what) => {
                cx.calls = cx.calls.wrapping_add(1);
                self.note_next(Some(&Fired::Event(call, event, what)));
            }
            Step::End => {
                cx.end_running();
                self.note_next(None);
            }
            Step::Slow => {}
        }
        step
    }

    #[inline]
    fn next_slowly(&mut self) -> Option<Fired<A>> {
        let fired = self.take_next();
        self.note_next(fired.as_ref());
        fired
    }

    /// Takes the next callback with [`next_slowly`](Self::next_slowly) and calls it. Returns
    /// `false` if the pass ends.
    #[inline(never)]
    fn call_slowly<B: Backend<A>>(&mut self, app: &mut A, back_end: &mut B) -> bool {
        // With a limit, the loop is always on the slow path. So the time is needed only here.
        if self.wants_time() && self.cx.phase != Phase::Between {
            self.update_now(back_end.now());
        }
        let fired = self.next_slowly();
        fired.map(|fired| back_end.call(fired, self, app)).is_some()
    }

    /// Begins a pass, if only timers must be checked before it. Returns `false` if the pass has not
    /// begun.
    fn begin_quickly(&mut self) -> bool {
        let cx = &mut self.cx;
        let busy = cx.state.slow || cx.phase != Phase::Between;
        if busy || cx.hooks.watcher_next.is_some() {
            return false;
        }
        cx.begin_running();
        true
    }

    fn take_next(&mut self) -> Option<Fired<A>> {
        if self.cx.state.slow || self.cx.phase != Phase::Running {
            match self.slow_path() {
                Step::Call(call, event, what) => return Some(Fired::Event(call, event, what)),
                Step::End => return self.end_pass(),
                Step::Slow => {}
            }
        }
        loop {
            let cx = &mut self.cx;
            let front = cx.queues.front();
            let fired = match cx.tables.place(front) {
                Place::Event(_) => match cx.event_fire(front) {
                    Step::Call(call, event, what) => Some(Fired::Event(call, event, what)),
                    Step::End => return self.end_pass(),
                    Step::Slow => None,
                },
                Place::Conn(index) if cx.is_conns_turn(index) => cx.conn_fire(index),
                Place::Listener(index) if cx.is_listeners_turn(index) => cx.listener_fire(index),
                Place::Udp(index) if cx.is_udps_turn(index) => cx.udp_fire(index),
                _ => return self.end_pass(),
            };
            if fired.is_some() {
                cx.calls = cx.calls.wrapping_add(1);
                return fired;
            }
        }
    }

    /// Does all work that can come between two callbacks. Returns [`Step::Slow`] if the pass simply
    /// continues.
    #[inline(never)]
    fn slow_path(&mut self) -> Step<A> {
        let cx = &mut self.cx;
        cx.free_fired_once();
        if cx.phase != Phase::Running
            && let Some((call, event)) = cx.next_check()
        {
            return Step::Call(call, event, EventFlags::NONE);
        }
        if cx.state.is_asked(ask::BREAK) {
            return Step::End;
        }
        if let Some((call, event)) = cx.repeat() {
            return Step::Call(call, event, EventFlags::SIGNAL);
        }
        let level = cx.queues.running();
        let enough = cx.hooks.limit_reached.is_some_and(|reached| reached(cx, level));
        if core::mem::take(&mut cx.state.cut_short) || enough {
            return Step::End;
        }
        // A limit is checked after each callback.
        cx.state.slow = cx.hooks.limit_reached.is_some();
        Step::Slow
    }

    fn end_pass(&mut self) -> Option<Fired<A>> {
        if self.cx.state.is_asked(ask::BREAK) {
            self.cx.repeat = None;
        }
        self.cx.end_running();
        None
    }
}

/// The back end for a single pass: only a clock.
struct OnlyClock<F>(F);

impl<A, F: FnMut() -> Instant> Backend<A> for OnlyClock<F> {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        (self.0)()
    }

    fn act(&mut self, _: Action, _: &mut EventBase<'_, A>) -> Result<(), Infallible> {
        Ok(())
    }

    fn wait(&mut self, _: Instant, _: &mut EventBase<'_, A>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl<A> Cx<'_, A> {
    /// Activates the timers that are due, and begins the pass.
    #[inline]
    fn begin_running(&mut self) {
        self.expire();
        self.phase = Phase::Running;
        self.calls = 0;
        self.state.idle = self.queues.is_empty();
        self.queues.begin_pass();
    }

    #[inline(always)]
    fn end_running(&mut self) {
        self.phase = Phase::Between;
        self.queues.end_pass();
    }

    /// Returns the next check watcher to call. After the last watcher, activates the due timers and begins the pass.
    fn next_check(&mut self) -> Option<(OnEvent<A>, Event)> {
        let begin = core::mem::replace(&mut self.phase, Phase::Checking) == Phase::Between;
        self.state.slow = true;
        let watcher = self.hooks.watcher_next.and_then(|next| next(self, begin));
        if watcher.is_none() {
            self.begin_running();
            self.state.cut_short = false;
            if self.hooks.limit_reached.is_some() {
                self.limit.begin(self.now);
            }
        }
        watcher
    }

    /// Returns the callback of a signal event for a further raise (rule S2).
    fn repeat(&mut self) -> Option<(OnEvent<A>, Event)> {
        let (event, left) = self.repeat.take()?;
        let call = self.tables.events.get(event)?.call?;
        let further = NonZeroU16::new(left.get().saturating_sub(1));
        self.repeat = further.map(|further| (event, further));
        Some((call, event))
    }

    /// Returns whether the connection in a slot, which is the first of its queue, has not run in this pass.
    fn is_conns_turn(&self, index: u16) -> bool {
        self.tables.conns.slot(index).is_some_and(|slot| !self.queues.is_over(&slot.turn))
    }

    /// As [`is_conns_turn`](Self::is_conns_turn), for a listener.
    fn is_listeners_turn(&self, index: u16) -> bool {
        self.tables.listeners.slot(index).is_some_and(|slot| !self.queues.is_over(&slot.turn))
    }

    /// Returns whether a callback of a pass, or a check watcher, runs now.
    pub(crate) fn is_in_pass(&self) -> bool {
        self.phase != Phase::Between
    }
}
