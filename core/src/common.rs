//! Common timeouts: durations that many events share, each with a list of its own.
//!
//! ```text
//!  30 s ▶ event 7 ▶ event 2 ▶ event 9      deadlines only grow towards the end
//!   5 s ▶ event 1
//! ```
//!
//! Timeouts of one length pass in the order they were begun, so a list does what a heap would, and
//! beginning one again is O(1) whatever the number of events. How many lists there are is chosen in
//! the storage; the earliest deadline of all is found among their first events and the heap's.
//!
//! An event that keeps a beat (a persistent one that timed out) belongs behind those begun since
//! its deadline; it is put there from the end of the list.

use core::time::Duration;

use crate::error::{AddError, Full};
use crate::event::id_of;
use crate::handle::Event;
use crate::list::{Chain, List};
use crate::time::micros;
use crate::timer::Key;
use crate::{Cx, Instant, log};

/// A duration with a list of its own (`event_base_init_common_timeout`), for
/// [`EventMut::add_common`](crate::EventMut::add_common).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CommonTimeout(u8);

/// The list of one duration.
pub(crate) struct Common {
    interval: u64,
    events: List,
    used: bool,
}

impl Common {
    pub(crate) const EMPTY: Self = Self { interval: 0, events: List::EMPTY, used: false };
}

/// The lists, over the caller's storage.
pub(crate) struct Commons<'s> {
    lists: &'s mut [Common],
    /// Events on all of them.
    len: usize,
    /// The earliest deadline on any of them.
    first: Key,
}

impl<'s> Commons<'s> {
    /// Takes the storage over and empties it. 255 lists can be told apart; what goes beyond is not
    /// used.
    pub(crate) fn new(lists: &'s mut [Common]) -> Self {
        lists.iter_mut().for_each(|list| *list = Common::EMPTY);
        let usable = lists.len().min(usize::from(u8::MAX));
        Self { lists: lists.get_mut(..usable).unwrap_or_default(), len: 0, first: Key::NEVER }
    }

    /// The first lists only, all of them unused; `None` if there are fewer.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, lists: usize) -> Option<Self> {
        self.lists.get_mut(..lists).map(Self::new)
    }

    /// How many lists there are.
    #[cfg(feature = "record")]
    pub(crate) const fn capacity(&self) -> usize {
        self.lists.len()
    }

    /// Events on all of the lists.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The earliest deadline on any of the lists.
    pub(crate) const fn first(&self) -> Key {
        self.first
    }

    fn get(&mut self, timeout: CommonTimeout) -> Option<&mut Common> {
        self.lists.get_mut(usize::from(timeout.0)).filter(|list| list.used)
    }
}

impl<A> Cx<'_, A> {
    /// Gives a duration a list of its own, or finds the one it has.
    ///
    /// Worth it where many events wait equally long and are added again and again, as idle timers
    /// are. O(`COMMON`).
    ///
    /// # Errors
    /// [`Full::CommonTimeouts`] when all lists have another duration.
    pub fn common_timeout(&mut self, duration: Duration) -> Result<CommonTimeout, Full> {
        let interval = micros(duration);
        let lists = &mut self.commons.lists;
        let found = lists.iter().position(|list| list.used && list.interval == interval);
        let free = || lists.iter().position(|list| !list.used);
        let place = found.or_else(free).ok_or_else(|| log::full(Full::CommonTimeouts))?;
        if let Some(list) = lists.get_mut(place) {
            (list.interval, list.used) = (interval, true);
        }
        self.parts.common_join = Some(|cx, event, place| cx.common_join(event, place));
        self.parts.common_leave = Some(|cx, event, timeout| cx.common_leave(event, timeout));
        Ok(CommonTimeout(place as u8))
    }

    /// The duration of a common timeout, in microseconds.
    pub(crate) fn common_interval(&mut self, timeout: CommonTimeout) -> Result<u64, AddError> {
        self.commons.get(timeout).map(|list| list.interval).ok_or(AddError::UnknownTimeout)
    }

    /// Puts an event that has no deadline on a list, where its deadline belongs.
    fn common_join(&mut self, event: Event, (timeout, deadline): (CommonTimeout, Instant)) {
        let key = self.key(deadline, event.index());
        let Some(list) = self.commons.get(timeout) else { return };
        let mut previous = list.events.last();
        while let Some(id) = previous.filter(|id| self.timers.last(id.index().into()) > key) {
            previous = list.events.before(&mut self.tables, Chain::Common, id);
        }
        list.events.insert(&mut self.tables, Chain::Common, previous, id_of(event));
        self.timers.note(key);
        self.commons.len = self.commons.len.wrapping_add(1);
        if let Some(state) = self.tables.events.get_mut(event) {
            state.on_common = Some(timeout);
        }
        if previous.is_none() {
            self.common_look();
        }
    }

    /// Takes an event off the list it is on.
    fn common_leave(&mut self, event: Event, timeout: CommonTimeout) {
        if let Some(list) = self.commons.get(timeout) {
            list.events.remove(&mut self.tables, Chain::Common, id_of(event));
            self.commons.len = self.commons.len.wrapping_sub(1);
        }
        if self.commons.first.owner() == event.index() {
            self.common_look();
        }
    }

    /// Finds the earliest deadline on the lists, after a first event came or went. O(`COMMON`).
    fn common_look(&mut self) {
        let firsts = self.commons.lists.iter().filter_map(|list| list.events.first());
        let earliest = firsts.map(|id| self.timers.last(id.index().into())).min();
        self.commons.first = earliest.unwrap_or(Key::NEVER);
    }
}

#[cfg(test)]
mod model;
