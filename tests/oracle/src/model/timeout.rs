//! Deadlines: where they are kept, which is first, and what happens when they pass.

use super::{Model, Place, Timer};
use crate::{differences::Switch, program::bits};

impl Model {
    /// Stores the deadline of an event that has none.
    pub(super) fn arm(&mut self, event: Place, deadline: u64, common: Option<usize>) {
        self.armings += 1;
        let state = &mut self.events[event];
        (state.deadline, state.order) = (deadline, self.armings);
        state.timer = common.map_or(Timer::Heap, Timer::Common);
        self.added.up(state.is_internal());
        let Some(common) = common else { return self.push(event) };
        let members = &self.commons[common].members;
        let behind = members.iter().rposition(|other| self.events[*other].deadline <= deadline);
        let place = behind.map_or(0, |behind| behind + 1);
        self.commons[common].members.insert(place, event);
        if place == 0 && !self.ours(Switch::CommonHead) {
            self.schedule(common);
        }
    }

    /// Removes an event's deadline.
    pub(super) fn disarm(&mut self, event: Place) {
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
    pub(super) fn first(&self) -> Option<(u64, Place)> {
        let key = |event: &Place| (self.events[*event].deadline, self.events[*event].order);
        let top = if self.ours(Switch::TimerOrder) {
            self.heap.iter().min_by_key(|event| key(event))
        } else {
            self.heap.first()
        };
        let lists = self.commons.iter().filter_map(|common| common.members.first());
        let lists = lists.filter(|_| self.ours(Switch::CommonHead));
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

    fn time_out(&mut self, event: Place) {
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
    pub(super) fn common_passed(&mut self, common: usize) {
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
        self.begin_timeout(self.commons[common].head, deadline, None);
    }

    // libevent's heap, step by step, since the order of equal deadlines depends on it.

    fn later_than(&self, a: Place, b: Place) -> bool {
        self.events[a].deadline > self.events[b].deadline
    }

    fn push(&mut self, event: Place) {
        self.heap.push(event);
        if !self.ours(Switch::TimerOrder) {
            self.shift_up(self.heap.len() - 1, event, false);
        }
    }

    fn erase(&mut self, event: Place) {
        let Some(hole) = self.heap.iter().position(|other| *other == event) else { return };
        if self.ours(Switch::TimerOrder) {
            self.heap.remove(hole);
            return;
        }
        let Some(last) = self.heap.pop() else { return };
        if hole > 0 && self.later_than(self.heap[(hole - 1) / 2], last) {
            self.shift_up(hole, last, true);
        } else {
            self.shift_down(hole, last);
        }
    }

    fn shift_up(&mut self, mut hole: usize, event: Place, mut at_least_once: bool) {
        while at_least_once || (hole > 0 && self.later_than(self.heap[(hole - 1) / 2], event)) {
            at_least_once = false;
            let parent = (hole - 1) / 2;
            self.heap[hole] = self.heap[parent];
            hole = parent;
        }
        self.heap[hole] = event;
    }

    fn shift_down(&mut self, mut hole: usize, event: Place) {
        loop {
            let right = 2 * (hole + 1);
            if right > self.heap.len() {
                break;
            }
            let left_is_less =
                right == self.heap.len() || self.later_than(self.heap[right], self.heap[right - 1]);
            let least = if left_is_less { right - 1 } else { right };
            if !self.later_than(event, self.heap[least]) {
                break;
            }
            self.heap[hole] = self.heap[least];
            hole = least;
        }
        // The last entry may have been the erased one.
        if let Some(entry) = self.heap.get_mut(hole) {
            *entry = event;
        }
    }
}
