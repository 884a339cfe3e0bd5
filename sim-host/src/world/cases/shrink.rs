//! Shrinking: from a tape that makes a world fail to a shorter one that makes it fail alike.
//!
//! Lines are taken away, many at a time and then one at a time, and what numbers are left are made
//! smaller, as long as the world still ends with the same verdict in the same words, numbers aside.

use std::time::{Duration, Instant};

use crate::world::cases::lab::Lab;
use crate::world::cases::subject::Subject;
use crate::world::choices::question::Question;
use crate::world::choices::tape::Line;
use crate::world::simulation::verdict::{Outcome, Verdict};

/// How long it may take.
pub const LIMIT: Duration = Duration::from_secs(8);

/// What shrinking came to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The tape.
    pub lines: Vec<Line>,
    /// How its world goes.
    pub outcome: Outcome,
    /// How many tapes were tried.
    pub tried: u32,
}

/// Shrinks a tape; `None` when its world does not fail.
pub fn shrink(subject: &dyn Subject, lines: &[Line], limit: Duration) -> Option<Shrunk> {
    let mut lab = Lab::new();
    lab.take_lines(lines);
    let outcome = subject.run(&mut lab);
    if outcome.verdict.is_pass() {
        return None;
    }
    let lines = outcome.lines.clone();
    let mut search = Search {
        subject,
        lab,
        alike: likeness(&outcome.verdict),
        best: Shrunk { lines, outcome, tried: 0 },
        until: Instant::now() + limit,
    };
    loop {
        let before = search.best.lines.clone();
        search.drop_lines();
        search.lower_answers();
        if search.best.lines == before || search.is_over() {
            return Some(search.best);
        }
    }
}

struct Search<'s> {
    subject: &'s dyn Subject,
    lab: Lab,
    /// What the verdict must be like.
    alike: String,
    best: Shrunk,
    until: Instant,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Takes the tape if its world fails alike; whether it does.
    fn takes(&mut self, lines: &[Line]) -> bool {
        self.lab.take_lines(lines);
        let outcome = self.subject.run(&mut self.lab);
        self.best.tried += 1;
        let alike = !outcome.verdict.is_pass() && likeness(&outcome.verdict) == self.alike;
        if alike {
            // What was never asked for is gone at once.
            self.best.lines.clone_from(&outcome.lines);
            self.best.outcome = outcome;
        }
        alike
    }

    fn drop_lines(&mut self) {
        let mut size = self.best.lines.len().div_ceil(2);
        while size > 0 {
            let mut start = 0;
            while start < self.best.lines.len() && !self.is_over() {
                let mut lines = self.best.lines.clone();
                lines.drain(start..(start + size).min(lines.len()));
                if !self.takes(&lines) {
                    start += size;
                }
            }
            size /= 2;
        }
    }

    fn lower_answers(&mut self) {
        let mut index = 0;
        while index < self.best.lines.len() && !self.is_over() {
            let is_kind = self.best.lines[index].question == Question::Kind;
            let (mut low, mut high) = (0, self.best.lines[index].answer);
            while !is_kind && high - low > 1 && !self.is_over() {
                let middle = low + (high - low) / 2;
                let mut lines = self.best.lines.clone();
                let Some(line) = lines.get_mut(index) else { break };
                line.answer = middle;
                if self.takes(&lines) { high = middle } else { low = middle }
            }
            index += 1;
        }
    }
}

/// The verdict's words without its numbers.
fn likeness(verdict: &Verdict) -> String {
    let is_number = |c: char| c.is_ascii_digit();
    let mut words: Vec<_> = verdict.kind().word().chars().collect();
    for c in verdict.to_string().chars() {
        let repeated = is_number(c) && words.last() == Some(&'#');
        if !repeated {
            words.push(if is_number(c) { '#' } else { c });
        }
    }
    words.into_iter().collect()
}
