//! Watchers: callbacks just before and just after the loop waits (libevent's `evwatch`).
//!
//! A watcher is an event that waits for a step of the loop, not for a source or a signal. All watchers are called in
//! every iteration, in the order they were made, whatever their priority. A watcher does not prevent the end of the
//! loop, and does not count as pending. A deleted watcher is not called until it is added again. Then it is called
//! after all other watchers of its kind (prepare or check). Freeing a watcher frees its slot. A watcher can also be
//! deleted, added and freed in its own callback.

use core::time::Duration;

use crate::error::FullError;
use crate::event::{EventLinks, EventList, Mode, OnEvent, Waits, flag};
use crate::handle::Event;
use crate::queue::Id;
use crate::record::Entry;
use crate::time::micros;
use crate::{Cx, EventBase, EventFlags, Fired, Wait};

/// The time at which a watcher is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The loop is about to wait.
    Prepare,
    /// The loop has waited.
    Check,
    /// The network has changed. Each change makes the event's callback due. The callback is not called in every
    /// iteration.
    Network,
}

/// The watchers, and the state of the current round of calls.
pub(crate) struct Watchers {
    prepare: EventList,
    check: EventList,
    /// The watcher that is called next.
    next: Id,
    /// The number of calls left in the round. At the beginning of a round, it is the number of watchers. So watchers
    /// that are made during a round do not make this round longer.
    left: u16,
    /// The length of the coming wait in microseconds, which prepare watchers can read; `u64::MAX` for no limit.
    wait: u64,
}

impl Watchers {
    pub(crate) const fn new() -> Self {
        Self {
            prepare: EventList::NONE,
            check: EventList::NONE,
            next: Id::NONE,
            left: 0,
            wait: u64::MAX,
        }
    }
}

impl<A> Cx<'_, A> {
    /// Calls `call` in each iteration just before the loop waits (`evwatch_prepare_new`). In this callback,
    /// [`Cx::wait_to_come`] returns the length of the wait.
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn on_prepare(&mut self, call: OnEvent<A>) -> Result<Event, FullError> {
        self.watch(When::Prepare, call)
    }

    /// Calls `call` in each iteration just after the loop has waited (`evwatch_check_new`), before
    /// timers are checked.
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn on_check(&mut self, call: OnEvent<A>) -> Result<Event, FullError> {
        self.watch(When::Check, call)
    }

    /// Returns how long the loop is about to wait (`evwatch_prepare_get_timeout`): zero when something is due, `None`
    /// when there is no limit. A prepare watcher can shorten the wait, for example by adding a timer. Outside of the
    /// callbacks of prepare watchers, returns the value for the last wait; `None` if the base never had a watcher.
    pub fn wait_to_come(&self) -> Option<Duration> {
        (self.watchers.wait < u64::MAX).then_some(Duration::from_micros(self.watchers.wait))
    }

    fn watch(&mut self, when: When, call: OnEvent<A>) -> Result<Event, FullError> {
        self.hooks.watcher_register =
            Some(|cx, event, registered| cx.watcher_register(event, registered));
        self.hooks.watcher_next = Some(|cx, begin| cx.watcher_next(begin));
        self.hooks.watcher_prepare = Some(|cx, wait, app| cx.watcher_prepare(wait, app));
        self.make_watcher(when, call)
    }

    pub(crate) fn make_watcher(
        &mut self,
        when: When,
        call: OnEvent<A>,
    ) -> Result<Event, FullError> {
        let event = self.make(Waits::Watcher(when), Mode::Persist, call, EventFlags::NONE)?;
        self.watcher_register(event, true);
        Ok(event)
    }

    /// Adds a watcher to the end of its list, or removes it from the list.
    pub(crate) fn watcher_register(&mut self, event: Event, registered: bool) {
        let Some(slot) = self.tables.events.get_mut(event) else { return };
        let Waits::Watcher(when) = slot.waits() else { return };
        slot.set_pending(flag::REGISTERED, registered);
        let id = Id::at(event.slot());
        if !registered && self.watchers.next == id {
            self.watchers.next = slot.waiting.next;
        }
        let list = match when {
            When::Prepare => &mut self.watchers.prepare,
            When::Check => &mut self.watchers.check,
            When::Network => match self.network.events() {
                Some(events) => events,
                None => return,
            },
        };
        let links = &mut EventLinks(&mut self.tables.events);
        match registered {
            true => list.push(links, id),
            false => list.remove(links, id),
        }
    }

    /// Returns the next check watcher to call. If `begin` is true, begins a new round.
    fn watcher_next(&mut self, begin: bool) -> Option<(OnEvent<A>, Event)> {
        if begin {
            self.begin_calls(self.watchers.check);
        }
        self.next_call()
    }

    fn begin_calls(&mut self, list: EventList) {
        let (mut at, mut count) = (list.first, 0_u16);
        while let Some(slot) = self.tables.events.slot(at.slot()) {
            count = count.saturating_add(1);
            at = slot.waiting.next;
        }
        (self.watchers.next, self.watchers.left) = (list.first, count);
    }

    /// Returns the next call of the round.
    fn next_call(&mut self) -> Option<(OnEvent<A>, Event)> {
        while self.watchers.left > 0 {
            self.watchers.left = self.watchers.left.saturating_sub(1);
            let (event, slot) = self.tables.events.at(self.watchers.next.slot())?;
            self.watchers.next = slot.waiting.next;
            if let Some(call) = slot.call {
                return Some((call, event));
            }
        }
        None
    }

    /// Calls the prepare watchers, unless the loop is about to end.
    fn watcher_prepare(&mut self, wait: Wait, app: &mut A) {
        self.watchers.wait = match wait {
            Wait::Ended(_) => return,
            Wait::Not => 0,
            Wait::Until(deadline) => micros(deadline.since(self.now)),
            Wait::Forever => u64::MAX,
        };
        self.begin_calls(self.watchers.prepare);
        while let Some((call, event)) = self.next_call() {
            Fired::Event(call, event, EventFlags::NONE).call(app, self);
        }
    }
}

impl<A> EventBase<'_, A> {
    /// Calls the prepare watchers, unless the loop is about to end.
    ///
    /// [`iterate`](EventBase::iterate) calls this method. Call it directly only in tests and in programs that measure
    /// single steps.
    pub fn prepare(&mut self, app: &mut A) {
        self.cx.recorder.record(|| Entry::Prepare);
        if let Some(prepare) = self.cx.hooks.watcher_prepare {
            let wait = self.next_wait(false);
            prepare(&mut self.cx, wait, app);
        }
    }
}
