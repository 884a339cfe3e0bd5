//! The deadlines of events: how they are stored, which deadline is first, and what happens when a deadline passes.

use super::{EventIndex, Model, Timer};
use crate::{differences::Switch, program::bits};

impl Model {
    /// Stores the deadline of an event that has none.
    pub(super) fn arm(&mut self, event: EventIndex, deadline: u64, common: Option<usize>) {
        self.last_sequence += 1;
        let state = &mut self.events[event];
        (state.deadline, state.sequence) = (deadline, self.last_sequence);
        state.timer = common.map_or(Timer::Heap, Timer::Common);
        self.added.increment(state.is_internal());
        let Some(common) = common else { return self.push(event) };
        let members = &self.commons[common].members;
        let behind = members.iter().rposition(|other| self.events[*other].deadline <= deadline);
        let index = behind.map_or(0, |behind| behind + 1);
        self.commons[common].members.insert(index, event);
        if index == 0 && !self.ours(Switch::CommonTimeoutEvent) {
            self.schedule(common);
        }
    }

    /// Removes an event's deadline.
    pub(super) fn disarm(&mut self, event: EventIndex) {
        let state = &mut self.events[event];
        let internal = state.is_internal();
        match std::mem::replace(&mut state.timer, Timer::None) {
            Timer::None => return,
            Timer::Heap => self.erase(event),
            Timer::Common(common) => self.commons[common].members.retain(|other| *other != event),
        }
        if !internal {
            self.added.now -= 1;
        }
    }

    /// Returns the earliest deadline and its event.
    pub(super) fn first(&self) -> Option<(u64, EventIndex)> {
        let key = |event: &EventIndex| (self.events[*event].deadline, self.events[*event].sequence);
        let top = if self.ours(Switch::TimerOrder) {
            self.heap.iter().min_by_key(|event| key(event))
        } else {
            self.heap.first()
        };
        let lists = self.commons.iter().filter_map(|common| common.members.first());
        let lists = lists.filter(|_| self.ours(Switch::CommonTimeoutEvent));
        let first = top.into_iter().chain(lists).min_by_key(|event| key(event))?;
        Some((self.events[*first].deadline, *first))
    }

    /// Activates the events that are due.
    pub(super) fn expire(&mut self) {
        while let Some((deadline, event)) = self.first()
            && deadline <= self.now()
        {
            self.time_out(event);
        }
    }

    fn time_out(&mut self, event: EventIndex) {
        self.disarm(event);
        let state = &self.events[event];
        let was_active = state.queued;
        let persistent_stays = state.persist && self.ours(Switch::ExpiryStays);
        let active_stays = was_active && self.ours(Switch::ExpiryActive);
        if !active_stays {
            self.dequeue(event);
        }
        if !active_stays && !persistent_stays {
            self.unregister(event);
        }
        self.activate(event, bits::TIMEOUT, None);
    }

    /// Runs the callback of libevent's event for a common timeout.
    pub(super) fn on_common_timeout(&mut self, common: usize) {
        while let Some(first) = self.commons[common].members.first().copied()
            && self.events[first].deadline <= self.now()
        {
            self.time_out(first);
        }
        if !self.commons[common].members.is_empty() {
            self.schedule(common);
        }
    }

    /// Sets the deadline of libevent's event for a common timeout to the deadline of the first member.
    fn schedule(&mut self, common: usize) {
        let Some(first) = self.commons[common].members.first() else { return };
        let deadline = self.events[*first].deadline;
        self.begin_timeout(self.commons[common].internal_event, deadline, None);
    }

    // At libevent's side, the functions below do exactly the same as libevent's heap operations, because the order of
    // events with equal deadlines depends on these operations.

    fn expires_later(&self, a: EventIndex, b: EventIndex) -> bool {
        self.events[a].deadline > self.events[b].deadline
    }

    fn push(&mut self, event: EventIndex) {
        self.heap.push(event);
        if !self.ours(Switch::TimerOrder) {
            self.shift_up(self.heap.len() - 1, event, false);
        }
    }

    fn erase(&mut self, event: EventIndex) {
        let Some(hole) = self.heap.iter().position(|other| *other == event) else { return };
        if self.ours(Switch::TimerOrder) {
            self.heap.remove(hole);
            return;
        }
        let Some(last) = self.heap.pop() else { return };
        if hole > 0 && self.expires_later(self.heap[(hole - 1) / 2], last) {
            self.shift_up(hole, last, true);
        } else {
            self.shift_down(hole, last);
        }
    }

    fn shift_up(&mut self, mut hole: usize, event: EventIndex, mut at_least_once: bool) {
        while at_least_once || (hole > 0 && self.expires_later(self.heap[(hole - 1) / 2], event)) {
            at_least_once = false;
            let parent = (hole - 1) / 2;
            self.heap[hole] = self.heap[parent];
            hole = parent;
        }
        self.heap[hole] = event;
    }

    fn shift_down(&mut self, mut hole: usize, event: EventIndex) {
        loop {
            let right = 2 * (hole + 1);
            if right > self.heap.len() {
                break;
            }
            let left_is_less = right == self.heap.len()
                || self.expires_later(self.heap[right], self.heap[right - 1]);
            let least = if left_is_less { right - 1 } else { right };
            if !self.expires_later(event, self.heap[least]) {
                break;
            }
            self.heap[hole] = self.heap[least];
            hole = least;
        }
        // If the erased entry was the last entry, `hole` is now outside of the heap.
        if let Some(entry) = self.heap.get_mut(hole) {
            *entry = event;
        }
    }
}
