//! The verdict on a simulation, and its other results.

use std::fmt;

use crate::world::choices::choice_log::Choice;
use crate::world::choices::kinds::{FaultKind, ServerFaultKind};
use crate::world::simulation::waits::Waits;

/// The verdict on a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was correct.
    Pass,
    /// The device panicked.
    Crash(String),
    /// An invariant was violated.
    Invariant(String),
    /// Something that must happen in the end did not happen.
    Stuck(String),
    /// All clients are served, but some objects are still in use.
    Leak(String),
}

/// A kind of verdict, without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`Verdict::Pass`].
    Pass,
    /// [`Verdict::Crash`].
    Crash,
    /// [`Verdict::Invariant`].
    Invariant,
    /// [`Verdict::Stuck`].
    Stuck,
    /// [`Verdict::Leak`].
    Leak,
}

impl Kind {
    /// All kinds: first the pass, then the failures, the worst failure first.
    pub const ALL: [Self; 5] = [Self::Pass, Self::Crash, Self::Invariant, Self::Stuck, Self::Leak];

    /// Returns the command's exit status.
    pub const fn status(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Crash => 10,
            Self::Invariant => 11,
            Self::Stuck => 12,
            Self::Leak => 13,
        }
    }

    /// Returns the kind as a word, for example `pass`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Crash => "crash",
            Self::Invariant => "invariant",
            Self::Stuck => "stuck",
            Self::Leak => "leak",
        }
    }
}

impl Verdict {
    /// Returns the kind of the verdict.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Pass => Kind::Pass,
            Self::Crash(_) => Kind::Crash,
            Self::Invariant(_) => Kind::Invariant,
            Self::Stuck(_) => Kind::Stuck,
            Self::Leak(_) => Kind::Leak,
        }
    }

    /// Adds a reason to a failure.
    pub(crate) fn because(mut self, reason: &str) -> Self {
        if let Self::Crash(why) | Self::Invariant(why) | Self::Stuck(why) | Self::Leak(why) =
            &mut self
        {
            why.push_str("; ");
            why.push_str(reason);
        }
        self
    }

    /// Returns whether everything was correct.
    pub const fn is_pass(&self) -> bool {
        matches!(self, Self::Pass)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Crash(why) => write!(f, "crash: {why}"),
            Self::Invariant(why) => write!(f, "invariant: {why}"),
            Self::Stuck(why) => write!(f, "stuck: {why}"),
            Self::Leak(why) => write!(f, "leak: {why}"),
        }
    }
}

/// The results of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// A hash of all events of the simulation, in order.
    pub digest: u64,
    /// The duration of the simulation, in microseconds of virtual time.
    pub lasted: u64,
    /// The number of frames sent, including lost frames.
    pub frames: u64,
    /// The number of callbacks run.
    pub callbacks: u64,
    /// The number of clients served.
    pub served: u32,
    /// How long clients waited until they were served.
    pub waited: Waits,
    /// The number of times each kind of fault had an effect, in [`FaultKind`]'s order.
    pub fault_counts: [u32; FaultKind::ALL.len()],
    /// The number of connections that servers have accepted.
    pub accepted: u32,
    /// The number of times each kind of server fault began, in [`ServerFaultKind`]'s order.
    pub server_fault_counts: [u32; ServerFaultKind::ALL.len()],
    /// The choices that differ from the defaults, if the simulation failed. Empty if the simulation passed.
    pub choices: Vec<Choice>,
}
