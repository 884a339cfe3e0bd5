//! The loop as a callback sees it.

use core::time::Duration;

use crate::active::Active;
use crate::error::Full;
use crate::event::{EventState, Mode, OnEvent, Waits};
use crate::handle::{Event, Source};
use crate::list::Id;
use crate::outbox::Outbox;
use crate::rings::Rings;
use crate::source::Signals;
use crate::tables::Tables;
use crate::timer::Timers;
use crate::{Instant, Signal, What, log};

/// The loop, as callbacks and the application's set-up use it: every verb, but no dispatch.
///
/// A callback gets it with nothing borrowed, so it may add, change, activate or free anything,
/// itself included. Since dispatch is the [`EventBase`](crate::EventBase)'s alone, a loop inside a
/// loop can not be written down.
pub struct Cx<'s, A> {
    pub(crate) tables: Tables<'s, A>,
    pub(crate) rings: Rings<'s>,
    pub(crate) active: Active,
    pub(crate) timers: Timers<'s>,
    pub(crate) signals: Signals,
    pub(crate) outbox: Outbox,
    /// Events on the list of a source or signal.
    pub(crate) registered: usize,
    /// Listeners that are enabled.
    pub(crate) listening: usize,
    /// The signal event whose callback is repeated for further raises, and how often.
    pub(crate) repeat: Option<(Event, u16)>,
    pub(crate) now: Instant,
    pub(crate) stop: Stop,
}

/// Who asked the loop for what.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stop {
    /// End the loop when the pass that runs at this time is over.
    pub(crate) exit_at: Option<Instant>,
    /// End the loop when the pass is over.
    pub(crate) exit: bool,
    /// End the loop when the callback returns.
    pub(crate) break_off: bool,
    /// End the pass when the callback returns.
    pub(crate) cut_short: bool,
}

/// Making events.
impl<'s, A> Cx<'s, A> {
    /// Makes an event for the readiness of a source (`event_new`); it is added with
    /// [`EventMut::add`](crate::EventMut::add). Of `interest`, `READ`, `WRITE` and `CLOSED` count.
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
        self.make(Waits::Source(source), mode, call, |state| state.interest = interest & What::IO)
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

    /// Calls `call` once, `delay` from now (`event_base_once`). The event is freed when it fires
    /// and can be freed before.
    ///
    /// # Errors
    /// [`Full::Events`] when the table has no free slot.
    pub fn after(&mut self, delay: Duration, call: OnEvent<A>) -> Result<Event, Full> {
        let event = self.make(Waits::Nothing, Mode::OneShot, call, |state| state.once = true)?;
        self.add_fresh(event, Some(delay));
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

    fn make(
        &mut self,
        waits: Waits,
        mode: Mode,
        call: OnEvent<A>,
        more: impl FnOnce(&mut EventState<A>),
    ) -> Result<Event, Full> {
        let (event, state) = self.tables.events.insert().ok_or_else(|| log::full(Full::Events))?;
        state.call = Some(call);
        state.waits = waits;
        state.persist = mode == Mode::Persist;
        state.turn = state.turn.begin();
        more(state);
        Ok(event)
    }

    /// Adds an event that has no source, which can not fail.
    fn add_fresh(&mut self, event: Event, timeout: Option<Duration>) {
        let added = self.event(event).map(|mut event| event.add(timeout));
        debug_assert!(added == Ok(Ok(())), "an event without a source can be added");
    }
}

/// Time, and the end of the loop.
impl<A> Cx<'_, A> {
    /// The loop's time: when the back end last looked for news. The same during a whole pass.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Ends the loop when the pass under way is over (`event_base_loopexit` without a time):
    /// callbacks of the same priority that are due still run. Asked before the loop runs, it runs
    /// one pass.
    pub fn exit(&mut self) {
        self.stop.exit = true;
    }

    /// Ends the loop `delay` from now (`event_base_loopexit`); the loop goes on until then. Of
    /// several such requests the earliest counts.
    pub fn exit_after(&mut self, delay: Duration) {
        let at = self.now.after(delay);
        self.stop.exit_at = Some(self.stop.exit_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Ends the loop as soon as the callback returns (`event_base_loopbreak`). What else is due
    /// stays due, for the loop's next run. Asked before the loop runs, it ends at once.
    pub fn break_off(&mut self) {
        self.stop.break_off = true;
    }

    /// Ends the pass as soon as the callback returns and looks for news
    /// (`event_base_loopcontinue`). What else is due stays due.
    pub fn continue_early(&mut self) {
        self.stop.cut_short = true;
    }

    /// Queues a slot's callbacks; something more urgent than what runs now ends the pass.
    pub(crate) fn activate(&mut self, id: Id) {
        if self.active.activate(&mut self.tables, id) {
            self.stop.cut_short = true;
        }
    }
}
