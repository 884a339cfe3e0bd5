//! A choice log as text: one choice per line.
//!
//! ```text
//! # picoevent-sim choices, application echo
//! fault kind 0 partition          # at 0 us
//! to-device lost 17 1             # at 1204331 us
//! ```
//!
//! A line is a stream, a choice point, a number and an answer. If the answer is a kind, for example a kind of fault, it
//! may be written as a word, such as `partition`. Text after a `#` is a comment.

use std::fmt;

use super::Choice;
use crate::world::choices::choice_point::{ChoicePoint, Stream};
use crate::world::choices::kinds::AttackKind;
use crate::world::choices::kinds::Behaviour;
use crate::world::choices::kinds::FaultKind;
use crate::world::choices::kinds::ServerFaultKind;
use crate::world::choices::kinds::UdpBehaviour;

/// The reason why a text is not a choice log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceLogError {
    /// The line, from 1.
    pub line: usize,
    /// The problem.
    pub problem: String,
}

impl Choice {
    /// Reads a whole choice log, and the name of its application if the log contains it.
    ///
    /// # Errors
    /// [`ChoiceLogError`] at the first line that is not a choice.
    pub fn read_all(text: &str) -> Result<(Option<String>, Vec<Self>), ChoiceLogError> {
        let (mut name, mut lines) = (None, Vec::new());
        for (index, line) in text.lines().enumerate() {
            if let Some((_, application)) = line.split_once("application ")
                && line.starts_with('#')
                && name.is_none()
            {
                name = Some(application.trim().to_owned());
            }
            let choice = line.split('#').next().unwrap_or_default();
            let words: Vec<_> = choice.split_whitespace().collect();
            if !words.is_empty() {
                let read = Self::read(&words);
                lines.push(read.map_err(|problem| ChoiceLogError { line: index + 1, problem })?);
            }
        }
        Ok((name, lines))
    }

    fn read(words: &[&str]) -> Result<Self, String> {
        let [stream, point, nth, answer] = words else {
            return Err("a choice is a stream, a choice point, a number and an answer".to_owned());
        };
        let stream =
            Stream::of_word(stream).ok_or_else(|| format!("there is no stream {stream:?}"))?;
        let point = ChoicePoint::of_word(point)
            .ok_or_else(|| format!("there is no choice point {point:?}"))?;
        let nth = nth.parse().map_err(|_| format!("{nth:?} is not a number"))?;
        let answer = answer_of_word(stream, point, answer)
            .or_else(|| answer.parse().ok())
            .ok_or_else(|| format!("{answer:?} is no answer to {}", point.word()))?;
        Ok(Self { stream, point, nth, answer, at: 0 })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = word_of_answer(self.stream, self.point, self.answer)
            .map_or_else(|| self.answer.to_string(), str::to_owned);
        let choice = format!("{} {} {} {answer}", self.stream.word(), self.point.word(), self.nth);
        write!(f, "{choice:<36} # at {} us", self.at)
    }
}

impl fmt::Display for ChoiceLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for ChoiceLogError {}

fn word_of_answer(stream: Stream, point: ChoicePoint, answer: u64) -> Option<&'static str> {
    let index = usize::try_from(answer).ok()?;
    match (stream, point) {
        (Stream::Client, ChoicePoint::Kind) => Behaviour::ALL.get(index).map(|kind| kind.word()),
        (Stream::Fault, ChoicePoint::Kind) => FaultKind::ALL.get(index).map(|kind| kind.word()),
        (Stream::Attacker, ChoicePoint::Kind) => AttackKind::ALL.get(index).map(|kind| kind.word()),
        (Stream::Server, ChoicePoint::Kind) => {
            ServerFaultKind::ALL.get(index).map(|kind| kind.word())
        }
        (Stream::UdpClient, ChoicePoint::Kind) => {
            UdpBehaviour::ALL.get(index).map(|kind| kind.word())
        }
        _ => None,
    }
}

fn answer_of_word(stream: Stream, point: ChoicePoint, word: &str) -> Option<u64> {
    let mut answers = 0..64;
    answers.find(|answer| word_of_answer(stream, point, *answer) == Some(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Choice::read_all(text).unwrap_err().to_string()
    }

    #[test]
    fn a_written_choice_log_is_read_back() {
        let lines = [
            Choice { stream: Stream::Fault, point: ChoicePoint::Kind, nth: 2, answer: 1, at: 7 },
            Choice { stream: Stream::ToPeer, point: ChoicePoint::Lost, nth: 9, answer: 1, at: 0 },
        ];
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (name, read) =
            Choice::read_all(&format!("# choices, application echo\n\n{text}")).unwrap();
        assert_eq!(name.as_deref(), Some("echo"));
        let without_times: Vec<_> = lines.iter().map(|line| Choice { at: 0, ..*line }).collect();
        assert_eq!(read, without_times);
        assert!(text.starts_with("fault kind 2 loss "), "{text}");
    }

    #[test]
    fn a_line_that_is_not_a_choice_is_refused_with_its_number() {
        assert_eq!(problem("# fine\nfrogs lost 1 1"), "line 2: there is no stream \"frogs\"");
        assert_eq!(problem("fault frogs 1 1"), "line 1: there is no choice point \"frogs\"");
        assert_eq!(problem("fault kind -1 1"), "line 1: \"-1\" is not a number");
        assert_eq!(problem("fault kind 1 frogs"), "line 1: \"frogs\" is no answer to kind");
        assert!(problem("fault kind 1").starts_with("line 1: a choice is"));
    }
}
