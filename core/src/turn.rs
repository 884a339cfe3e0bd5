//! The turn of a loop, for all back ends.
//!
//! ```text
//!  prepare watchers ─▶ actions ─▶ how long to wait ─▶ wait ─▶ time ─▶ news ─▶ check watchers
//!         ▲                                                                        │
//!         └───────────────── one pass of callbacks ◀─ due timers ◀─────────────────┘
//! ```
//!
//! The time comes before the news, so a timeout that the news begins counts from when the news came.
//! Timers due by that time become active when the pass begins, so news still comes before timers.
//!
//! If callbacks are due only because the back end has acted (output was sent), and looking for news costs a system
//! call, the back end may skip that, once: the pass then comes right after the actions.

use core::task::{Poll, ready};

use crate::backend::Backend;
use crate::run::ask;
use crate::{Cx, End, EventBase, Instant, Wait};

impl<A> EventBase<'_, A> {
    /// Does one turn: calls the prepare watchers, has the back end act and wait, feeds the time and the
    /// news, and runs one pass of callbacks. Returns why the loop has ended, once it has.
    ///
    /// [`EventBase::begin`] comes before the first turn of a run. When the back end's wait is
    /// pending, so is the turn: the next call goes on after the wait.
    ///
    /// # Errors
    /// The back end's. The loop can go on with the next turn.
    #[inline(never)]
    pub fn turn<B: Backend<A>>(
        &mut self,
        app: &mut A,
        back_end: &mut B,
    ) -> Poll<Result<Option<End>, B::Error>> {
        if !core::mem::take(&mut self.cx.state.waiting) {
            if self.cx.hooks.watcher_prepare.is_some() {
                // They hear how long the wait will be from now.
                self.update_now(back_end.now());
            }
            self.prepare(app);
            let was_idle = self.cx.queues.is_empty();
            self.settle(back_end)?;
            let (triggers, waker) = back_end.triggers();
            for trigger in triggers {
                self.raised(trigger.signal(), trigger.take_with(waker));
            }
            if was_idle && self.may_run_at_once() && back_end.may_skip_news() {
                self.run_pass(app, back_end);
                return Poll::Ready(Ok(None));
            }
            let its_own = back_end.deadline(self);
            let until = match self.wait() {
                Wait::Ended(end) => return Poll::Ready(Ok(Some(end))),
                Wait::Not => Instant::ZERO,
                Wait::Until(deadline) => deadline.min(its_own),
                Wait::Forever => its_own,
            };
            ready!(self.wait_until(until, back_end))?;
        }
        self.take_news(back_end);
        self.run_pass(app, back_end);
        Poll::Ready(Ok(None))
    }

    /// Returns whether callbacks are due, and neither an end of the loop nor a watcher comes first.
    fn may_run_at_once(&self) -> bool {
        let Cx { queues, state, hooks, .. } = &self.cx;
        let is_watched = hooks.watcher_prepare.is_some() || hooks.watcher_next.is_some();
        !queues.is_empty() && !state.is_asked(ask::TO_END) && !is_watched
    }

    /// Has the back end wait. While that is pending, the next turn goes on after the wait.
    pub(crate) fn wait_until<B: Backend<A>>(
        &mut self,
        until: Instant,
        back_end: &mut B,
    ) -> Poll<Result<(), B::Error>> {
        let waited = back_end.wait(until, self);
        self.cx.state.waiting = waited.is_pending();
        waited
    }

    /// Feeds the time, and then the news.
    #[inline(never)]
    pub(crate) fn take_news<B: Backend<A>>(&mut self, back_end: &mut B) {
        self.advance(back_end.now());
        for trigger in back_end.triggers().0 {
            self.raised(trigger.signal(), trigger.take());
        }
        back_end.feed(self);
    }

    /// Has the back end do what the application has asked for so far.
    ///
    /// # Errors
    /// The back end's; what is left to do comes with the next call.
    #[inline(never)]
    pub fn settle<B: Backend<A>>(&mut self, back_end: &mut B) -> Result<(), B::Error> {
        // Callbacks may have taken long, and bytes that move now begin timeouts, those in memory, too.
        if !self.cx.outbox.is_empty() {
            self.update_now(back_end.now());
        }
        while let Some(action) = self.next_action() {
            back_end.act(action, self)?;
        }
        Ok(())
    }
}
