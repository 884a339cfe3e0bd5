//! The rules of a pass. A pass runs callbacks of only one priority level, runs each slot at most once, and ends.

use picoevent::Event;

/// The current pass, as its callbacks have recorded it.
#[derive(Default)]
pub struct Pass {
    /// The priority level of the pass: the level of its first callback, not counting watchers.
    level: Option<u8>,
    /// The slots of events that ran in the pass.
    slots_run: Vec<usize>,
    /// Whether a callback requested the end of the pass.
    cut_short: bool,
    /// Whether a callback of the pass is running.
    is_calling: bool,
    /// The number of callbacks that may still run.
    calls_left: u64,
    /// Whether prepare watchers are running, outside of a pass.
    pub preparing: bool,
}

impl Pass {
    /// Begins a pass.
    pub fn begin(&mut self) {
        self.level = None;
        self.slots_run.clear();
        (self.cut_short, self.is_calling) = (false, false);
    }

    /// From now on, allows `calls` callbacks.
    pub fn allow(&mut self, calls: u64) {
        self.calls_left = calls;
    }

    /// Allows `calls` more callbacks, after the back end has reported something.
    pub fn allow_more(&mut self, calls: u64) {
        self.calls_left += calls;
    }

    /// Counts a callback.
    pub fn count(&mut self) {
        assert!(self.calls_left > 0, "a pass ran too many callbacks");
        self.calls_left -= 1;
    }

    /// Records that the end of the pass was requested.
    pub fn cut_short(&mut self) {
        self.cut_short |= self.is_calling;
    }

    /// Records that a callback of the pass has returned.
    pub fn returned(&mut self) {
        self.is_calling = false;
    }

    /// Checks and records the priority level of a callback.
    pub fn check_level(&mut self, level: u8) {
        assert!(!self.cut_short, "a pass went on after a request to end it");
        self.is_calling = true;
        let first = *self.level.get_or_insert(level);
        assert_eq!(level, first, "a pass ran callbacks of two priority levels");
    }

    /// Records the callback of an event. If a signal was raised several times, its callback is repeated. The repeats
    /// are not recorded again.
    pub fn called(&mut self, event: Event, level: u8, may_repeat: bool) {
        let repeated = self.slots_run.contains(&event.index());
        assert!(!repeated || may_repeat, "a slot ran twice in a pass");
        if !repeated {
            self.slots_run.push(event.index());
            self.check_level(level);
        }
    }
}
