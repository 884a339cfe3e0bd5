//! Running a loop: the modes, the length of the next wait, and the reason why the loop ended.

use core::ops::BitOr;
use core::time::Duration;

use crate::record::Entry;
use crate::{Cx, EventBase, Instant};

/// The mode of a loop, with libevent's bit values (`EVLOOP_ONCE` and the like).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Run(u8);

impl Run {
    /// Run until there is nothing left to wait for, or an end is requested.
    pub const DEFAULT: Self = Self(0);
    /// Run until callbacks have run and no further callback is due.
    pub const ONCE: Self = Self(0x01);
    /// Run without waiting, until there are no new events and no due callbacks. With [`Run::ONCE`], the run also ends
    /// when callbacks have run and no further callback is due. If all callbacks have the same priority, a run with both
    /// modes usually consists of one pass.
    pub const NONBLOCK: Self = Self(0x02);
    /// Keep running even if there is nothing left to wait for. Use this mode if a trigger or another thread can add
    /// work later.
    pub const NO_EXIT_ON_EMPTY: Self = Self(0x04);

    /// Makes a mode from its bits.
    #[cfg(feature = "record")]
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Returns the mode's bits.
    #[cfg(feature = "record")]
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }
}

impl BitOr for Run {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The time that a back end may wait for new events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the answer may be that the loop has ended"]
pub enum Wait {
    /// The back end must not wait, because an action, a callback or a timer is due, or because of [`Run::NONBLOCK`]. It
    /// only checks for new events.
    Not,
    /// The back end may wait until this time, or until there are new events.
    Until(Instant),
    /// The back end may wait without limit, until there are new events.
    Forever,
    /// The loop has ended.
    Ended(End),
}

/// Why a loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum End {
    /// There is nothing left to wait for: no pending event, no listener, no UDP socket, no connection.
    Empty,
    /// [`Cx::exit`] or [`Cx::exit_after`] requested the end.
    Exit,
    /// [`Cx::loop_break`] requested the end.
    Break,
    /// The condition of [`Run::ONCE`] or [`Run::NONBLOCK`] is met.
    Done,
}

/// Bits for requests to a loop. A loop stores these bits together with the bits of its [`Run`].
pub(crate) mod request {
    /// End the loop when the pass is over.
    pub(crate) const EXIT: u8 = 0x08;
    /// End the loop when the callback returns.
    pub(crate) const BREAK: u8 = 0x10;
    /// End the loop after the first pass that begins at the requested time or later.
    pub(crate) const EXIT_LATER: u8 = 0x20;
    /// Not a request: with [`Run::ONCE`](super::Run::ONCE), an earlier pass of this run has called a callback.
    pub(super) const CALLED: u8 = 0x40;

    /// The bits that stay set when a new run begins.
    pub(super) const KEPT: u8 = EXIT | BREAK | EXIT_LATER;
    /// The bits that can end the loop even if there is something left to wait for.
    pub(crate) const MAY_END: u8 = super::Run::ONCE.0 | super::Run::NONBLOCK.0 | EXIT | BREAK;
}

/// Exit, break and continue requests, and the state of the current pass.
pub(crate) struct LoopState {
    /// The bits of [`Run`] and of [`request`].
    requests: u8,
    /// The slow-path flag: there may be work to do before the next callback. The flag is set in these cases:
    ///
    /// * A break or continue is requested, or the pass must end for a more urgent slot.
    /// * A signal was raised several times.
    /// * An event must be freed after its callback.
    /// * Check watchers are called.
    /// * There is a dispatch limit.
    pub(crate) slow: bool,
    /// The pass must end when the current callback returns.
    pub(crate) ends_pass: bool,
    /// The last pass found nothing to call.
    pub(crate) idle: bool,
    ended: Option<End>,
    /// The back end waits: the next iteration continues after the wait.
    pub(crate) waiting: bool,
}

impl LoopState {
    pub(crate) const fn new() -> Self {
        Self { requests: 0, slow: true, ends_pass: false, idle: false, ended: None, waiting: false }
    }

    /// Returns whether any bit of `bits` is set.
    pub(crate) const fn is_requested(&self, bits: u8) -> bool {
        self.requests & bits != 0
    }

    /// Returns why the loop must end, even if there is something to wait for. `has_called` means that the last pass has
    /// called callbacks. The last pass may have called nothing, although an earlier pass of the run has: for example,
    /// the reason of the last due callback was gone.
    #[cold]
    fn requested_end(&mut self, has_called: bool, is_anything_due: bool) -> Option<End> {
        if has_called {
            self.requests |= request::CALLED;
        }
        if self.is_requested(request::BREAK) {
            return Some(End::Break);
        }
        if self.is_requested(request::EXIT) {
            return Some(End::Exit);
        }
        // Actions and triggers can make callbacks due after a pass that found nothing to call.
        let once = self.is_requested(Run::ONCE.0) && self.is_requested(request::CALLED);
        let nonblock = self.is_requested(Run::NONBLOCK.0) && self.idle;
        ((once || nonblock) && !is_anything_due).then_some(End::Done)
    }

    /// Sets a bit of [`request`].
    pub(crate) const fn request(&mut self, bit: u8) {
        self.requests |= bit;
    }

    /// Clears the request `EXIT_LATER`, and sets the request `EXIT`.
    pub(crate) const fn exit_now(&mut self) {
        self.requests = self.requests & !request::EXIT_LATER | request::EXIT;
    }

    /// Ends the pass when the callback returns.
    pub(crate) const fn request_pass_end(&mut self) {
        (self.ends_pass, self.slow) = (true, true);
    }
}

/// Ending the loop or a pass.
impl<A> Cx<'_, A> {
    /// Ends the loop after the current pass (`event_base_loopexit` without a time): due callbacks of the
    /// same priority still run. Outside of a pass, one more pass runs first.
    pub fn exit(&mut self) {
        if self.is_in_pass() {
            self.state.request(request::EXIT);
        } else {
            self.exit_after(Duration::ZERO);
        }
    }

    /// Ends the loop `delay` from now (`event_base_loopexit`); the loop continues until then. If several exits are
    /// requested, the earliest time is used.
    pub fn exit_after(&mut self, delay: Duration) {
        self.exit_at = self.exit_at.min(self.now.after(delay));
        self.state.request(request::EXIT_LATER);
    }

    /// Ends the loop as soon as the callback returns (`event_base_loopbreak`). Other due callbacks stay due for the
    /// loop's next run. If this method is called before the loop runs, the next run ends at once.
    pub fn loop_break(&mut self) {
        self.state.request(request::BREAK);
        self.state.slow = true;
    }

    /// Ends the pass as soon as the callback returns (`event_base_loopcontinue`). Then the loop checks for new events.
    /// Other due callbacks stay due. If the callback is called several times for one signal, the remaining calls come
    /// first.
    pub fn loop_continue(&mut self) {
        self.state.request_pass_end();
    }

    /// Returns whether the loop ends after the current pass because of an exit, or has last ended because of an exit
    /// (`event_base_got_exit`). An exit for a later time counts only when that time has come.
    pub fn got_exit(&self) -> bool {
        self.state.is_requested(request::EXIT) || self.state.ended == Some(End::Exit)
    }

    /// Returns whether a break is requested now, or was the reason for the last end of the loop
    /// (`event_base_got_break`).
    pub fn got_break(&self) -> bool {
        self.state.is_requested(request::BREAK) || self.state.ended == Some(End::Break)
    }
}

impl<A> EventBase<'_, A> {
    /// Begins a run of the loop (`event_base_loop`'s entry). Back ends call this method before the first iteration. An
    /// earlier exit or break request is kept.
    pub fn begin(&mut self, run: Run) {
        self.cx.recorder.record(|| Entry::Begin(run));
        let state = &mut self.cx.state;
        state.requests = state.requests & request::KEPT | run.0;
        state.ended = None;
        (state.idle, state.waiting) = (false, false);
        self.cx.calls = 0;
    }

    /// Returns how long the back end may wait. Call this method after the back end has carried out all actions.
    ///
    /// [`End::Break`], [`End::Exit`] and [`End::Done`] are returned only once. The next call does not return this end
    /// again, so that the loop can continue. [`End::Empty`] is returned by every call while there is nothing to wait
    /// for.
    ///
    /// [`iterate`](EventBase::iterate) calls this method. Call it directly only in tests and in programs that measure
    /// single steps.
    pub fn wait(&mut self) -> Wait {
        let has_actions = !self.cx.outbox.is_empty();
        let wait = self.next_wait(has_actions);
        if let Wait::Ended(end) = wait {
            let state = &mut self.cx.state;
            match end {
                End::Break => state.requests &= !request::BREAK,
                End::Exit => state.requests &= !request::EXIT,
                End::Done => {
                    state.requests &= !request::CALLED;
                    (self.cx.calls, state.idle) = (0, false);
                }
                End::Empty => {}
            }
            state.ended = Some(end);
        }
        let end = if let Wait::Ended(end) = wait { Some(end) } else { None };
        self.cx.recorder.record(|| Entry::Wait(end));
        wait
    }

    /// Returns how long the back end may wait. Returns [`Wait::Not`] if the back end has actions to carry out, or if
    /// something is due.
    #[inline]
    pub(crate) fn next_wait(&mut self, has_actions: bool) -> Wait {
        let Cx { state, queues, calls, .. } = &mut self.cx;
        if state.is_requested(request::MAY_END)
            && let Some(end) = state.requested_end(*calls > 0, !queues.is_empty())
        {
            return Wait::Ended(end);
        }
        if has_actions || !queues.is_empty() {
            return Wait::Not;
        }
        let state = &self.cx.state;
        let nonblock = state.is_requested(Run::NONBLOCK.0);
        let stays = state.is_requested(Run::NO_EXIT_ON_EMPTY.0);
        match self.next_deadline() {
            None if !stays && self.is_empty() => Wait::Ended(End::Empty),
            _ if nonblock => Wait::Not,
            None => Wait::Forever,
            Some(deadline) if deadline <= self.cx.now => Wait::Not,
            Some(deadline) => Wait::Until(deadline),
        }
    }

    /// Returns the earliest time at which a timeout or a requested exit is due; `None` if there is no timeout and no
    /// requested exit. The cost is O(1), plus O(log n) for each stale key that is now the first key of a timer heap. A
    /// key is stale if its timer was cancelled, or if the timeout of its connection was restarted.
    ///
    /// [`iterate`](EventBase::iterate) calls this method. Call it directly only in tests and in programs that measure
    /// single steps.
    pub fn deadline(&mut self) -> Option<Instant> {
        if self.cx.due_moved {
            // A stale key that is moved to its position gets the next sequence number. So the call is recorded.
            self.cx.recorder.record(|| Entry::Deadline);
        }
        self.next_deadline()
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        if self.cx.due_moved {
            self.cx.find_due(false);
        }
        let Cx { timers, state, exit_at, due_from, .. } = &self.cx;
        if timers.is_empty() {
            return state.is_requested(request::EXIT_LATER).then_some(*exit_at);
        }
        Some((*due_from).min(*exit_at))
    }

    /// Returns whether no event waits for a source or signal, no listener is enabled, no UDP socket is open, and no
    /// slot of a connection is in use. A connection at rest and a lingering connection use their slots.
    fn is_empty(&self) -> bool {
        let cx = &self.cx;
        cx.registered == 0 && cx.listening == 0 && cx.tables.conns.len() == 0
    }
}
