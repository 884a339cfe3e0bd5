//! How a loop runs and ends: its modes, how long it may wait, why it ended.

use core::ops::BitOr;
use core::time::Duration;

use crate::record::Entry;
use crate::tables::Place;
use crate::{Cx, EventBase, Instant};

/// How a loop runs, with libevent's bit values (`EVLOOP_ONCE` and its kin).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Run(u8);

impl Run {
    /// Until there is nothing left that could happen, or someone asks for the end.
    pub const DEFAULT: Self = Self(0);
    /// Until callbacks have run and none is due any more.
    pub const ONCE: Self = Self(0x01);
    /// Without waiting, until a look for news finds nothing. With [`Run::ONCE`] until callbacks
    /// have run, too: one pass, where there is one priority.
    pub const NONBLOCK: Self = Self(0x02);
    /// Also when there is nothing left that could happen but a trigger or another thread.
    pub const NO_EXIT_ON_EMPTY: Self = Self(0x04);

    /// Makes it from its bits.
    #[cfg(feature = "record")]
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[cfg(feature = "record")]
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    const fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Run {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How long a back end may wait for news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the answer may be that the loop has ended"]
pub enum Wait {
    /// Not at all: something is due. It looks for news without waiting.
    Not,
    /// Until this time, or news.
    Until(Instant),
    /// Until news.
    Forever,
    /// The loop has ended.
    Ended(End),
}

/// Why a loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum End {
    /// There is nothing left that could happen: no event pending, no listener, no connection.
    Empty,
    /// [`Cx::exit`] or [`Cx::exit_after`] asked for it.
    Exit,
    /// [`Cx::break_off`] asked for it.
    Break,
    /// What [`Run::ONCE`] or [`Run::NONBLOCK`] waits for has happened.
    Done,
}

/// Exit, break and continue requests, and the state of the current pass.
pub(crate) struct LoopState {
    run: Run,
    /// The slow-path flag: something may come between two callbacks. A request above, a further
    /// raise, a once-event to be freed, a limit, the end of a pass and its beginning.
    pub(crate) slow: bool,
    /// With `exit_set`: end the loop when the pass that runs at this time is over.
    pub(crate) exit_at: Instant,
    pub(crate) exit_set: bool,
    /// End the loop when the pass is over.
    pub(crate) exit: bool,
    /// End the loop when the callback returns.
    pub(crate) break_off: bool,
    /// End the pass when the callback returns.
    pub(crate) cut_short: bool,
    /// Callbacks that the pass that runs, or ran last, has called.
    pub(crate) calls: u32,
    /// The pass that ran last found nothing to call.
    pub(crate) idle: bool,
    ended: Option<End>,
}

impl LoopState {
    pub(crate) const fn new() -> Self {
        Self {
            run: Run::DEFAULT,
            slow: true,
            exit_at: Instant::MAX,
            exit_set: false,
            exit: false,
            break_off: false,
            cut_short: false,
            calls: 0,
            idle: false,
            ended: None,
        }
    }

    /// Ends the pass when the callback returns.
    pub(crate) const fn cut_short(&mut self) {
        (self.cut_short, self.slow) = (true, true);
    }
}

/// The end of the loop.
impl<A> Cx<'_, A> {
    /// Ends the loop when the pass under way is over (`event_base_loopexit` without a time):
    /// callbacks of the same priority that are due still run. Asked outside of a pass, it lets one
    /// run.
    pub fn exit(&mut self) {
        if self.is_in_pass() {
            self.state.exit = true;
        } else {
            self.exit_after(Duration::ZERO);
        }
    }

    /// Ends the loop `delay` from now (`event_base_loopexit`); the loop goes on until then. Of
    /// several such requests the earliest counts.
    pub fn exit_after(&mut self, delay: Duration) {
        let at = self.now.after(delay);
        self.state.exit_at = self.state.exit_at.min(at);
        self.state.exit_set = true;
    }

    /// Ends the loop as soon as the callback returns (`event_base_loopbreak`). What else is due
    /// stays due, for the loop's next run. Asked before the loop runs, it ends at once.
    pub fn break_off(&mut self) {
        (self.state.break_off, self.state.slow) = (true, true);
    }

    /// Ends the pass as soon as the callback returns and looks for news
    /// (`event_base_loopcontinue`). What else is due stays due.
    pub fn continue_early(&mut self) {
        self.state.cut_short();
    }

    /// Whether the loop ends, or its last run ended, because of an exit (`event_base_got_exit`).
    pub fn got_exit(&self) -> bool {
        self.state.exit || self.state.ended == Some(End::Exit)
    }

    /// Whether the loop ends, or its last run ended, because of a break (`event_base_got_break`).
    pub fn got_break(&self) -> bool {
        self.state.break_off || self.state.ended == Some(End::Break)
    }
}

impl<A> EventBase<'_, A> {
    /// Begins a run of the loop (`event_base_loop`'s entry). Back ends do so before the first turn;
    /// an exit or a break asked for before is kept.
    pub fn begin(&mut self, run: Run) {
        self.cx.recorder.note(|| Entry::Begin(run));
        let state = &mut self.cx.state;
        (state.run, state.ended) = (run, None);
        (state.calls, state.idle) = (0, false);
    }

    /// How long the back end may wait, once it has taken all actions.
    ///
    /// The reason for an end is given once; asked again, the loop goes on.
    pub fn wait(&mut self) -> Wait {
        let outlook = self.outlook();
        let outlook = match outlook {
            Wait::Until(_) | Wait::Forever | Wait::Ended(End::Empty)
                if !self.cx.outbox.is_empty() =>
            {
                Wait::Not
            }
            outlook => outlook,
        };
        if let Wait::Ended(end) = outlook {
            let state = &mut self.cx.state;
            match end {
                End::Break => state.break_off = false,
                End::Exit => state.exit = false,
                End::Done => (state.calls, state.idle) = (0, false),
                End::Empty => {}
            }
            state.ended = Some(end);
        }
        let end = if let Wait::Ended(end) = outlook { Some(end) } else { None };
        self.cx.recorder.note(|| Entry::Wait(end));
        outlook
    }

    /// What [`EventBase::wait`] would answer if all actions were taken.
    pub(crate) fn outlook(&mut self) -> Wait {
        let Cx { state, queues, .. } = &self.cx;
        let run = state.run;
        if state.break_off {
            return Wait::Ended(End::Break);
        }
        if state.exit {
            return Wait::Ended(End::Exit);
        }
        let once = run.contains(Run::ONCE) && state.calls > 0 && queues.is_empty();
        if once || run.contains(Run::NONBLOCK) && state.idle {
            return Wait::Ended(End::Done);
        }
        if !queues.is_empty() {
            return Wait::Not;
        }
        let nonblock = run.contains(Run::NONBLOCK);
        match self.deadline() {
            None if !run.contains(Run::NO_EXIT_ON_EMPTY) && self.is_empty() => {
                Wait::Ended(End::Empty)
            }
            _ if nonblock => Wait::Not,
            None => Wait::Forever,
            Some(deadline) if deadline <= self.cx.now => Wait::Not,
            Some(deadline) => Wait::Until(deadline),
        }
    }

    /// The next time something is due by itself. O(1), but for what has come first in the heap and is no
    /// longer due: a cancelled timer, a connection's timeout that has begun again. Each costs O(log n),
    /// once.
    pub fn deadline(&mut self) -> Option<Instant> {
        let Cx { timers, tables, .. } = &self.cx;
        let first = timers.first();
        // A connection's place may be too early.
        let is_event = matches!(tables.place(first), Place::Event(_));
        if core::mem::take(&mut self.cx.due_moved) || !is_event && !first.is_none() {
            let first = self.cx.first_deadline();
            self.cx.due_from = first.map_or(Instant::MAX, |(at, _)| at);
        }
        let Cx { timers, state, due_from, .. } = &self.cx;
        if timers.first().is_none() {
            return state.exit_set.then_some(state.exit_at);
        }
        Some((*due_from).min(state.exit_at))
    }

    /// Whether nothing is waited for but the time, and nothing is open.
    fn is_empty(&self) -> bool {
        let cx = &self.cx;
        cx.registered == 0 && cx.listening == 0 && cx.tables.conns.len() == 0
    }
}
