//! One iteration of the loop, the same for all back ends.
//!
//! ```text
//!  prepare watchers ─▶ actions ─▶ how long to wait ─▶ wait ─▶ time ─▶ reports ─▶ check watchers
//!         ▲                                                                        │
//!         └───────────────── one pass of callbacks ◀─ due timers ◀─────────────────┘
//! ```
//!
//! A back end reports what has happened: connections, bytes, readiness, signals. The loop's time is set before the back
//! end reports. So if a report starts a timeout, the timeout begins at the current time. Due timers become active only
//! when the pass begins. So a callback that is due because of a report is queued before the callbacks of the due
//! timers.
//!
//! Actions can make callbacks due, for example because output was sent. If no callback was due before the actions, the
//! back end may skip the next check for new events, to save a system call. In this case, the pass begins directly after
//! the actions. If a timer may be due, the check is never skipped: input that has arrived before the timer's deadline
//! must be reported before the timer. If the time of a requested exit has come, the check is not skipped either.

use core::task::{Poll, ready};

use crate::backend::Backend;
use crate::run::request;
use crate::{Cx, End, EventBase, Instant, Wait};

/// The largest number of actions of one iteration. The input of a closed connection is discarded, and each full ring
/// requests one more action. A peer that sends without end must not keep the loop here.
const MOST_ACTIONS: u16 = 8_192;

impl<A> EventBase<'_, A> {
    /// Runs one iteration of the loop: calls the prepare watchers, lets the back end carry out the pending actions and
    /// wait, takes the current time and the back end's reports, and runs the callbacks that are due. Returns why the
    /// loop has ended, or `None` if it has not ended.
    ///
    /// Call [`EventBase::begin`] before the first iteration of a run. If [`Backend::wait`] returns [`Poll::Pending`],
    /// this method returns [`Poll::Pending`], too. The next call then continues after the wait.
    ///
    /// # Errors
    /// Returns the back end's error. The loop can continue with the next iteration.
    pub fn iterate<B: Backend<A>>(
        &mut self,
        app: &mut A,
        back_end: &mut B,
    ) -> Poll<Result<Option<End>, B::Error>> {
        if !core::mem::take(&mut self.cx.state.waiting) {
            if self.cx.hooks.watcher_prepare.is_some() {
                // Prepare watchers can read the length of the coming wait, so the time must be
                // current.
                self.update_now(back_end.now());
            }
            self.prepare(app);
            let was_idle = self.cx.queues.is_empty();
            self.settle(back_end)?;
            let (triggers, waker) = back_end.triggers();
            for trigger in triggers {
                self.raised(trigger.signal(), trigger.take_with(waker));
            }
            if was_idle && self.may_run_at_once() && back_end.may_skip_poll() {
                // A trigger may have been raised long after the last reading of the clock.
                self.update_now(back_end.now());
                if self.cx.now < self.cx.due_from.min(self.cx.exit_at) {
                    self.run_pass(app, back_end);
                    return Poll::Ready(Ok(None));
                }
            }
            let back_end_deadline = back_end.deadline(self);
            let until = match self.wait() {
                Wait::Ended(end) => return Poll::Ready(Ok(Some(end))),
                Wait::Not => Instant::ZERO,
                Wait::Until(deadline) => deadline.min(back_end_deadline),
                Wait::Forever => back_end_deadline,
            };
            ready!(self.wait_until(until, back_end))?;
        }
        self.take_reports(back_end);
        self.run_pass(app, back_end);
        Poll::Ready(Ok(None))
    }

    /// Returns whether a pass may begin without a check for new events, if no timer is due: callbacks are due, the loop
    /// cannot end now, and there are no watchers, which would have to be called before the pass.
    fn may_run_at_once(&self) -> bool {
        let Cx { queues, state, hooks, .. } = &self.cx;
        let is_watched = hooks.watcher_prepare.is_some() || hooks.watcher_next.is_some();
        !queues.is_empty() && !state.is_requested(request::MAY_END) && !is_watched
    }

    /// Lets the back end wait. If the wait is pending, the next iteration continues after the wait.
    pub(crate) fn wait_until<B: Backend<A>>(
        &mut self,
        until: Instant,
        back_end: &mut B,
    ) -> Poll<Result<(), B::Error>> {
        let waited = back_end.wait(until, self);
        self.cx.state.waiting = waited.is_pending();
        waited
    }

    /// Sets the loop's time, and then takes the reports of the back end.
    #[inline(never)]
    pub(crate) fn take_reports<B: Backend<A>>(&mut self, back_end: &mut B) {
        self.advance(back_end.now());
        for trigger in back_end.triggers().0 {
            self.raised(trigger.signal(), trigger.take());
        }
        back_end.report(self);
    }

    /// Passes pending actions to the back end, at most 8,192. The next call passes the remaining actions.
    ///
    /// # Errors
    /// Returns the back end's error. The next call passes the remaining actions.
    #[inline(never)]
    pub fn settle<B: Backend<A>>(&mut self, back_end: &mut B) -> Result<(), B::Error> {
        // The callbacks may have taken a long time. Some actions move bytes between connections in memory, and moved
        // bytes restart timeouts. So the time must be current.
        if !self.cx.outbox.is_empty() {
            self.update_now(back_end.now());
        }
        let mut actions = 0_u16;
        while let Some(action) = self.next_action() {
            back_end.act(action, self)?;
            actions = actions.wrapping_add(1);
            if actions == MOST_ACTIONS {
                break;
            }
        }
        Ok(())
    }
}
