//! Watchers. Prepare watchers are called before each poll, and check watchers after each poll.

use super::Model;
use crate::program::{Id, WatcherKind};

impl Model {
    /// Calls the watchers of a kind in the order of the list. The maximum number of calls is the number of these
    /// watchers at the start. A callback may add and remove watchers, so the next watcher is looked up again after each
    /// removal.
    pub(super) fn watch(&mut self, when: WatcherKind, wait: Option<u64>) {
        let count = self.watchers.iter().filter(|id| self.is_of(**id, when)).count();
        self.next_watcher = self.first_watcher(when, 0);
        for _ in 0..count {
            let Some(id) = self.next_watcher.filter(|_| !self.is_over) else { break };
            self.next_watcher = self.watcher_after(id);
            self.write_position();
            let wait = wait.map_or("-".to_owned(), |wait| wait.to_string());
            match when {
                WatcherKind::Prepare => {
                    self.write_trace(format_args!("prepare {id} wait {wait}\n"))
                }
                WatcherKind::Check => self.write_trace(format_args!("check {id}\n")),
            }
            self.script(id);
        }
        self.next_watcher = None;
    }

    /// Adds a watcher at the end of the list.
    pub(super) fn add_watcher(&mut self, id: Id) {
        if !self.watchers.contains(&id) {
            self.watchers.push(id);
        }
    }

    pub(super) fn remove_watcher(&mut self, id: Id) {
        if self.next_watcher == Some(id) {
            self.next_watcher = self.watcher_after(id);
        }
        self.watchers.retain(|other| *other != id);
    }

    fn is_of(&self, id: Id, when: WatcherKind) -> bool {
        self.plan.watchers[usize::from(id)] == Some(when)
    }

    fn first_watcher(&self, when: WatcherKind, from: usize) -> Option<Id> {
        self.watchers.iter().skip(from).find(|id| self.is_of(**id, when)).copied()
    }

    fn watcher_after(&self, id: Id) -> Option<Id> {
        let index = self.watchers.iter().position(|other| *other == id)?;
        self.first_watcher(self.plan.watchers[usize::from(id)]?, index + 1)
    }
}
