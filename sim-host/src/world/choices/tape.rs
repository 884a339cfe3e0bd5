//! The tape: every choice of a world, made in one place, recorded, and played again.
//!
//! ```text
//!            seed ─▶ Random, one for each stream ─┐
//!                                                 ├─▶ answer ─▶ the world
//!   tape's text ─▶ lines by (stream, question, n) ┘       └─▶ a line, unless it is the mild one
//! ```
//!
//! A question has a number for its answer, and zero is the mild one: nothing is lost, nobody is
//! rude, no fault. Only other answers stand on the tape. A line that is missing therefore means the
//! mild answer, deleting lines makes a run milder, and a tape can be written by hand. A line is found
//! by what is asked and how often it was asked before, not by the time, so most lines keep their
//! meaning when others are gone or the code has changed.

use std::collections::HashMap;

use crate::world::choices::question::{QUESTIONS, Question, STREAMS, Stream};
use crate::world::choices::random::Random;

mod text;

pub use text::TapeError;

/// One answer that is not the mild one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose choice it is.
    pub stream: Stream,
    /// What was asked.
    pub question: Question,
    /// Which of the things it was asked about, or how often it was asked before.
    pub nth: u32,
    /// The answer.
    pub answer: u64,
    /// When it was asked, in microseconds of the world; for the reader only.
    pub at: u64,
}

/// Where answers come from, and the answers that were given.
#[derive(Clone, Debug)]
pub struct Tape {
    source: Source,
    asked: [[u32; QUESTIONS]; STREAMS],
    lines: Vec<Line>,
    /// The world's time, for the lines.
    pub(crate) now: u64,
}

#[derive(Clone, Debug)]
enum Source {
    Seed([Random; STREAMS], u64),
    Lines(Answers),
    /// Lines for what is decided before the world begins, a seed for the rest.
    Scenario(Answers, [Random; STREAMS]),
}

type Answers = HashMap<(Stream, Question, u32), u64>;

impl Tape {
    /// A tape that a seed writes.
    pub fn of_seed(seed: u64) -> Self {
        Self::new(Source::Seed(streams(seed), seed))
    }

    /// A tape that is there already. Of two lines for the same answer the later one counts.
    pub fn of_lines(lines: &[Line]) -> Self {
        Self::new(Source::Lines(answers(lines)))
    }

    /// A tape whose lines decide what is decided before the world begins; a seed decides the rest.
    pub fn of_scenario(scenario: &[Line], seed: u64) -> Self {
        Self::new(Source::Scenario(answers(scenario), streams(seed)))
    }

    fn new(source: Source) -> Self {
        Self { source, asked: [[0; QUESTIONS]; STREAMS], lines: Vec::new(), now: 0 }
    }

    /// Begins again with another seed, in the same memory.
    pub(crate) fn restart(&mut self, seed: u64) {
        self.source = Source::Seed(streams(seed), seed);
        self.asked = [[0; QUESTIONS]; STREAMS];
        self.lines.clear();
        self.now = 0;
    }

    /// Asks a question about the next thing of its kind: a frame, a poll.
    pub fn ask(
        &mut self,
        stream: Stream,
        question: Question,
        draw: impl FnOnce(&mut Random) -> u64,
    ) -> u64 {
        let asked = &mut self.asked[stream as usize][question as usize];
        let nth = *asked;
        *asked += 1;
        self.ask_about(stream, question, nth, draw)
    }

    /// Asks a question about the thing of this number: a client, a fault.
    pub fn ask_about(
        &mut self,
        stream: Stream,
        question: Question,
        nth: u32,
        draw: impl FnOnce(&mut Random) -> u64,
    ) -> u64 {
        let answer = match &mut self.source {
            Source::Seed(streams, _) => draw(&mut streams[stream as usize]),
            Source::Scenario(_, streams) if !stream.is_of_plan() => {
                draw(&mut streams[stream as usize])
            }
            Source::Lines(lines) | Source::Scenario(lines, _) => {
                lines.get(&(stream, question, nth)).copied().unwrap_or(0)
            }
        };
        if answer != 0 {
            self.lines.push(Line { stream, question, nth, answer, at: self.now });
        }
        answer
    }

    /// Which kinds of things the seed leaves out, as bits that are not set. It belongs to the seed
    /// alone: what is on a tape that was there already is meant.
    pub(crate) fn swarm(&self) -> u64 {
        match &self.source {
            Source::Seed(_, seed) => Random::new(*seed, 0).next(),
            Source::Lines(_) | Source::Scenario(..) => u64::MAX,
        }
    }

    /// The seed, if it is one's tape.
    pub fn seed(&self) -> Option<u64> {
        match &self.source {
            Source::Seed(_, seed) => Some(*seed),
            Source::Lines(_) | Source::Scenario(..) => None,
        }
    }

    /// The answers so far that are not the mild ones, in the order they were given.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}

fn answers(lines: &[Line]) -> Answers {
    lines.iter().map(|line| ((line.stream, line.question, line.nth), line.answer)).collect()
}

fn streams(seed: u64) -> [Random; STREAMS] {
    std::array::from_fn(|stream| Random::new(seed, stream as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(tape: &mut Tape) -> Vec<u64> {
        let mut ask = |stream, question| tape.ask(stream, question, |random| random.below(3));
        vec![
            ask(Stream::ToDevice, Question::Lost),
            ask(Stream::ToDevice, Question::Lost),
            ask(Stream::ToPeer, Question::Lost),
            ask(Stream::ToDevice, Question::Doubled),
        ]
    }

    #[test]
    fn a_tape_repeats_what_its_seed_said() {
        for seed in 0..50 {
            let mut first = Tape::of_seed(seed);
            let answers = asked(&mut first);
            let mut second = Tape::of_lines(first.lines());
            assert_eq!(asked(&mut second), answers);
            assert_eq!(second.lines(), first.lines());
        }
    }

    #[test]
    fn a_question_in_one_stream_moves_no_other() {
        let (mut one, mut other) = (Tape::of_seed(9), Tape::of_seed(9));
        other.ask(Stream::ToDevice, Question::Lost, Random::next);
        let ask = |tape: &mut Tape| tape.ask(Stream::ToPeer, Question::Lost, Random::next);
        assert_eq!(ask(&mut one), ask(&mut other));
    }

    #[test]
    fn a_missing_line_is_the_mild_answer() {
        assert_eq!(asked(&mut Tape::of_lines(&[])), [0; 4]);
    }
}
