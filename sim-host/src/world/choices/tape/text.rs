//! A tape as text: one choice a line.
//!
//! ```text
//! # picoevent-sim tape, application echo
//! fault kind 0 partition          # at 0 us
//! to-device lost 17 1             # at 1204331 us
//! ```
//!
//! A line is a stream, a question, a number and an answer. The answer may be a word where the
//! question has words. What follows a `#` is for the reader.

use std::fmt;

use super::Line;
use crate::world::choices::kinds::ActKind;
use crate::world::choices::kinds::FaultKind;
use crate::world::choices::kinds::Manner;
use crate::world::choices::question::{Question, Stream};

/// Why a text is not a tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl Line {
    /// Reads a whole tape; the name of the application it was made for too, if it says so.
    ///
    /// # Errors
    /// [`TapeError`] at the first line that is none.
    pub fn read_all(text: &str) -> Result<(Option<String>, Vec<Self>), TapeError> {
        let (mut name, mut lines) = (None, Vec::new());
        for (index, line) in text.lines().enumerate() {
            if let Some((_, application)) = line.split_once("application ")
                && line.starts_with('#')
            {
                name = Some(application.trim().to_owned());
            }
            let choice = line.split('#').next().unwrap_or_default();
            let words: Vec<_> = choice.split_whitespace().collect();
            if !words.is_empty() {
                let read = Self::read(&words);
                lines.push(read.map_err(|problem| TapeError { line: index + 1, problem })?);
            }
        }
        Ok((name, lines))
    }

    fn read(words: &[&str]) -> Result<Self, String> {
        let [stream, question, nth, answer] = words else {
            return Err("a choice is a stream, a question, a number and an answer".to_owned());
        };
        let stream =
            Stream::of_word(stream).ok_or_else(|| format!("there is no stream {stream:?}"))?;
        let question = Question::of_word(question)
            .ok_or_else(|| format!("there is no question {question:?}"))?;
        let nth = nth.parse().map_err(|_| format!("{nth:?} is not a number"))?;
        let answer = answer_of_word(stream, question, answer)
            .or_else(|| answer.parse().ok())
            .ok_or_else(|| format!("{answer:?} is no answer to {}", question.word()))?;
        Ok(Self { stream, question, nth, answer, at: 0 })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = word_of_answer(self.stream, self.question, self.answer)
            .map_or_else(|| self.answer.to_string(), str::to_owned);
        let choice =
            format!("{} {} {} {answer}", self.stream.word(), self.question.word(), self.nth);
        write!(f, "{choice:<36} # at {} us", self.at)
    }
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for TapeError {}

fn word_of_answer(stream: Stream, question: Question, answer: u64) -> Option<&'static str> {
    let index = usize::try_from(answer).ok()?;
    match (stream, question) {
        (Stream::Client, Question::Kind) => Manner::ALL.get(index).map(|kind| kind.word()),
        (Stream::Fault, Question::Kind) => FaultKind::ALL.get(index).map(|kind| kind.word()),
        (Stream::Vandal, Question::Kind) => ActKind::ALL.get(index).map(|kind| kind.word()),
        _ => None,
    }
}

fn answer_of_word(stream: Stream, question: Question, word: &str) -> Option<u64> {
    let mut answers = 0..64;
    answers.find(|answer| word_of_answer(stream, question, *answer) == Some(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Line::read_all(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let lines = [
            Line { stream: Stream::Fault, question: Question::Kind, nth: 2, answer: 1, at: 7 },
            Line { stream: Stream::ToPeer, question: Question::Lost, nth: 9, answer: 1, at: 0 },
        ];
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (name, read) = Line::read_all(&format!("# tape, application echo\n\n{text}")).unwrap();
        assert_eq!(name.as_deref(), Some("echo"));
        let without_times: Vec<_> = lines.iter().map(|line| Line { at: 0, ..*line }).collect();
        assert_eq!(read, without_times);
        assert!(text.starts_with("fault kind 2 loss "), "{text}");
    }

    #[test]
    fn what_is_no_choice_is_refused_by_its_line() {
        assert_eq!(problem("# fine\nfrogs lost 1 1"), "line 2: there is no stream \"frogs\"");
        assert_eq!(problem("fault frogs 1 1"), "line 1: there is no question \"frogs\"");
        assert_eq!(problem("fault kind -1 1"), "line 1: \"-1\" is not a number");
        assert_eq!(problem("fault kind 1 frogs"), "line 1: \"frogs\" is no answer to kind");
        assert!(problem("fault kind 1").starts_with("line 1: a choice is"));
    }
}
