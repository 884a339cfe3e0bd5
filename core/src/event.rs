//! Events: what the application waits for, and the function to call when it happens.
//!
//! An event waits for readiness of a source, for a signal, or for nothing but its timeout and the
//! application's own [`activate`](EventMut::activate): libevent's one type, with its rules. While
//! it is *pending* it can become *active*; while it is active its callback is due. A one-shot event
//! is no longer pending when its callback runs; a persistent one stays, and its timeout is set
//! again before the callback, never in a burst for periods that were missed.

use core::time::Duration;

use crate::active::Turn;
use crate::common::CommonTimeout;
use crate::error::AddError;
use crate::handle::{Event, Source, kind};
use crate::list::{Id, Kind, Link};
use crate::table::Resident;
use crate::time::micros;
use crate::watcher::When;
use crate::{Cx, Signal, What};

mod registration;
mod timeout;
mod verbs;

pub use verbs::EventMut;

/// An event's callback: the application, the loop, the event, and what came true.
pub type OnEvent<A> = fn(&mut A, &mut Cx<'_, A>, Event, What);

/// Whether an event stays pending when it fires (`EV_PERSIST`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// It fires once and must be added again.
    OneShot,
    /// It stays until it is deleted; its timeout becomes an interval.
    Persist,
}

/// What an event waits for, beside its timeout.
#[derive(Clone, Copy)]
pub(crate) enum Waits {
    Nothing,
    Source(Source),
    Signal(Signal),
    Watcher(When),
}

/// What the next deadline of a persistent event is counted by.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    None,
    /// An interval in microseconds.
    Every(u64),
    Common(CommonTimeout),
}

/// What an event takes when it fires, beside its call.
pub(crate) mod chore {
    /// It is deleted ([`Mode::OneShot`](super::Mode::OneShot)).
    pub(crate) const DELETE: u8 = 1 << 0;
    /// Its slot is given back when the callback has run.
    pub(crate) const FREE: u8 = 1 << 1;
    /// Its next deadline is set.
    pub(crate) const BEAT: u8 = 1 << 2;
    /// The back end is asked to look at its source again.
    pub(crate) const ASK: u8 = 1 << 3;
    /// Its signal was raised, perhaps more than once.
    pub(crate) const RAISES: u8 = 1 << 4;
}

pub(crate) struct EventState<A> {
    pub(crate) call: Option<OnEvent<A>>,
    pub(crate) user: u32,
    pub(crate) waits: Waits,
    pub(crate) interest: What,
    /// What firing takes beside the call, one bit each: see [`chore`].
    pub(crate) chores: u8,
    /// On the list of its source or signal, or among the watchers.
    pub(crate) registered: bool,
    /// What came true since the last callback.
    pub(crate) result: What,
    /// Callbacks still due for raises of the signal.
    pub(crate) raises: u16,
    pace: Pace,
    /// The list of a common timeout that the event is on, and its place on it.
    pub(crate) on_common: Option<CommonTimeout>,
    pub(crate) common: Link,
    pub(crate) waiting: Link,
    pub(crate) turn: Turn,
}

impl<A> Resident for EventState<A> {
    type Kind = kind::Event;

    const EMPTY: Self = Self {
        call: None,
        user: 0,
        waits: Waits::Nothing,
        interest: What::NONE,
        chores: 0,
        registered: false,
        result: What::NONE,
        raises: 0,
        pace: Pace::None,
        on_common: None,
        common: Link::EMPTY,
        waiting: Link::EMPTY,
        turn: Turn::EMPTY,
    };

    fn vacate(&mut self) {
        *self = Self { turn: self.turn.vacated(), ..Self::EMPTY };
    }
}

impl<A> EventState<A> {
    pub(crate) const fn is_persistent(&self) -> bool {
        self.chores & chore::DELETE == 0
    }

    /// Sets or clears a chore.
    pub(crate) const fn set_chore(&mut self, chore: u8, set: bool) {
        self.chores = if set { self.chores | chore } else { self.chores & !chore };
    }

    fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.set_chore(chore::BEAT, !matches!(pace, Pace::None));
    }

    /// What the event waits for, its timeout aside.
    pub(crate) fn pending(&self) -> What {
        match self.waits {
            Waits::Source(_) if self.registered => self.interest & What::IO,
            Waits::Signal(_) if self.registered => What::SIGNAL,
            _ => What::NONE,
        }
    }
}

// What the verbs, the feed and the dispatch share.
impl<A> Cx<'_, A> {
    fn event_add(&mut self, event: Event, timeout: Option<Duration>) -> Result<(), AddError> {
        self.event_register(event)?;
        if let Some(timeout) = timeout {
            let interval = micros(timeout);
            self.event_begin_timeout(event, Pace::Every(interval), interval);
        }
        Ok(())
    }

    fn event_add_common(&mut self, event: Event, timeout: CommonTimeout) -> Result<(), AddError> {
        let interval = self.common_interval(timeout)?;
        self.event_register(event)?;
        self.event_begin_timeout(event, Pace::Common(timeout), interval);
        Ok(())
    }

    pub(crate) fn event_del(&mut self, event: Event) {
        self.event_disarm(event);
        let Some(state) = self.tables.events.get_mut(event) else { return };
        state.set_pace(Pace::None);
        let (queued, registered) = (state.turn.is_queued(), state.registered);
        if queued || self.repeat.is_some() {
            self.event_deactivate(event);
        }
        if registered {
            self.event_unregister(event);
        }
    }

    pub(crate) fn event_free(&mut self, event: Event) {
        self.event_del(event);
        self.tables.events.remove(event);
    }

    pub(crate) fn event_activate(&mut self, event: Event, what: What) {
        if self.tables.events.get(event).is_some() {
            self.event_activate_at(event.slot(), what);
        }
    }

    /// Makes the callback of the event in a slot that is taken due with `what`.
    #[inline(never)]
    pub(crate) fn event_activate_at(&mut self, index: u16, what: What) {
        let Some(state) = self.tables.events.linked(index) else { return };
        state.result |= what;
        let id = Id::new(Kind::Event, index);
        let queued = self.active.activate(&mut state.turn, id);
        self.activated(id, queued);
    }

    /// Prepares the callback of an event whose turn it is.
    #[inline]
    pub(crate) fn event_fire(&mut self, index: u16) -> Option<(OnEvent<A>, Event, What)> {
        let (event, state) = self.tables.events.at(index)?;
        let (call, what) = (state.call, core::mem::take(&mut state.result));
        let chores = state.chores;
        self.active.done(&mut state.turn);
        if chores != 0 {
            self.event_chores(event, what);
        }
        Some((call?, event, what))
    }

    /// Does what an event that fires with `what` takes beside its call.
    #[inline(never)]
    fn event_chores(&mut self, event: Event, what: What) {
        let Some(state) = self.tables.events.get_mut(event) else { return };
        let (chores, raises) = (state.chores, core::mem::take(&mut state.raises));
        let registered = state.registered;
        state.set_chore(chore::RAISES, false);
        let has = |chore| chores & chore != 0;
        if has(chore::DELETE) {
            self.event_disarm(event);
            if registered {
                self.event_unregister(event);
            }
        }
        if has(chore::BEAT) {
            self.event_beat(event, what);
        }
        if has(chore::ASK) && what.intersects(What::IO) {
            self.event_ask_again(event);
        }
        if raises > 1 {
            self.repeat = Some((event, raises.saturating_sub(1)));
            self.course.attention = true;
        }
        if has(chore::FREE) {
            self.spent = Some(event);
            self.course.attention = true;
        }
    }

    /// Frees the once-event whose callback has run, unless that has made use of it again.
    pub(crate) fn free_spent(&mut self) {
        let Some(event) = self.spent.take() else { return };
        let armed = self.timers.is_armed(event.index());
        let Some(state) = self.tables.events.get(event) else { return };
        if !(armed || state.on_common.is_some() || state.registered || state.turn.is_queued()) {
            self.tables.events.remove(event);
        }
    }

    fn event_deactivate(&mut self, event: Event) {
        self.active.remove(&mut self.tables, id_of(event));
        if let Some(state) = self.tables.events.get_mut(event) {
            (state.result, state.raises) = (What::NONE, 0);
            state.set_chore(chore::RAISES, false);
        }
        if self.repeat.is_some_and(|(repeated, _)| repeated == event) {
            self.repeat = None;
        }
    }
}

pub(crate) const fn id_of(event: Event) -> Id {
    Id::new(Kind::Event, event.slot())
}
