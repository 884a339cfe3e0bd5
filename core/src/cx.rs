//! The loop as a callback sees it.

use core::time::Duration;

use crate::active::{Active, Queued, Turns};
use crate::base::Phase;
use crate::common::Commons;
use crate::error::{Full, OnceError};
use crate::event::{EventState, Mode, OnEvent, Waits, chore};
use crate::handle::{Event, Source};
use crate::limit::Limit;
use crate::list::Id;
use crate::outbox::Outbox;
use crate::parts::Parts;
use crate::peak::Peak;
use crate::record::{LongestWrite, Recorder};
use crate::rings::Rings;
use crate::run::Course;
use crate::source::Signals;
use crate::tables::Tables;
use crate::timer::{Key, Timers};
use crate::watcher::Watchers;
use crate::{Instant, Signal, What, log};

/// The loop, as callbacks and the application's set-up use it: every verb, but no dispatch.
///
/// A callback gets it with nothing borrowed, so it may add, change, activate or free anything,
/// itself included. Since dispatch is the [`EventBase`](crate::EventBase)'s alone, a loop inside a
/// loop can not be written down:
///
/// ```compile_fail,E0599
/// # use picoevent::{Cx, Event, What};
/// # struct App;
/// fn callback(app: &mut App, cx: &mut Cx<'_, App>, _: Event, _: What) {
///     cx.dispatch(app);
/// }
/// ```
pub struct Cx<'s, A> {
    pub(crate) tables: Tables<'s, A>,
    pub(crate) rings: Rings<'s>,
    pub(crate) active: Active,
    pub(crate) timers: Timers<'s>,
    pub(crate) conn_timers: Timers<'s>,
    /// Deadlines set so far: of equal ones the one set first comes due first.
    pub(crate) armings: u64,
    /// Nothing is due before this; it may be that nothing is then either.
    pub(crate) due_from: Instant,
    pub(crate) commons: Commons<'s>,
    pub(crate) watchers: Watchers,
    pub(crate) parts: Parts<A>,
    pub(crate) signals: Signals,
    pub(crate) outbox: Outbox,
    /// Events on the list of a source or signal.
    pub(crate) registered: usize,
    /// Listeners that are enabled.
    pub(crate) listening: usize,
    /// The signal event whose callback is repeated for further raises, and how often.
    pub(crate) repeat: Option<(Event, u16)>,
    /// The once-event whose callback runs, or ran last.
    pub(crate) spent: Option<Event>,
    pub(crate) now: Instant,
    pub(crate) course: Course,
    pub(crate) limit: Limit,
    pub(crate) phase: Phase,
    pub(crate) most_added: Peak,
    pub(crate) longest_write: LongestWrite,
    pub(crate) recorder: Recorder<'s>,
}

/// Making events.
impl<'s, A> Cx<'s, A> {
    /// Makes an event for the readiness of a source (`event_new`); it is added with
    /// [`EventMut::add`](crate::EventMut::add). Of `interest`, `READ`, `WRITE` and `CLOSED` count,
    /// and `EDGE` for how they are waited for.
    ///
    /// # Errors
    /// [`Full::Events`] when the table has no free slot.
    pub fn new_event(
        &mut self,
        source: Source,
        interest: What,
        mode: Mode,
        call: OnEvent<A>,
    ) -> Result<Event, Full> {
        self.make(Waits::Source(source), mode, call, |state| {
            state.interest = interest & (What::IO | What::EDGE);
        })
    }

    /// Makes an event that waits for nothing but a timeout or the application's own
    /// [`activate`](crate::EventMut::activate) (`evtimer_new`, `evuser_new`).
    ///
    /// # Errors
    /// [`Full::Events`] when the table has no free slot.
    pub fn new_timer(&mut self, mode: Mode, call: OnEvent<A>) -> Result<Event, Full> {
        self.make(Waits::Nothing, mode, call, |_| {})
    }

    /// Makes an event for a signal (`evsignal_new`).
    ///
    /// # Errors
    /// [`Full::Events`] when the table has no free slot.
    pub fn new_signal(
        &mut self,
        signal: Signal,
        mode: Mode,
        call: OnEvent<A>,
    ) -> Result<Event, Full> {
        self.make(Waits::Signal(signal), mode, call, |_| {})
    }

    /// Calls `call` once, `delay` from now (`event_base_once` with `EV_TIMEOUT`); without a delay it
    /// is due at once, behind what is due already. The event is freed when its callback has run and
    /// has not added it again, and can be freed before.
    ///
    /// # Errors
    /// [`Full::Events`] when the table has no free slot.
    pub fn after(&mut self, delay: Duration, call: OnEvent<A>) -> Result<Event, Full> {
        let event = self.make(Waits::Nothing, Mode::OneShot, call, |state| {
            state.set_chore(chore::FREE, true)
        })?;
        if delay.is_zero() {
            self.event_activate(event, What::TIMEOUT);
        } else {
            self.add_fresh(event, Some(delay));
        }
        Ok(event)
    }

    /// Calls `call` once, when the source is ready or the time is up (`event_base_once`). The event
    /// is freed when its callback has run and has not added it again, and can be freed before.
    ///
    /// # Errors
    /// [`OnceError`], and no event was made.
    pub fn once(
        &mut self,
        source: Source,
        interest: What,
        timeout: Option<Duration>,
        call: OnEvent<A>,
    ) -> Result<Event, OnceError> {
        if !interest.intersects(What::IO) {
            return Err(OnceError::NoInterest);
        }
        let made = self.new_event(source, interest, Mode::OneShot, call);
        let event = made.map_err(OnceError::Full)?;
        if let Some(state) = self.tables.events.get_mut(event) {
            state.set_chore(chore::FREE, true);
        }
        let added = self.event(event).map_or(Ok(()), |mut event| event.add(timeout));
        if let Err(error) = added {
            self.event_free(event);
            return Err(OnceError::Add(error));
        }
        Ok(event)
    }

    /// Calls `call` every `interval` from now, until the event is deleted or freed. Periods that
    /// are missed are left out. With an interval of zero it is called once a pass.
    ///
    /// # Errors
    /// [`Full::Events`] when the table has no free slot.
    pub fn every(&mut self, interval: Duration, call: OnEvent<A>) -> Result<Event, Full> {
        let event = self.new_timer(Mode::Persist, call)?;
        self.add_fresh(event, Some(interval));
        Ok(event)
    }

    /// Calls `call` once for each raise of `signal`, until the event is deleted or freed.
    ///
    /// # Errors
    /// [`Full::Events`] when the table has no free slot.
    pub fn on_signal(&mut self, signal: Signal, call: OnEvent<A>) -> Result<Event, Full> {
        let event = self.new_signal(signal, Mode::Persist, call)?;
        self.add_fresh(event, None);
        Ok(event)
    }

    pub(crate) fn make(
        &mut self,
        waits: Waits,
        mode: Mode,
        call: OnEvent<A>,
        more: impl FnOnce(&mut EventState<A>),
    ) -> Result<Event, Full> {
        let (event, state) = self.tables.events.insert().ok_or_else(|| log::full(Full::Events))?;
        state.call = Some(call);
        state.waits = waits;
        state.set_chore(chore::DELETE, mode == Mode::OneShot);
        state.turn = state.turn.begin();
        more(state);
        Ok(event)
    }

    /// Adds an event that has no source, which can not fail.
    pub(crate) fn add_fresh(&mut self, event: Event, timeout: Option<Duration>) {
        let added = self.event(event).map(|mut event| event.add(timeout));
        debug_assert!(added == Ok(Ok(())), "an event without a source can be added");
    }
}

/// Time, and what is due.
impl<A> Cx<'_, A> {
    /// The loop's time: when the back end last looked for news. The same during a whole pass,
    /// unless a callback knows better ([`Cx::update_now`]).
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Sets the loop's time forward, for a callback that has worked for long and has a clock
    /// (`event_base_update_cache_time`). A time that goes back is ignored.
    pub fn update_now(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Completes what [`Active::activate`] has begun; something more urgent than what runs now
    /// ends the pass.
    pub(crate) fn activated(&mut self, id: Id, queued: Option<Queued>) {
        let Some(Queued { previous, first }) = queued else { return };
        if let Some(turn) = previous.and_then(|previous| self.tables.turn(previous)) {
            turn.link.set_next(id);
        }
        if first {
            self.course.cut_short();
        }
        self.note_added();
    }

    /// What an owner's deadline that is set now is ordered by.
    pub(crate) fn key(&mut self, deadline: Instant, owner: usize) -> Key {
        self.armings = self.armings.wrapping_add(1);
        self.due_from = self.due_from.min(deadline);
        Key::new(deadline, self.armings, owner)
    }

    /// The earliest deadline of all, and whose it is.
    pub(crate) fn first_deadline(&mut self) -> (Key, Owner) {
        let mut event = self.timers.first();
        if self.commons.len() > 0 {
            event = event.min(self.commons.first());
        }
        if self.conn_timers.armed() > 0 {
            let conn = self.conn_timers.first();
            if conn < event {
                return (conn, Owner::Conn);
            }
        }
        (event, Owner::Event)
    }

    /// Makes due what is due by now.
    pub(crate) fn expire(&mut self) {
        if self.due_from <= self.now {
            self.expire_due();
        }
    }

    fn expire_due(&mut self) {
        loop {
            let (key, owner) = self.first_deadline();
            self.due_from = key.at();
            if key.at() > self.now || key == Key::NEVER {
                return;
            }
            match owner {
                Owner::Event => self.event_timed_out(key.owner() as u16),
                Owner::Conn => self.conn_timed_out(key.owner()),
            }
        }
    }
}

/// Whose a deadline is: an event's, or a connection's, of which each has two.
pub(crate) enum Owner {
    Event,
    Conn,
}
