//! The interface of the loop for callbacks and for the application's set-up.

use core::num::NonZeroU16;
use core::time::Duration;

use crate::conn::{CloseLimits, ConnProgress, Statics};
use crate::error::{FullError, OnceError};
use crate::event::{EventList, Mode, OnEvent, Waits, flag};
use crate::handle::{Event, Source};
use crate::hooks::Hooks;
use crate::limit::Limit;
use crate::network::NetworkState;
use crate::outbox::Outbox;
use crate::pass::Phase;
use crate::peak::Peak;
use crate::pool::Pools;
use crate::queue::{Id, Joined, Nodes, Queues};
use crate::random::Random;
use crate::record::{LongestWrite, Recorder};
use crate::run::LoopState;
use crate::tables::Tables;
use crate::time::micros;
use crate::timers::{Alarm, Timers};
use crate::watcher::Watchers;
use crate::{EventFlags, Instant, Signal};

/// The interface of the loop for callbacks and for the application's set-up. It has all methods except the methods that
/// run the loop.
///
/// While a callback runs, no object of the loop is borrowed. So the callback may add, change, activate or free any
/// object, even its own event. Only the [`EventBase`](crate::EventBase) can dispatch, so a loop inside a loop does not
/// compile:
///
/// ```compile_fail,E0599
/// # use picoevent::{Cx, EventMut};
/// # struct App;
/// fn callback(app: &mut App, event: &mut EventMut<App>) {
///     event.dispatch(app);
/// }
/// ```
#[repr(C)]
pub struct Cx<'s, A> {
    // The fields that are used most come first, because instructions for fields with a small offset are shorter.
    pub(crate) state: LoopState,
    pub(crate) phase: Phase,
    /// Whether the field `due_from` may be earlier than the earliest deadline, and must be computed again before it is
    /// used. The flag is set when the earliest deadline is cancelled or moves to a later time. A deadline of a
    /// connection can move to a later time without setting the flag. So the flag stays set while the earliest deadline
    /// belongs to a connection.
    pub(crate) due_moved: bool,
    /// The number of events that wait for a source or signal.
    pub(crate) registered: u16,
    /// The number of enabled listeners, plus the number of UDP sockets that are neither closed nor failed.
    pub(crate) listening: u16,
    /// The number of callbacks that the current or last pass has called.
    pub(crate) calls: u32,
    pub(crate) now: Instant,
    /// The earliest deadline. If `due_moved` is set, the actual earliest deadline may be later.
    pub(crate) due_from: Instant,
    /// The time at which the loop must end, if an exit was requested; [`Instant::MAX`] otherwise.
    pub(crate) exit_at: Instant,
    /// The sequence number of the deadline that was set last. Timers with equal deadlines become due in the order of
    /// their sequence numbers.
    pub(crate) sequence: usize,
    /// The number of events that have a deadline.
    pub(crate) armed: u32,
    pub(crate) tables: Tables<'s, A>,
    pub(crate) pools: Pools<'s>,
    /// The timers of events and connections.
    pub(crate) timers: Timers<'s>,
    pub(crate) outbox: Outbox,
    /// The connection whose callback was called last, and which of its callbacks have already run. The last callback
    /// may still be running.
    pub(crate) conn_progress: ConnProgress,
    pub(crate) queues: Queues,
    pub(crate) close_limits: CloseLimits,
    pub(crate) hooks: Hooks<A>,
    pub(crate) statics: Statics<'s>,
    /// If a signal was raised several times, the callback of its event is called once for each raise. This field holds
    /// the event and the number of calls that are left.
    pub(crate) repeat: Option<(Event, NonZeroU16)>,
    /// The event whose callback was called last, if this event must be freed when the callback has returned.
    /// [`Event::NONE`] if no event must be freed.
    pub(crate) fired_once: Event,
    /// The events that wait for signals, in the order they were added.
    pub(crate) signal_events: EventList,
    pub(crate) watchers: Watchers,
    pub(crate) limit: Limit,
    pub(crate) most_added: Peak,
    pub(crate) longest_write: LongestWrite,
    pub(crate) recorder: Recorder<'s>,
    pub(crate) random: Random,
    pub(crate) network: NetworkState,
}

/// Making events.
///
/// This example makes three timers. The first timer switches a light off, and each touch of the light restarts this
/// timer. The second timer fires once, and the third timer repeats:
///
/// ```
/// use core::time::Duration;
/// use picoevent::{Cx, Event, FullError, Mode};
///
/// struct App {
///     off: Option<Event>,
///     is_on: bool,
///     minutes: u32,
/// }
///
/// impl App {
///     fn start(&mut self, cx: &mut Cx<Self>) -> Result<(), FullError> {
///         self.off = Some(cx.new_timer(Mode::OneShot, |app, _| app.is_on = false)?);
///         cx.after(Duration::from_millis(10), |app, event| app.touched(event))?;
///         cx.every(Duration::from_secs(60), |app, _| app.minutes += 1)?;
///         Ok(())
///     }
///
///     /// Switches the light on. It goes off five seconds after the last touch.
///     fn touched(&mut self, cx: &mut Cx<Self>) {
///         self.is_on = true;
///         if let Some(Ok(mut off)) = self.off.map(|off| cx.event(off)) {
///             let _ = off.add(Some(Duration::from_secs(5)));
///         }
///     }
/// }
/// # let _ = App::start;
/// ```
impl<'s, A> Cx<'s, A> {
    /// Makes an event for the readiness of a source (`event_new`). The event is not pending until
    /// [`EventMut::add`](crate::EventMut::add) adds it. `interest` is a combination of `READ`, `WRITE` and `CLOSED`.
    /// For an edge-triggered event, also set `EDGE`. Other bits are ignored.
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn new_event(
        &mut self,
        source: Source,
        interest: EventFlags,
        mode: Mode,
        call: OnEvent<A>,
    ) -> Result<Event, FullError> {
        let interest = interest & (EventFlags::IO | EventFlags::EDGE);
        self.make(Waits::Source(source), mode, call, interest)
    }

    /// Makes an event that waits only for a timeout or for [`activate`](crate::EventMut::activate)
    /// (`evtimer_new`, `evuser_new`).
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn new_timer(&mut self, mode: Mode, call: OnEvent<A>) -> Result<Event, FullError> {
        self.make(Waits::Nothing, mode, call, EventFlags::NONE)
    }

    /// Makes an event for a signal (`evsignal_new`).
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn new_signal(
        &mut self,
        signal: Signal,
        mode: Mode,
        call: OnEvent<A>,
    ) -> Result<Event, FullError> {
        self.make(Waits::Signal(signal), mode, call, EventFlags::NONE)
    }

    /// Calls `call` once, `delay` from now (`event_base_once` with `EV_TIMEOUT`). With a zero delay the callback is due
    /// at once, after the callbacks that are already due. The event is freed after its callback has run, unless the
    /// callback adds or activates it. The application can free the event earlier.
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn after(&mut self, delay: Duration, call: OnEvent<A>) -> Result<Event, FullError> {
        let event = self.make(Waits::Nothing, Mode::OneShot, call, EventFlags::NONE)?;
        self.free_when_fired(event);
        if delay.is_zero() {
            self.activate(Id::at(event.slot()), EventFlags::TIMEOUT.bits());
        } else {
            self.event_begin_timeout(event, micros(delay));
        }
        Ok(event)
    }

    /// Calls `call` once, when the source is ready or the timeout has passed (`event_base_once`). The event is freed
    /// after its callback has run, unless the callback adds or activates it. The application can free the event
    /// earlier.
    ///
    /// # Errors
    /// [`OnceError::NoInterest`] if `interest` contains none of `READ`, `WRITE` and `CLOSED`, [`OnceError::Full`] when
    /// the table has no free slot, [`OnceError::Add`] if the event cannot wait for the source. After an error no event
    /// exists.
    pub fn once(
        &mut self,
        source: Source,
        interest: EventFlags,
        timeout: Option<Duration>,
        call: OnEvent<A>,
    ) -> Result<Event, OnceError> {
        if !interest.intersects(EventFlags::IO) {
            return Err(OnceError::NoInterest);
        }
        let event = self.new_event(source, interest, Mode::OneShot, call);
        let event = event.map_err(OnceError::Full)?;
        self.free_when_fired(event);
        let added = self.event_add(event, timeout);
        if let Err(error) = added {
            self.event_free(event);
            return Err(OnceError::Add(error));
        }
        Ok(event)
    }

    /// Calls `call` every `interval` from now, until the event is deleted or freed. Missed periods are skipped. With
    /// an interval of zero `call` is called once per pass.
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn every(&mut self, interval: Duration, call: OnEvent<A>) -> Result<Event, FullError> {
        let event = self.make(Waits::Nothing, Mode::Persist, call, EventFlags::NONE)?;
        self.event_begin_timeout(event, micros(interval));
        Ok(event)
    }

    /// Calls `call` once for each raise of `signal`, until the event is deleted or freed.
    /// [`EventMut`](crate::EventMut) has an example.
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn on_signal(&mut self, signal: Signal, call: OnEvent<A>) -> Result<Event, FullError> {
        let event = self.make(Waits::Signal(signal), Mode::Persist, call, EventFlags::NONE)?;
        self.event_register_signal(event, signal);
        Ok(event)
    }

    #[inline(always)]
    pub(crate) fn make(
        &mut self,
        waits: Waits,
        mode: Mode,
        call: OnEvent<A>,
        interest: EventFlags,
    ) -> Result<Event, FullError> {
        match mode {
            Mode::Persist => self.make_with(waits, 0, call, interest),
            Mode::OneShot => {
                self.hooks.one_shot = Some(|cx, event, what| cx.event_one_shot(event, what));
                self.make_with(waits, flag::ONE_SHOT, call, interest)
            }
        }
    }

    /// Makes an event with flags.
    fn make_with(
        &mut self,
        waits: Waits,
        flags: u32,
        call: OnEvent<A>,
        interest: EventFlags,
    ) -> Result<Event, FullError> {
        let (event, slot) = self.tables.events.insert().ok_or(FullError::Events)?;
        slot.begin(call, waits, flags, interest);
        Ok(event)
    }

    fn free_when_fired(&mut self, event: Event) {
        if let Some(slot) = self.tables.events.get_mut(event) {
            slot.node.set(flag::FREE, true);
        }
    }
}

/// Time and due callbacks.
impl<A> Cx<'_, A> {
    /// Returns the loop's time. An iteration sets it before the back end reports events. During a pass it changes only
    /// if a callback calls [`Cx::update_now`], and after each callback if the [`DispatchLimit`](crate::DispatchLimit)
    /// has a time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Moves the loop's time forward (`event_base_update_cache_time`). A callback that takes a long time can call this
    /// method, if it has a clock. A time earlier than the loop's time is ignored.
    pub fn update_now(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Queues a slot, and adds `due` to the conditions for which its callback is due. If the slot's priority level is
    /// more urgent than the level of the current pass, the pass ends when the current callback returns.
    #[inline(never)]
    pub(crate) fn activate(&mut self, id: Id, due: u8) {
        if let Some(node) = self.tables.node(id)
            && let Some(joined) = self.queues.join(node, id, due)
        {
            self.activated(id, &joined);
        }
    }

    /// Does the same as [`activate`](Self::activate), but only for the slot of an event. This function is marked
    /// `inline`, so that activating an event does not cost a function call.
    #[inline]
    pub(crate) fn activate_event_quickly(&mut self, id: Id, due: u8) {
        if let Some(slot) = self.tables.events.by_id(id)
            && let Some(joined) = self.queues.join(&mut slot.node, id, due)
        {
            self.activated(id, &joined);
        }
    }

    #[inline(always)]
    fn activated(&mut self, id: Id, &Joined { previous, urgent }: &Joined) {
        if urgent {
            self.state.request_pass_end();
        }
        self.update_added_peak();
        match self.tables.events.by_id(previous) {
            Some(slot) => slot.node.link.next = id,
            None if previous.is_none() => {}
            None => self.link_other(previous, id),
        }
    }

    #[inline(never)]
    fn link_other(&mut self, previous: Id, id: Id) {
        if let Some(node) = self.tables.node_of_other(previous) {
            node.link.next = id;
        }
    }

    /// Activates the events whose deadline has passed. If `before` is given, activates only the events whose alarm
    /// (deadline and sequence number) precedes `before`. Returns the earliest deadline of the other events;
    /// [`Instant::MAX`] if there is none.
    #[inline]
    fn expire_events(&mut self, before: Option<&Alarm>) -> Instant {
        let now = self.now;
        self.hooks.event_expire.map_or(Instant::MAX, |expire| expire(self, before, now))
    }

    /// Returns an alarm (a sort key for the timer heaps) with `deadline` and the next sequence number.
    #[inline(always)]
    pub(crate) const fn next_alarm(&mut self, deadline: Instant) -> Alarm {
        self.sequence = self.sequence.wrapping_add(1);
        Alarm { deadline, sequence: self.sequence }
    }

    /// Returns the earliest deadline of a connection; [`Instant::MAX`] if there is none. Afterwards the connection with
    /// this deadline is the first in the heap. A key in the heap can be stale: it is earlier than the deadline of its
    /// connection. While the first key of the heap is stale, the function moves this key to its correct position. If
    /// the connection has no deadline any more, the function removes the key.
    #[inline(never)]
    pub(crate) fn first_conn_deadline(&mut self) -> Instant {
        loop {
            let Some(index) = self.timers.conns.first() else { return Instant::MAX };
            let Some(slot) = self.tables.conns.slot(index) else { return Instant::MAX };
            let deadline = slot.next_deadline(&self.pools);
            if self.timers.conns.alarm(index).deadline >= deadline {
                return deadline;
            }
            if deadline < Instant::MAX {
                let alarm = self.next_alarm(deadline);
                self.timers.conns.arm(index, alarm);
            } else {
                self.timers.conns.remove_first();
            }
        }
    }

    /// Activates the timers whose deadline has passed.
    #[inline]
    pub(crate) fn expire(&mut self) {
        if self.due_from <= self.now {
            self.expire_due();
        }
    }

    #[inline(never)]
    fn expire_due(&mut self) {
        if self.timers.conns.is_empty() {
            (self.due_from, self.due_moved) = (self.expire_events(None), false);
        } else {
            self.find_due(true);
        }
    }

    /// Finds the earliest deadline. If `pass_begins` is true, also activates the timers whose deadline has passed.
    #[inline(never)]
    pub(crate) fn find_due(&mut self, pass_begins: bool) {
        let conn = loop {
            let first = self.first_conn_deadline();
            match self.timers.conns.first() {
                Some(index) if pass_begins && first <= self.now => {
                    let alarm = self.timers.conns.alarm(index);
                    self.expire_events(Some(&alarm));
                    self.conn_timed_out(index);
                }
                _ => break first,
            }
        };
        let event = self.expire_events((!pass_begins).then_some(&Alarm::BEFORE_ALL));
        self.due_from = event.min(conn);
        // A connection's deadline may move to a later time without setting `due_moved`. So the flag stays set while the
        // earliest deadline belongs to a connection.
        self.due_moved = conn <= event && !self.timers.conns.is_empty();
    }
}
