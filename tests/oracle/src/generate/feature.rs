//! Features and steps that a program may have.

use fastrand::Rng;
use strum::VariantArray;

use crate::random::RandomChoice;

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
    pub steps: Vec<StepKind>,
}

/// The kinds of steps.
#[derive(Clone, Copy, PartialEq, Eq, VariantArray)]
pub(super) enum StepKind {
    Add,
    AddTimed,
    Del,
    Activate,
    Priority,
    RemoveTimer,
    Free,
    Query,
    Counts,
    Peaks,
    All,
    Got,
    Exit,
    Break,
    Continue,
    PassTime,
    UpdateNow,
    Ready,
    Raise,
    Watch,
}

/// Steps that watchers do not perform: letting time pass, and updating the loop's time. libevent 2.1 has no watchers.
/// On libevent, the oracle calls the watchers itself, but not at exactly the point at which a loop with watchers would
/// call them. These two steps would show the difference.
pub(super) const NOT_IN_WATCHERS: [StepKind; 2] = [StepKind::PassTime, StepKind::UpdateNow];

impl Features {
    pub(super) fn choose(random: &mut Rng) -> Self {
        let mut has = |chance| random.percent(chance);
        let mut features = Self {
            timers: has(70),
            sources: has(55),
            signals: has(40),
            edges: has(30),
            mixing: has(10),
            once: has(25),
            common: has(25),
            priorities: has(50),
            limit: has(25),
            watchers: has(25),
            zero: has(40),
            steps: Vec::new(),
        };
        features.choose_steps(random);
        features
    }

    fn choose_steps(&mut self, random: &mut Rng) {
        self.timers |= !self.sources && !self.signals;
        let rare = |step| {
            matches!(step, StepKind::Exit | StepKind::Break | StepKind::Got | StepKind::Peaks)
        };
        let chance = |step| if rare(step) { 20 } else { 45 };
        self.steps = StepKind::VARIANTS
            .iter()
            .copied()
            .filter(|step| random.percent(chance(*step)))
            .collect();
        let possible = |step: &StepKind| match step {
            StepKind::Ready => self.sources,
            StepKind::Raise => self.signals,
            StepKind::Watch => self.watchers,
            StepKind::Priority => self.priorities,
            _ => true,
        };
        self.steps.retain(possible);
        if self.steps.is_empty() {
            self.steps = vec![StepKind::Activate, StepKind::Add];
        }
    }
}

impl StepKind {
    /// Returns whether the step needs an existing event.
    pub(super) fn needs_handle(self) -> bool {
        matches!(
            self,
            Self::Del
                | Self::Activate
                | Self::Priority
                | Self::RemoveTimer
                | Self::Free
                | Self::Query
        )
    }
}
