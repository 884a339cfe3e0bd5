//! The rules of a pass: it runs callbacks of one priority level, it runs each slot only once, and it ends.

use picoevent::Event;

/// The current pass, seen from its callbacks.
#[derive(Default)]
pub struct Pass {
    /// The priority level of its callbacks, except for watchers.
    level: Option<u8>,
    /// The slots of events that ran in it.
    ran: Vec<usize>,
    /// Whether a callback requested its end.
    cut_short: bool,
    /// Whether one of its callbacks is running.
    calling: bool,
    /// The number of callbacks that it may still make.
    left: u64,
    /// Whether prepare watchers are running, outside of a pass.
    pub preparing: bool,
}

impl Pass {
    /// Begins a pass.
    pub fn begin(&mut self) {
        self.level = None;
        self.ran.clear();
        (self.cut_short, self.calling) = (false, false);
    }

    /// Allows this many callbacks from here on.
    pub fn allow(&mut self, calls: u64) {
        self.left = calls;
    }

    /// Allows more callbacks, after the back end has reported news.
    pub fn allow_more(&mut self, calls: u64) {
        self.left += calls;
    }

    /// Counts a callback.
    pub fn count(&mut self) {
        assert!(self.left > 0, "a pass does not end");
        self.left -= 1;
    }

    /// Records that the end of the pass was requested.
    pub fn cut_short(&mut self) {
        self.cut_short |= self.calling;
    }

    /// Records that one of its callbacks has returned.
    pub fn returned(&mut self) {
        self.calling = false;
    }

    /// Checks and records the priority level of a callback.
    pub fn at_level(&mut self, level: u8) {
        assert!(!self.cut_short, "a pass goes on after its end was asked for");
        self.calling = true;
        let first = *self.level.get_or_insert(level);
        assert_eq!(level, first, "a pass runs one level");
    }

    /// Counts an event's callback. Repeated calls for further raises count once.
    pub fn turn_of(&mut self, event: Event, level: u8, may_repeat: bool) {
        let repeated = self.ran.contains(&event.index());
        assert!(!repeated || may_repeat, "a slot ran twice in a pass");
        if !repeated {
            self.ran.push(event.index());
            self.at_level(level);
        }
    }
}
