//! One pass: the check watchers, the due timers, and the callbacks of the most urgent level.

use core::convert::Infallible;
use core::num::NonZeroU16;
use core::task::Poll;

use crate::base::Fired;
use crate::event::OnEvent;
use crate::handle::Event;
use crate::record::Entry;
use crate::run::request;
use crate::tables::ObjectIndex;
use crate::{Action, Backend, Cx, EventBase, EventFlags, Instant};

/// The phase of the current iteration.
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
    /// `next_slowly` must find the next step, because there may be more to do than to call the next event.
    Slow,
}

impl<A> EventBase<'_, A> {
    /// Calls the check watchers, activates the timers whose deadline has passed, and runs one pass: the callbacks that
    /// are due at the most urgent priority, each slot at most once.
    ///
    /// This is a step of an iteration, for tests and for programs that measure single steps.
    /// [`iterate`](EventBase::iterate) does the same without this method.
    pub fn dispatch(&mut self, app: &mut A) {
        self.dispatch_with(app, || Instant::ZERO);
    }

    /// Does the same as [`dispatch`](Self::dispatch), with a clock. If a [`DispatchLimit`](crate::DispatchLimit) has a
    /// time, the clock is read after each callback.
    ///
    /// This is a step of an iteration, for tests and for programs that measure single steps.
    /// [`iterate`](EventBase::iterate) does the same without this method.
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

    /// Sets the loop's time between two iterations, or between two callbacks.
    ///
    /// [`iterate`](EventBase::iterate) calls this method. Call it directly only in tests and in programs that measure
    /// single steps.
    pub fn update_now(&mut self, now: Instant) {
        self.cx.recorder.record(|| Entry::TimeInPass(now));
        self.cx.update_now(now);
    }

    /// Returns whether the dispatch limit has a time. If the limit has a time, a program that calls
    /// [`next`](Self::next) must set the time with [`update_now`](Self::update_now) after each callback, except a check
    /// watcher.
    ///
    /// [`iterate`](EventBase::iterate) calls this method. Call it directly only in tests and in programs that measure
    /// single steps.
    pub const fn wants_time(&self) -> bool {
        self.cx.limit.needs_time()
    }

    /// Takes the next callback of the pass. Returns `None` at the end of the pass. A program can use this function
    /// instead of [`dispatch`](Self::dispatch), to inspect each callback and to call it.
    ///
    /// This is a step of an iteration, for tests and for programs that measure single steps.
    /// [`iterate`](EventBase::iterate) does the same without this method.
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

    /// Takes the next callback in the common case: the slow-path flag `LoopState::slow` is not set, and either the next
    /// slot is the slot of an event, or the pass is over. In all other cases returns [`Step::Slow`].
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
                self.record_next(Some(&Fired::Event(call, event, what)));
            }
            Step::End => {
                cx.end_running();
                self.record_next(None);
            }
            Step::Slow => {}
        }
        step
    }

    #[inline]
    fn next_slowly(&mut self) -> Option<Fired<A>> {
        let fired = self.take_next();
        self.record_next(fired.as_ref());
        fired
    }

    /// Takes the next callback with [`next_slowly`](Self::next_slowly) and calls it. Returns
    /// `false` if the pass ends.
    #[inline(never)]
    fn call_slowly<B: Backend<A>>(&mut self, app: &mut A, back_end: &mut B) -> bool {
        // While there is a dispatch limit, this function makes all calls of callbacks. So only this function needs to
        // read the time. Between check watchers the time stays the same: a timer that has become due during a check
        // watcher would run before input that has arrived meanwhile.
        if self.wants_time() && self.cx.phase == Phase::Running {
            self.update_now(back_end.now());
        }
        let fired = self.next_slowly();
        fired.map(|fired| back_end.call(fired, self, app)).is_some()
    }

    /// Begins a pass in the common case: no pass has begun, there are no check watchers, and the slow-path flag is not
    /// set. In all other cases returns `false`.
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
            let fired = match cx.tables.object_index(front) {
                ObjectIndex::Event(_) => match cx.event_fire(front) {
                    Step::Call(call, event, what) => Some(Fired::Event(call, event, what)),
                    Step::End => return self.end_pass(),
                    Step::Slow => None,
                },
                ObjectIndex::Conn(index) if cx.conn_can_run(index) => cx.conn_fire(index),
                ObjectIndex::Listener(index) if cx.listener_can_run(index) => {
                    cx.listener_fire(index)
                }
                ObjectIndex::Udp(index) if cx.udp_can_run(index) => cx.udp_fire(index),
                _ => return self.end_pass(),
            };
            if fired.is_some() {
                cx.calls = cx.calls.wrapping_add(1);
                return fired;
            }
        }
    }

    /// Does the work that may be needed between two callbacks: frees an event, calls a check watcher, handles a break
    /// request, repeats the callback of a signal, or ends the pass. Returns [`Step::Slow`] if the pass continues with
    /// the next slot of the queue.
    fn slow_path(&mut self) -> Step<A> {
        let cx = &mut self.cx;
        cx.free_fired_once();
        if cx.phase != Phase::Running
            && let Some((call, event)) = cx.next_check()
        {
            return Step::Call(call, event, EventFlags::NONE);
        }
        if cx.state.is_requested(request::BREAK) {
            return Step::End;
        }
        if let Some((call, event)) = cx.repeat() {
            return Step::Call(call, event, EventFlags::SIGNAL);
        }
        let level = cx.queues.running();
        let is_limit_reached = cx.hooks.limit_reached.is_some_and(|reached| reached(cx, level));
        if core::mem::take(&mut cx.state.ends_pass) || is_limit_reached {
            return Step::End;
        }
        // A dispatch limit must be checked after each callback. So once `set_dispatch_limit` was called, the slow-path
        // flag stays set, even if the limit was removed later.
        cx.state.slow = cx.hooks.limit_reached.is_some();
        Step::Slow
    }

    fn end_pass(&mut self) -> Option<Fired<A>> {
        if self.cx.state.is_requested(request::BREAK) {
            self.cx.repeat = None;
        }
        self.cx.end_running();
        None
    }
}

/// A back end for a single pass. It has only a clock.
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
            self.state.ends_pass = false;
            if self.hooks.limit_reached.is_some() {
                self.limit.begin(self.now);
            }
        }
        watcher
    }

    /// Returns the callback that must be called again, because a signal was raised several times (rule S2 in
    /// `docs/from-libevent.md`).
    fn repeat(&mut self) -> Option<(OnEvent<A>, Event)> {
        let (event, left) = self.repeat.take()?;
        let call = self.tables.events.get(event)?.call?;
        let further = NonZeroU16::new(left.get().saturating_sub(1));
        self.repeat = further.map(|further| (event, further));
        Some((call, event))
    }

    /// Returns whether the connection in a slot may run now, that is, whether it has not run in this pass. Call this
    /// function only for the first slot of the queue of the current pass.
    fn conn_can_run(&self, index: u16) -> bool {
        self.tables.conns.slot(index).is_some_and(|slot| !self.queues.has_run(&slot.node))
    }

    /// Returns the same as [`conn_can_run`](Self::conn_can_run), for a listener.
    fn listener_can_run(&self, index: u16) -> bool {
        self.tables.listeners.slot(index).is_some_and(|slot| !self.queues.has_run(&slot.node))
    }

    /// Returns whether a callback of a pass, or a check watcher, runs now.
    pub(crate) fn is_in_pass(&self) -> bool {
        self.phase != Phase::Between
    }
}
