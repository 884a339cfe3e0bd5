//! What holds of one pass: one level, each slot once, an end.

use picoevent::Event;

/// The pass that runs, as seen from its callbacks.
#[derive(Default)]
pub struct Pass {
    /// The level of its callbacks, watchers aside.
    level: Option<u8>,
    /// The slots of events that ran in it.
    ran: Vec<usize>,
    /// A callback asked it to end.
    cut_short: bool,
    /// One of its callbacks runs.
    calling: bool,
    /// Callbacks it may still make.
    left: u64,
    /// Prepare watchers run, and no pass.
    pub preparing: bool,
}

impl Pass {
    /// The pass begins.
    pub fn begin(&mut self) {
        self.level = None;
        self.ran.clear();
        (self.cut_short, self.calling) = (false, false);
    }

    /// From here on, so many callbacks may come.
    pub fn allow(&mut self, calls: u64) {
        self.left = calls;
    }

    /// News may bring that many more.
    pub fn allow_more(&mut self, calls: u64) {
        self.left += calls;
    }

    /// A callback came.
    pub fn count(&mut self) {
        assert!(self.left > 0, "a pass does not end");
        self.left -= 1;
    }

    /// Its end was asked for.
    pub fn cut_short(&mut self) {
        self.cut_short |= self.calling;
    }

    /// Records that one of its callbacks has returned.
    pub fn returned(&mut self) {
        self.calling = false;
    }

    /// It was one of this level.
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
