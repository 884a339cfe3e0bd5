//! The base: the kernel that back ends feed and drain, and the loop's one pass.
//!
//! ```text
//!      ┌───────────────────────────────────────────────────────────────────────────────┐
//!      ▼                                                                               │
//!  prepare ─▶ next_action* ─▶ wait() ─▶ the back end waits ─▶ advance(now) ─▶ feed* ─▶ dispatch
//!  (watchers) (to be done)    (how long)                      (the time)      (news)   (one pass)
//! ```
//!
//! A back end is this loop, written for one kind of surroundings. It never calls the application; the
//! base never calls the back end.
//!
//! The time comes before the news: a timeout that news begins counts from when the news came. What
//! is due by that time becomes active when the dispatch begins, so news still comes before timers.

use core::ops::{Deref, DerefMut};

use crate::active::Active;
use crate::common::Commons;
use crate::conn::{ConnEvent, OnConn, OnConnEvent};
use crate::cx::Cx;
use crate::error::ListenError;
use crate::event::OnEvent;
use crate::handle::{Conn, Event, Listener};
use crate::limit::Limit;
use crate::list::Kind;
use crate::listener::OnListenError;
use crate::outbox::Outbox;
use crate::parts::Parts;
use crate::peak::Peak;
use crate::record::{Entry, LongestWrite, Recorder};
use crate::rings::Rings;
use crate::run::Course;
use crate::source::Signals;
use crate::storage::Storage;
use crate::table::Table;
use crate::tables::Tables;
use crate::timer::Timers;
use crate::watcher::Watchers;
use crate::{Instant, What};

/// The event base of an application `A` (`event_base`): tables, timers, queues, over a
/// [`Storage`] of the caller's.
///
/// Everything an application does it does through [`Cx`], to which the base dereferences. What
/// stands here is for back ends, tests and those who want to drive the loop themselves.
pub struct EventBase<'s, A> {
    pub(crate) cx: Cx<'s, A>,
}

/// A callback that is due: what to call, and with what.
pub enum Fired<A> {
    /// An event came true.
    Event(OnEvent<A>, Event, What),
    /// Bytes came, bytes went, or a connection was accepted.
    Conn(OnConn<A>, Conn),
    /// Something else happened to a connection.
    ConnEvent(OnConnEvent<A>, Conn, ConnEvent),
    /// A listener failed.
    ListenError(OnListenError<A>, Listener, ListenError),
}

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

impl<'s, A> EventBase<'s, A> {
    /// Makes an empty base over `storage`. O(size of the storage).
    pub fn new<
        const EVENTS: usize,
        const CONNS: usize,
        const INPUT: usize,
        const OUTPUT: usize,
        const LISTENERS: usize,
        const COMMON: usize,
    >(
        storage: &'s mut Storage<A, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS, COMMON>,
    ) -> Self {
        let tables = Tables {
            events: Table::new(&mut storage.events),
            listeners: Table::new(&mut storage.listeners),
            conns: Table::new(&mut storage.conns),
            sources: Table::new(&mut storage.sources),
        };
        Self {
            cx: Cx {
                tables,
                rings: Rings::new(&mut storage.input, &mut storage.output),
                active: Active::new(),
                timers: Timers::new(&mut storage.event_heap, &mut storage.event_deadlines),
                conn_timers: Timers::new(
                    storage.conn_heap.as_flattened_mut(),
                    storage.conn_deadlines.as_flattened_mut(),
                ),
                armings: 0,
                due_from: Instant::MAX,
                commons: Commons::new(&mut storage.commons),
                watchers: Watchers::new(),
                parts: Parts::new(),
                signals: Signals::new(),
                outbox: Outbox::new(),
                registered: 0,
                listening: 0,
                repeat: None,
                spent: None,
                now: Instant::ZERO,
                course: Course::new(),
                limit: Limit::new(),
                phase: Phase::Between,
                most_added: Peak::NONE,
                longest_write: LongestWrite::NONE,
                recorder: Recorder::NONE,
            },
        }
    }

    /// Feeds the time, before the news that was found at this time: timeouts which that news begins
    /// count from here. What is due by now becomes active when the dispatch begins. A time that goes
    /// back is ignored.
    ///
    /// A back end whose actions bring news at once (a read, a refused connect) feeds the time before
    /// it takes them, too, if callbacks ran since.
    pub fn advance(&mut self, now: Instant) {
        self.cx.recorder.note(|| Entry::Time(now));
        self.cx.update_now(now);
        let course = &mut self.cx.course;
        if course.exit_at.is_some_and(|at| at <= self.cx.now) {
            (course.exit_at, course.exit) = (None, true);
        }
    }

    /// Calls the check watchers, makes timers due, and runs one pass: the callbacks that are due
    /// at the most urgent priority, each slot once at most.
    pub fn dispatch(&mut self, app: &mut A) {
        while self.step(app) {}
    }

    /// As [`dispatch`](Self::dispatch), for a back end that has a clock: while a
    /// [`DispatchLimit`](crate::DispatchLimit) has a time, the clock is read after each callback.
    pub fn dispatch_with(&mut self, app: &mut A, mut clock: impl FnMut() -> Instant) {
        while self.step(app) {
            if self.wants_time() {
                self.update_now(clock());
            }
        }
    }

    /// Calls the next callback of the pass; whether there was one.
    ///
    /// What [`next`](Self::next) answers is called; an event, if nothing comes before it, without
    /// the way over a [`Fired`].
    fn step(&mut self, app: &mut A) -> bool {
        let cx = &mut self.cx;
        if !cx.course.attention
            && let Some(id) = cx.active.front().filter(|id| id.kind() == Kind::Event)
            && let Some((call, event, what)) = cx.event_fire(id.index())
        {
            cx.course.calls = cx.course.calls.wrapping_add(1);
            self.note_next(Some(&Fired::Event(call, event, what)));
            call(app, &mut self.cx, event, what);
            return true;
        }
        let fired = self.next();
        let called = fired.is_some();
        fired.into_iter().for_each(|fired| fired.call(app, &mut self.cx));
        called
    }

    /// Feeds the time between two callbacks, where it is wanted.
    pub fn update_now(&mut self, now: Instant) {
        self.cx.recorder.note(|| Entry::TimeInPass(now));
        self.cx.update_now(now);
    }

    /// Whether the time is to be fed after each callback ([`update_now`](Self::update_now)), by
    /// those who call [`next`](Self::next) themselves.
    pub fn wants_time(&self) -> bool {
        self.cx.limit.needs_time()
    }

    /// Takes the next callback of the pass, or ends the pass: [`dispatch`](Self::dispatch) for
    /// those who do the calling, or the matching, themselves.
    #[expect(clippy::should_implement_trait, reason = "each call begins or goes on with a pass")]
    pub fn next(&mut self) -> Option<Fired<A>> {
        let fired = self.take_next();
        self.note_next(fired.as_ref());
        fired
    }

    fn take_next(&mut self) -> Option<Fired<A>> {
        if self.cx.course.attention
            && let Some(next) = self.attend()
        {
            return next;
        }
        loop {
            let cx = &mut self.cx;
            let Some(id) = cx.active.front() else { return self.end_pass() };
            let fired = match id.kind() {
                Kind::Event => cx
                    .event_fire(id.index())
                    .map(|(call, event, what)| Fired::Event(call, event, what)),
                Kind::Conn => cx.conn_fire(id.index()),
                Kind::Listener => cx.listener_fire(id.index()),
                Kind::Source => None,
            };
            if fired.is_some() {
                cx.course.calls = cx.course.calls.wrapping_add(1);
                return fired;
            }
        }
    }

    /// Looks at all that can come between two callbacks; `None` if the pass just goes on.
    fn attend(&mut self) -> Option<Option<Fired<A>>> {
        self.cx.free_spent();
        if self.cx.phase != Phase::Running
            && let Some(fired) = self.next_check()
        {
            return Some(Some(fired));
        }
        if self.cx.course.break_off {
            return Some(self.end_pass());
        }
        if let Some(again) = self.repeat() {
            return Some(Some(again));
        }
        let level = self.cx.active.running();
        let enough = self.cx.parts.limit_reached.is_some_and(|reached| reached(&self.cx, level));
        if core::mem::take(&mut self.cx.course.cut_short) || enough {
            return Some(self.end_pass());
        }
        // A limit is looked at after each callback.
        self.cx.course.attention = self.cx.parts.limit_reached.is_some();
        None
    }

    /// Goes through the first phases of a turn: the check watchers, then the timers.
    fn next_check(&mut self) -> Option<Fired<A>> {
        let cx = &mut self.cx;
        let begin = core::mem::replace(&mut cx.phase, Phase::Checking) == Phase::Between;
        let fired = cx.parts.watcher_next.and_then(|next| next(cx, begin));
        if fired.is_none() {
            cx.expire();
            cx.phase = Phase::Running;
            cx.limit.begin(cx.now);
            (cx.course.calls, cx.course.cut_short) = (0, false);
            cx.course.idle = cx.active.len() == 0;
            cx.active.begin_pass();
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
        if self.cx.course.break_off {
            self.cx.repeat = None;
        }
        self.cx.phase = Phase::Between;
        self.cx.course.attention = true;
        self.cx.active.end_pass(&mut self.cx.tables);
        None
    }
}

impl<A> Cx<'_, A> {
    /// Whether a callback of a pass, or a check watcher, runs now.
    pub(crate) fn is_in_pass(&self) -> bool {
        self.phase != Phase::Between
    }
}

impl<A> Fired<A> {
    /// Calls the callback.
    pub fn call(self, app: &mut A, cx: &mut Cx<'_, A>) {
        match self {
            Self::Event(call, event, what) => call(app, cx, event, what),
            Self::Conn(call, conn) => call(app, cx, conn),
            Self::ConnEvent(call, conn, event) => call(app, cx, conn, event),
            Self::ListenError(call, listener, error) => call(app, cx, listener, error),
        }
    }
}

impl<'s, A> Deref for EventBase<'s, A> {
    type Target = Cx<'s, A>;

    fn deref(&self) -> &Self::Target {
        &self.cx
    }
}

impl<A> DerefMut for EventBase<'_, A> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.cx
    }
}
