//! Patterns: texts with placeholders for values that a test cannot know, such as counters and
//! times.

use std::fmt;
use std::str::FromStr;

/// A text with placeholders. A placeholder stands for bytes of a kind, for example digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
    /// The text of the pattern as the test case contains it; `None` if the pattern was made by
    /// [`exactly`](Self::exactly).
    text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Bytes(Vec<u8>),
    /// A byte that may be missing.
    Maybe(u8),
    /// A placeholder: bytes of this kind.
    Some(Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Digits,
    Word,
    Text,
}

/// The reason why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PatternError(String);

/// The position up to which a pattern was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    part: usize,
    /// The number of bytes of the part with the index `part` that were received.
    within: usize,
}

/// The result of comparing bytes with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The bytes match, and more bytes are expected.
    Incomplete,
    /// The pattern is complete after this number of bytes.
    Complete(usize),
    /// The byte at this index does not match.
    Differs(usize),
}

impl Kind {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "digits" | "number" => Self::Digits,
            "word" => Self::Word,
            "text" => Self::Text,
            _ => return None,
        })
    }

    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Word => byte > b' ' && byte != 0x7f,
            Self::Text => byte != b'\r' && byte != b'\n',
        }
    }

    /// Returns the minimum number of bytes that a placeholder of this kind stands for.
    const fn least(self) -> usize {
        match self {
            Self::Digits | Self::Word => 1,
            Self::Text => 0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Digits => "a digit",
            Self::Word => "a byte of a word",
            Self::Text => "a byte of a line",
        }
    }
}

impl Pattern {
    /// Returns a pattern without placeholders, which matches only these bytes.
    pub(crate) fn exactly(bytes: &[u8]) -> Self {
        let parts = if bytes.is_empty() { Vec::new() } else { vec![Part::Bytes(bytes.to_vec())] };
        Self { parts, text: None }
    }

    /// Returns the bytes of the pattern, or `None` if the pattern has placeholders.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &*self.parts {
            [] => Some(&[]),
            [Part::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Compares the next bytes with the pattern from `position` on, and advances `position`.
    pub(crate) fn compare(&self, position: &mut Position, bytes: &[u8]) -> Comparison {
        let mut index = 0;
        while let Some(part) = self.parts.get(position.part) {
            match part {
                Part::Bytes(known) => {
                    let (known, next) = (&known[position.within..], &bytes[index..]);
                    let wrong = known.iter().zip(next).position(|(known, next)| known != next);
                    if let Some(wrong) = wrong {
                        position.within += wrong;
                        return Comparison::Differs(index + wrong);
                    }
                    if next.len() < known.len() {
                        position.within += next.len();
                        return Comparison::Incomplete;
                    }
                    index += known.len();
                }
                Part::Maybe(byte) => {
                    let Some(next) = bytes.get(index) else { return Comparison::Incomplete };
                    index += usize::from(next == byte);
                }
                Part::Some(kind) => {
                    let fits = bytes[index..].iter().take_while(|byte| kind.has(**byte)).count();
                    (position.within, index) = (position.within + fits, index + fits);
                    if index == bytes.len() {
                        return Comparison::Incomplete;
                    }
                    if position.within < kind.least() {
                        return Comparison::Differs(index);
                    }
                }
            }
            *position = Position { part: position.part + 1, within: 0 };
        }
        Comparison::Complete(index)
    }

    /// Returns a description of what is expected at `position`.
    pub(crate) fn expected(&self, position: Position) -> String {
        match self.parts.get(position.part) {
            Some(Part::Bytes(bytes)) => {
                format!("{:#04x}", bytes.get(position.within).copied().unwrap_or_default())
            }
            Some(Part::Maybe(_)) => Kind::Digits.name().to_owned(),
            Some(Part::Some(kind)) => kind.name().to_owned(),
            None => "the end".to_owned(),
        }
    }

    /// Returns a description of the whole expected text.
    pub(crate) fn whole(&self) -> String {
        match (&self.text, self.bytes()) {
            (None, Some(bytes)) => format!("of {} bytes", bytes.len()),
            (text, _) => format!("bytes of {:?}", text.as_deref().unwrap_or_default()),
        }
    }

    /// Returns whether the text of this pattern begins with the text of `other`. Returns `false` if one of the patterns
    /// has placeholders.
    pub(crate) fn begins_with(&self, other: &Self) -> bool {
        match (self.bytes(), other.bytes()) {
            (Some(bytes), Some(other)) => bytes.starts_with(other),
            _ => false,
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let wrong = |problem: String| Err(PatternError(format!("the pattern {text:?}: {problem}")));
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (known, position) = match rest.strip_prefix("<<") {
                Some(_) => ("<", &rest[2..]),
                None => rest.split_at(rest.find('<').unwrap_or(rest.len())),
            };
            if !known.is_empty() {
                if let Some(Part::Some(kind)) = parts.last()
                    && let Some(first) = known.bytes().next()
                    && kind.has(first)
                {
                    let first = char::from(first);
                    return wrong(format!("{first:?} may be part of the placeholder before it"));
                }
                match parts.last_mut() {
                    Some(Part::Bytes(bytes)) => bytes.extend_from_slice(known.as_bytes()),
                    _ => parts.push(Part::Bytes(known.as_bytes().to_vec())),
                }
                rest = position;
                continue;
            }
            let Some((word, behind)) = position[1..].split_once('>') else {
                return wrong("a < has no >; write << for the character".to_owned());
            };
            let Some(kind) = Kind::of_word(word) else {
                return wrong(format!(
                    "there is no <{word}>; known are <digits>, <number>, <word>, <text>"
                ));
            };
            if matches!(parts.last(), Some(Part::Some(_))) {
                return wrong(format!("it is not clear where <{word}> begins"));
            }
            if word == "number" {
                parts.push(Part::Maybe(b'-'));
            }
            parts.push(Part::Some(kind));
            rest = behind;
        }
        match parts.last() {
            None => wrong("it is empty".to_owned()),
            Some(Part::Some(_)) => wrong("it is not clear where its last part ends".to_owned()),
            Some(_) => Ok(Self { parts, text: Some(text.to_owned()) }),
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares a text with a pattern: first the whole text at once, then in chunks, once for each chunk length. Checks
    /// that all comparisons have the same result. Returns this result.
    fn compared(pattern: &str, text: &str) -> Comparison {
        let pattern: Pattern = pattern.parse().unwrap();
        let whole = pattern.compare(&mut Position::default(), text.as_bytes());
        for length in 1..text.len() {
            let mut position = Position::default();
            let mut before = 0;
            let last = text.as_bytes().chunks(length).find_map(|chunk| {
                let result = pattern.compare(&mut position, chunk);
                before += chunk.len();
                (result != Comparison::Incomplete).then_some((result, before - chunk.len()))
            });
            let last = match last {
                None => Comparison::Incomplete,
                Some((Comparison::Complete(length), before)) => {
                    Comparison::Complete(before + length)
                }
                Some((Comparison::Differs(index), before)) => Comparison::Differs(before + index),
                Some((Comparison::Incomplete, _)) => Comparison::Incomplete,
            };
            assert_eq!(last, whole, "in chunks of {length}");
        }
        whole
    }

    #[test]
    fn texts_are_compared_in_chunks_of_any_length() {
        let pattern = "temp=<number> n=<digits> by <word> <text>\r\n";
        assert_eq!(
            compared(pattern, "temp=-12 n=7 by me  or so\r\nmore"),
            Comparison::Complete(27)
        );
        assert_eq!(compared(pattern, "temp=12 n=7 by me \r\n"), Comparison::Complete(20));
        assert_eq!(compared(pattern, "temp=12 n=7 b"), Comparison::Incomplete);
        assert_eq!(compared(pattern, "temp=- n=7"), Comparison::Differs(6));
        assert_eq!(compared(pattern, "temp=x"), Comparison::Differs(5));
        assert_eq!(compared(pattern, "temp=1 n=-"), Comparison::Differs(9));
        assert_eq!(compared("a << b", "a < b"), Comparison::Complete(5));
    }

    #[test]
    fn the_expected_byte_at_a_position_is_described() {
        let pattern: Pattern = "n=<number>;".parse().unwrap();
        let mut position = Position::default();
        assert_eq!(pattern.expected(position), "0x6e");
        assert_eq!(pattern.compare(&mut position, b"n="), Comparison::Incomplete);
        assert_eq!(pattern.expected(position), "a digit");
        assert_eq!(pattern.compare(&mut position, b"5x"), Comparison::Differs(1));
        assert_eq!(pattern.expected(position), "0x3b");
        assert_eq!(pattern.whole(), "bytes of \"n=<number>;\"");
        assert_eq!(Pattern::exactly(b"four").whole(), "of 4 bytes");
    }

    #[test]
    fn a_text_that_is_not_a_pattern_is_refused_with_the_reason() {
        let problem = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
        assert_eq!(problem(""), "the pattern \"\": it is empty");
        assert_eq!(
            problem("a <number"),
            "the pattern \"a <number\": a < has no >; write << for the character"
        );
        assert_eq!(
            problem("<float>\n"),
            "the pattern \"<float>\\n\": there is no <float>; known are <digits>, <number>, <word>, <text>"
        );
        assert_eq!(
            problem("<word>x\n"),
            "the pattern \"<word>x\\n\": 'x' may be part of the placeholder before it"
        );
        assert_eq!(
            problem("<word><digits>\n"),
            "the pattern \"<word><digits>\\n\": it is not clear where <digits> begins"
        );
        assert_eq!(
            problem("n=<digits>"),
            "the pattern \"n=<digits>\": it is not clear where its last part ends"
        );
    }
}
