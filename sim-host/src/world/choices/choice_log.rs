//! The choice log: every choice of a simulation. This module makes the choices, records the choices, and replays them.
//!
//! ```text
//!   seed ─▶ Random, one for each stream ──────────────┐
//!                                                     ├─▶ answer ─▶ the simulation
//!   text ─▶ choices by (stream, choice point, number) ┘      └─▶ a line, unless it is the default
//! ```
//!
//! A choice point is a question that the simulation decides, for example whether a frame is lost. The answer is a
//! number. Zero is the default: the frame is not lost, the client behaves normally, there is no fault. Only other
//! answers are written to the log, and a missing line means the default. So a simulation becomes simpler when lines are
//! deleted, and a log can be written by hand.
//!
//! A line is identified by its stream, its choice point, and a number, not by the time. If the choice is about an
//! object, such as a client, the number is the object's number. If the choice is not about an object, the number states
//! how often the choice point was reached before. So most lines keep their meaning when other lines are deleted or the
//! code changes.

use std::collections::HashMap;

use crate::world::choices::choice_point::{CHOICE_POINTS, ChoicePoint, STREAMS, Stream};
use crate::world::choices::random::Random;

mod text;

pub use text::ChoiceLogError;

/// An answer that is not the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The stream that the choice belongs to.
    pub stream: Stream,
    /// The choice point.
    pub point: ChoicePoint,
    /// The number of the object, if the choice is about an object, such as a client or a fault. For other choices: how
    /// often the choice point was reached before.
    pub nth: u32,
    /// The answer.
    pub answer: u64,
    /// The time of the choice, in microseconds of the simulation. This time is only information for the reader of a
    /// choice log.
    pub at: u64,
}

/// The source of the answers, and the answers so far.
#[derive(Clone, Debug)]
pub struct ChoiceLog {
    source: Source,
    counts: [[u32; CHOICE_POINTS]; STREAMS],
    lines: Vec<Choice>,
    /// The time of the simulation, in microseconds. Each new line contains this time.
    pub(crate) now: u64,
}

#[derive(Clone, Debug)]
enum Source {
    Seed([Random; STREAMS], u64),
    Lines(Answers),
    /// Lines for the choices made before the simulation begins, and random numbers of a seed for all other choices.
    Scenario(Answers, [Random; STREAMS]),
}

type Answers = HashMap<(Stream, ChoicePoint, u32), u64>;

impl ChoiceLog {
    /// Returns a log whose answers are chosen at random from a seed.
    pub fn of_seed(seed: u64) -> Self {
        Self::new(Source::Seed(streams(seed), seed))
    }

    /// Returns a log with given answers. If two lines are about the same choice, the later line is used.
    pub fn of_lines(lines: &[Choice]) -> Self {
        Self::new(Source::Lines(answers(lines)))
    }

    /// Returns a log with given answers for the choices made before the simulation begins. All other answers are chosen
    /// at random from a seed.
    pub fn of_scenario(scenario: &[Choice], seed: u64) -> Self {
        Self::new(Source::Scenario(answers(scenario), streams(seed)))
    }

    fn new(source: Source) -> Self {
        Self { source, counts: [[0; CHOICE_POINTS]; STREAMS], lines: Vec::new(), now: 0 }
    }

    /// Restarts with another seed, in the same memory.
    pub(crate) fn restart(&mut self, seed: u64) {
        self.source = Source::Seed(streams(seed), seed);
        self.counts = [[0; CHOICE_POINTS]; STREAMS];
        self.lines.clear();
        self.now = 0;
    }

    /// Returns the answer at a choice point for the next event of a stream, for example for the next frame. If the
    /// answer comes from a seed, `generate` chooses the answer.
    pub fn choose(
        &mut self,
        stream: Stream,
        point: ChoicePoint,
        generate: impl FnOnce(&mut Random) -> u64,
    ) -> u64 {
        let count = &mut self.counts[stream as usize][point as usize];
        let nth = *count;
        *count += 1;
        self.choose_for(stream, point, nth, generate)
    }

    /// Returns the answer at a choice point for a numbered object, such as a client or a fault.
    pub fn choose_for(
        &mut self,
        stream: Stream,
        point: ChoicePoint,
        nth: u32,
        generate: impl FnOnce(&mut Random) -> u64,
    ) -> u64 {
        let answer = match &mut self.source {
            Source::Seed(streams, _) => generate(&mut streams[stream as usize]),
            Source::Scenario(_, streams) if !stream.is_of_plan() => {
                generate(&mut streams[stream as usize])
            }
            Source::Lines(lines) | Source::Scenario(lines, _) => {
                lines.get(&(stream, point, nth)).copied().unwrap_or(0)
            }
        };
        if answer != 0 {
            self.lines.push(Choice { stream, point, nth, answer, at: self.now });
        }
        answer
    }

    /// Returns a bit mask that selects the kinds of faults, server faults and clients that may occur. For a seed, the
    /// bits are random. For a log of given answers, all bits are set.
    pub(crate) fn swarm(&self) -> u64 {
        match &self.source {
            Source::Seed(_, seed) => Random::new(*seed, 0).next(),
            Source::Lines(_) | Source::Scenario(..) => u64::MAX,
        }
    }

    /// Returns the seed, if all answers are chosen from a seed.
    pub fn seed(&self) -> Option<u64> {
        match &self.source {
            Source::Seed(_, seed) => Some(*seed),
            Source::Lines(_) | Source::Scenario(..) => None,
        }
    }

    /// Returns the answers so far that are not the default, in order.
    pub fn lines(&self) -> &[Choice] {
        &self.lines
    }
}

fn answers(lines: &[Choice]) -> Answers {
    lines.iter().map(|line| ((line.stream, line.point, line.nth), line.answer)).collect()
}

fn streams(seed: u64) -> [Random; STREAMS] {
    std::array::from_fn(|stream| Random::new(seed, stream as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_answers(choice_log: &mut ChoiceLog) -> Vec<u64> {
        let mut choose = |stream, point| choice_log.choose(stream, point, |random| random.below(3));
        vec![
            choose(Stream::ToDevice, ChoicePoint::Lost),
            choose(Stream::ToDevice, ChoicePoint::Lost),
            choose(Stream::ToPeer, ChoicePoint::Lost),
            choose(Stream::ToDevice, ChoicePoint::Duplicated),
        ]
    }

    #[test]
    fn a_choice_log_repeats_the_answers_of_its_seed() {
        for seed in 0..50 {
            let mut first = ChoiceLog::of_seed(seed);
            let answers = some_answers(&mut first);
            let mut second = ChoiceLog::of_lines(first.lines());
            assert_eq!(some_answers(&mut second), answers);
            assert_eq!(second.lines(), first.lines());
        }
    }

    #[test]
    fn a_choice_in_one_stream_changes_no_other_stream() {
        let (mut one, mut other) = (ChoiceLog::of_seed(9), ChoiceLog::of_seed(9));
        other.choose(Stream::ToDevice, ChoicePoint::Lost, Random::next);
        let choose = |choice_log: &mut ChoiceLog| {
            choice_log.choose(Stream::ToPeer, ChoicePoint::Lost, Random::next)
        };
        assert_eq!(choose(&mut one), choose(&mut other));
    }

    #[test]
    fn a_missing_line_is_the_default_answer() {
        assert_eq!(some_answers(&mut ChoiceLog::of_lines(&[])), [0; 4]);
    }
}
