//! Watchers, which are called before and after each poll.

use super::Model;
use crate::program::{Id, When};

impl Model {
    /// Calls the watchers of a kind. The number of calls is the number of these watchers now, and each call goes
    /// to the next watcher.
    pub(super) fn watch(&mut self, when: When, wait: Option<u64>) {
        let turns = self.watchers.iter().filter(|id| self.is_of(**id, when)).count();
        self.next_watcher = self.first_watcher(when, 0);
        for _ in 0..turns {
            let Some(id) = self.next_watcher.filter(|_| !self.over) else { break };
            self.next_watcher = self.watcher_after(id);
            self.say_place();
            let wait = wait.map_or("-".to_owned(), |wait| wait.to_string());
            match when {
                When::Prepare => self.say(format_args!("prepare {id} wait {wait}\n")),
                When::Check => self.say(format_args!("check {id}\n")),
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

    fn is_of(&self, id: Id, when: When) -> bool {
        self.plan.watchers[usize::from(id)] == Some(when)
    }

    fn first_watcher(&self, when: When, from: usize) -> Option<Id> {
        self.watchers.iter().skip(from).find(|id| self.is_of(**id, when)).copied()
    }

    fn watcher_after(&self, id: Id) -> Option<Id> {
        let place = self.watchers.iter().position(|other| *other == id)?;
        self.first_watcher(self.plan.watchers[usize::from(id)]?, place + 1)
    }
}
