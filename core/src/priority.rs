//! Priorities: the urgency of callbacks.

/// A priority level; level 0 runs first.
///
/// One pass of the loop runs one level: the most urgent level with due callbacks. Then the loop checks for new events
/// again. If a callback makes a more urgent callback due, the pass ends when the running callback returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Priority(u8);

impl Priority {
    /// The number of levels.
    pub const LEVELS: usize = 8;
    /// The most urgent level.
    pub const HIGHEST: Self = Self(0);
    /// The default level: the middle level, as in libevent.
    pub const DEFAULT: Self = Self(4);
    /// The least urgent level.
    pub const LOWEST: Self = Self(7);

    /// Makes a priority from a level, `0..LEVELS`; `None` for a level that does not exist.
    pub const fn new(level: u8) -> Option<Self> {
        if level <= Self::LOWEST.0 { Some(Self(level)) } else { None }
    }

    /// Returns the level, `0..LEVELS`.
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_existing_levels_make_a_priority() {
        assert_eq!(Priority::new(7), Some(Priority::LOWEST));
        assert_eq!(Priority::new(8), None);
        assert!(Priority::HIGHEST < Priority::DEFAULT);
    }
}
