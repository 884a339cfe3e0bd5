//! The verdict on a simulation, and what else is known of it when it is over.

use std::fmt;

use crate::world::choices::choice_log::Choice;
use crate::world::choices::kinds::FaultKind;
use crate::world::simulation::waits::Waits;

/// How a simulation went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything as it should be.
    Pass,
    /// The device panicked.
    Crash(String),
    /// Something happened that must never happen.
    Invariant(String),
    /// Something that must happen in the end did not.
    Stuck(String),
    /// Everyone is served, and something is still held.
    Leak(String),
}

/// A kind of verdict, without its words.
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
    /// All of them, the good one first.
    pub const ALL: [Self; 5] = [Self::Pass, Self::Crash, Self::Invariant, Self::Stuck, Self::Leak];

    /// The status with which the command ends.
    pub const fn status(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Crash => 10,
            Self::Invariant => 11,
            Self::Stuck => 12,
            Self::Leak => 13,
        }
    }

    /// Its word.
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
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Pass => Kind::Pass,
            Self::Crash(_) => Kind::Crash,
            Self::Invariant(_) => Kind::Invariant,
            Self::Stuck(_) => Kind::Stuck,
            Self::Leak(_) => Kind::Leak,
        }
    }

    /// Adds the reason to the words of a failure.
    pub(crate) fn because(mut self, reason: &str) -> Self {
        if let Self::Crash(why) | Self::Invariant(why) | Self::Stuck(why) | Self::Leak(why) =
            &mut self
        {
            why.push_str("; ");
            why.push_str(reason);
        }
        self
    }

    /// Whether everything was as it should be.
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

/// What is known of a simulation that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it went.
    pub verdict: Verdict,
    /// One number for everything that happened, in order.
    pub digest: u64,
    /// How long it lasted, in microseconds of its own.
    pub lasted: u64,
    /// Frames that were sent, those that were lost included.
    pub frames: u64,
    /// Callbacks that ran.
    pub callbacks: u64,
    /// Clients that were served.
    pub served: u32,
    /// How long they waited for their service.
    pub waited: Waits,
    /// How often each kind of fault struck, by [`FaultKind`]'s order.
    pub struck: [u32; FaultKind::ALL.len()],
    /// The choices that were not the defaults; only kept for a simulation that failed.
    pub lines: Vec<Choice>,
}
