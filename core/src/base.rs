//! The base: the kernel that back ends feed and drain, and the loop's one pass.
//!
//! ```text
//!      ┌──────────────────────────────────────────────────────────────┐
//!      ▼                                                              │
//!  next_action* ─▶ wait() ─▶ the back end waits ─▶ feed* ─▶ advance(now) ─▶ dispatch
//!  (its wishes)    (how long)                      (news)   (timers)        (one pass)
//! ```
//!
//! A back end is this loop, written for one kind of world. It never calls the application; the base
//! never calls the back end.

use core::ops::{Deref, DerefMut};

use crate::active::Active;
use crate::conn::{ConnCall, ConnEvent, Direction, OnConn, OnConnEvent};
use crate::cx::{Cx, Stop};
use crate::error::ListenError;
use crate::event::OnEvent;
use crate::handle::{Conn, Event, Listener};
use crate::list::Kind;
use crate::listener::OnListenError;
use crate::outbox::Outbox;
use crate::rings::Rings;
use crate::source::Signals;
use crate::storage::Storage;
use crate::table::Table;
use crate::tables::Tables;
use crate::timer::Timers;
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
}

impl<'s, A> EventBase<'s, A> {
    /// Makes an empty base over `storage`. O(size of the storage).
    pub fn new<
        const EVENTS: usize,
        const CONNS: usize,
        const INPUT: usize,
        const OUTPUT: usize,
        const LISTENERS: usize,
    >(
        storage: &'s mut Storage<A, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS>,
    ) -> Self {
        let tables = Tables {
            events: Table::new(&mut storage.events),
            listeners: Table::new(&mut storage.listeners),
            conns: Table::new(&mut storage.conns),
            sources: Table::new(&mut storage.sources),
        };
        let conn_timers = storage.conn_timers.as_flattened_mut();
        Self {
            cx: Cx {
                tables,
                rings: Rings::new(&mut storage.input, &mut storage.output),
                active: Active::new(),
                timers: Timers::new(&mut storage.event_timers, conn_timers),
                signals: Signals::new(),
                outbox: Outbox::new(),
                registered: 0,
                listening: 0,
                repeat: None,
                now: Instant::ZERO,
                stop: Stop::default(),
            },
        }
    }

    /// Feeds the time, after the news that was there at this time: what is due by then becomes
    /// active. A time that goes back is ignored.
    pub fn advance(&mut self, now: Instant) {
        self.cx.now = self.cx.now.max(now);
        let now = self.cx.now;
        let events = self.cx.tables.events.capacity();
        while let Some(owner) = self.cx.timers.pop_due(now) {
            match owner.checked_sub(events) {
                None => self.cx.event_timed_out(owner as u16),
                Some(of_conns) => {
                    let write = of_conns & 1 == 1;
                    let direction = if write { Direction::Write } else { Direction::Read };
                    self.cx.conn_timed_out((of_conns >> 1) as u16, direction);
                }
            }
        }
        if self.cx.stop.exit_at.is_some_and(|at| at <= now) {
            (self.cx.stop.exit_at, self.cx.stop.exit) = (None, true);
        }
    }

    /// Runs one pass: the callbacks that are due at the most urgent priority, each slot once at
    /// most.
    pub fn dispatch(&mut self, app: &mut A) {
        while let Some(fired) = self.next() {
            fired.call(app, &mut self.cx);
        }
    }

    /// Takes the next callback of the pass, or ends the pass: [`dispatch`](Self::dispatch) for
    /// those who do the calling, or the matching, themselves.
    #[expect(clippy::should_implement_trait, reason = "each call begins or goes on with a pass")]
    pub fn next(&mut self) -> Option<Fired<A>> {
        if core::mem::take(&mut self.cx.stop.cut_short) || self.cx.stop.break_off {
            return self.end_pass();
        }
        if let Some(again) = self.repeat() {
            return Some(again);
        }
        loop {
            let cx = &mut self.cx;
            let id = cx.active.front(&mut cx.tables)?;
            let fired = match id.kind {
                Kind::Event => self.fire_event(id.index),
                Kind::Conn => cx.conn_fire(id.index).map(|(conn, call)| match call {
                    ConnCall::Plain(call) => Fired::Conn(call, conn),
                    ConnCall::Event(call, event) => Fired::ConnEvent(call, conn, event),
                }),
                Kind::Listener => cx
                    .listener_fire(id.index)
                    .map(|(call, listener, error)| Fired::ListenError(call, listener, error)),
                Kind::Source => None,
            };
            if fired.is_some() {
                return fired;
            }
        }
    }

    /// How long the back end may wait, once it has taken all actions.
    ///
    /// The reason for an end is given once; asked again, the loop goes on.
    pub fn wait(&mut self) -> Wait {
        let cx = &mut self.cx;
        if core::mem::take(&mut cx.stop.break_off) {
            return Wait::Ended(End::Break);
        }
        if core::mem::take(&mut cx.stop.exit) {
            return Wait::Ended(End::Exit);
        }
        if cx.active.len() > 0 || !cx.outbox.is_empty() {
            return Wait::Not;
        }
        match self.deadline() {
            Some(deadline) => Wait::Until(deadline),
            None if self.is_empty() => Wait::Ended(End::Empty),
            None => Wait::Forever,
        }
    }

    /// The next time something is due by itself. O(1).
    pub fn deadline(&self) -> Option<Instant> {
        let timer = self.cx.timers.next();
        let exit = self.cx.stop.exit_at;
        timer.into_iter().chain(exit).min()
    }

    /// Whether nothing is pending, open or active.
    fn is_empty(&self) -> bool {
        let cx = &self.cx;
        let objects = cx.registered.saturating_add(cx.listening);
        objects == 0 && cx.tables.conns.len() == 0 && cx.timers.len() == 0 && cx.active.len() == 0
    }

    fn fire_event(&mut self, index: u16) -> Option<Fired<A>> {
        let (call, event, what, raises) = self.cx.event_fire(index)?;
        let further = raises.saturating_sub(1);
        self.cx.repeat = (further > 0).then_some((event, further));
        Some(Fired::Event(call, event, what))
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
        if self.cx.stop.break_off {
            self.cx.repeat = None;
        }
        self.cx.active.end_pass(&mut self.cx.tables);
        None
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
