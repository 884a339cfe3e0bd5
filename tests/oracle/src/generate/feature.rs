//! Features and steps that a program may have.

use fastrand::Rng;
use strum::VariantArray;

use crate::random::Draw;

/// The features of a program.
pub(super) struct Features {
    pub timers: bool,
    pub sources: bool,
    pub signals: bool,
    pub edges: bool,
    pub mixing: bool,
    pub once: bool,
    pub common: bool,
    pub priorities: bool,
    pub limit: bool,
    pub watchers: bool,
    pub zero: bool,
    pub verbs: Vec<Verb>,
}

/// The kinds of steps.
#[derive(Clone, Copy, PartialEq, Eq, VariantArray)]
pub(super) enum Verb {
    Add,
    AddTimed,
    Del,
    Activate,
    Priority,
    RemoveTimer,
    Free,
    Ask,
    Counts,
    Peaks,
    All,
    Got,
    Exit,
    Break,
    Continue,
    Take,
    Look,
    Ready,
    Raise,
    Watch,
}

/// Steps that a watcher does not perform: passing time, and reading the clock. libevent has no watchers before version
/// 2.2, and the replacement for them would not be exact for these steps.
pub(super) const NOT_OF_WATCHERS: [Verb; 2] = [Verb::Take, Verb::Look];

impl Features {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let mut half = |chance| random.percent(chance);
        let mut features = Self {
            timers: half(70),
            sources: half(55),
            signals: half(40),
            edges: half(30),
            mixing: half(10),
            once: half(25),
            common: half(25),
            priorities: half(50),
            limit: half(25),
            watchers: half(25),
            zero: half(40),
            verbs: Vec::new(),
        };
        features.settle(random);
        features
    }

    fn settle(&mut self, random: &mut Rng) {
        self.timers |= !self.sources && !self.signals;
        let rare = |verb| matches!(verb, Verb::Exit | Verb::Break | Verb::Got | Verb::Peaks);
        let chance = |verb| if rare(verb) { 20 } else { 45 };
        self.verbs =
            Verb::VARIANTS.iter().copied().filter(|verb| random.percent(chance(*verb))).collect();
        let possible = |verb: &Verb| match verb {
            Verb::Ready => self.sources,
            Verb::Raise => self.signals,
            Verb::Watch => self.watchers,
            Verb::Priority => self.priorities,
            _ => true,
        };
        self.verbs.retain(possible);
        if self.verbs.is_empty() {
            self.verbs = vec![Verb::Activate, Verb::Add];
        }
    }
}

impl Verb {
    /// Returns whether the step needs an event that was made before.
    pub(super) fn needs_handle(self) -> bool {
        matches!(
            self,
            Self::Del
                | Self::Activate
                | Self::Priority
                | Self::RemoveTimer
                | Self::Free
                | Self::Ask
        )
    }
}
