//! How a loop runs and ends: its modes, how long it may wait, why it ended.

use core::ops::BitOr;
use core::time::Duration;

use crate::record::Entry;
use crate::timer::Key;
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

/// Who asked the loop for what, and how its run goes.
pub(crate) struct Course {
    run: Run,
    /// Something may come between two callbacks: what follows, a further raise, a once-event to be
    /// freed, a limit, the end of a pass and its beginning.
    pub(crate) attention: bool,
    /// End the loop when the pass that runs at this time is over.
    pub(crate) exit_at: Option<Instant>,
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

impl Course {
    pub(crate) const fn new() -> Self {
        Self {
            run: Run::DEFAULT,
            attention: true,
            exit_at: None,
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
        (self.cut_short, self.attention) = (true, true);
    }
}

/// The end of the loop.
impl<A> Cx<'_, A> {
    /// Ends the loop when the pass under way is over (`event_base_loopexit` without a time):
    /// callbacks of the same priority that are due still run. Asked outside of a pass, it lets one
    /// run.
    pub fn exit(&mut self) {
        if self.is_in_pass() {
            self.course.exit = true;
        } else {
            self.exit_after(Duration::ZERO);
        }
    }

    /// Ends the loop `delay` from now (`event_base_loopexit`); the loop goes on until then. Of
    /// several such requests the earliest counts.
    pub fn exit_after(&mut self, delay: Duration) {
        let at = self.now.after(delay);
        self.course.exit_at = Some(self.course.exit_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Ends the loop as soon as the callback returns (`event_base_loopbreak`). What else is due
    /// stays due, for the loop's next run. Asked before the loop runs, it ends at once.
    pub fn break_off(&mut self) {
        (self.course.break_off, self.course.attention) = (true, true);
    }

    /// Ends the pass as soon as the callback returns and looks for news
    /// (`event_base_loopcontinue`). What else is due stays due.
    pub fn continue_early(&mut self) {
        self.course.cut_short();
    }

    /// Whether the loop ends, or its last run ended, because of an exit (`event_base_got_exit`).
    pub fn got_exit(&self) -> bool {
        self.course.exit || self.course.ended == Some(End::Exit)
    }

    /// Whether the loop ends, or its last run ended, because of a break (`event_base_got_break`).
    pub fn got_break(&self) -> bool {
        self.course.break_off || self.course.ended == Some(End::Break)
    }
}

impl<A> EventBase<'_, A> {
    /// Begins a run of the loop (`event_base_loop`'s entry). Back ends do so before the first turn;
    /// an exit or a break asked for before is kept.
    pub fn begin(&mut self, run: Run) {
        self.cx.recorder.note(|| Entry::Begin(run));
        let course = &mut self.cx.course;
        (course.run, course.ended) = (run, None);
        (course.calls, course.idle) = (0, false);
    }

    /// How long the back end may wait, once it has taken all actions.
    ///
    /// The reason for an end is given once; asked again, the loop goes on.
    pub fn wait(&mut self) -> Wait {
        let outlook = self.outlook();
        self.wait_for(outlook)
    }

    /// As [`wait`](Self::wait), but the time to wait until may be too early: that of a timer which
    /// was set later since, or cancelled. For back ends that turn often and wake up cheaply: the
    /// timers are not looked at.
    pub fn wait_or_less(&mut self) -> Wait {
        let outlook = self.outlook_by(|base| {
            let exit = base.cx.course.exit_at.unwrap_or(Instant::MAX);
            Some(base.cx.due_from.min(exit)).filter(|at| *at < Instant::MAX)
        });
        self.wait_for(outlook)
    }

    fn wait_for(&mut self, outlook: Wait) -> Wait {
        let outlook = match outlook {
            Wait::Until(_) | Wait::Forever | Wait::Ended(End::Empty)
                if !self.cx.outbox.is_empty() =>
            {
                Wait::Not
            }
            outlook => outlook,
        };
        if let Wait::Ended(end) = outlook {
            let course = &mut self.cx.course;
            match end {
                End::Break => course.break_off = false,
                End::Exit => course.exit = false,
                End::Done => (course.calls, course.idle) = (0, false),
                End::Empty => {}
            }
            course.ended = Some(end);
        }
        let end = if let Wait::Ended(end) = outlook { Some(end) } else { None };
        self.cx.recorder.note(|| Entry::Wait(end));
        outlook
    }

    /// What [`EventBase::wait`] would answer if all actions were taken.
    pub(crate) fn outlook(&mut self) -> Wait {
        self.outlook_by(Self::deadline)
    }

    /// The same, by what finds the deadline.
    fn outlook_by(&mut self, deadline: impl FnOnce(&mut Self) -> Option<Instant>) -> Wait {
        let Cx { course, active, .. } = &self.cx;
        let run = course.run;
        let once = run.contains(Run::ONCE) && course.calls > 0 && active.len() == 0;
        let nothing = run.contains(Run::NONBLOCK) && course.idle;
        let lasting = run.contains(Run::NO_EXIT_ON_EMPTY);
        match () {
            () if course.break_off => Wait::Ended(End::Break),
            () if course.exit => Wait::Ended(End::Exit),
            () if once || nothing => Wait::Ended(End::Done),
            () if active.len() > 0 => Wait::Not,
            () if !lasting && self.is_empty() && self.deadline().is_none() => {
                Wait::Ended(End::Empty)
            }
            () if run.contains(Run::NONBLOCK) => Wait::Not,
            () => match deadline(self) {
                Some(deadline) if deadline <= self.cx.now => Wait::Not,
                Some(deadline) => Wait::Until(deadline),
                None => Wait::Forever,
            },
        }
    }

    /// The next time something is due by itself. O(1), but for the timers that were set later, or
    /// cancelled, since they came first: each of those costs O(log n), once.
    pub fn deadline(&mut self) -> Option<Instant> {
        let exit = self.cx.course.exit_at;
        match self.cx.first_deadline().0 {
            Key::NEVER => exit,
            key => Some(exit.map_or(key.at(), |exit| exit.min(key.at()))),
        }
    }

    /// Whether nothing is waited for but the time, and nothing is open.
    fn is_empty(&self) -> bool {
        let cx = &self.cx;
        let objects =
            cx.registered.saturating_add(cx.listening).saturating_add(cx.tables.conns.len());
        objects == 0
    }
}
