//! Patterns: texts with placeholders for values that a test cannot know, such as counters and
//! times.

use std::fmt;
use std::str::FromStr;

/// A text in which some parts are known only by their kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
    /// The text as its author wrote it; `None` if all bytes are known exactly.
    text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Bytes(Vec<u8>),
    /// An optional byte.
    Maybe(u8),
    /// Bytes of a kind.
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
pub(crate) struct Place {
    part: usize,
    /// The number of bytes received of that part.
    within: usize,
}

/// The result of comparing bytes with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// They match, and more bytes are expected.
    More,
    /// The pattern is complete after this number of bytes.
    All(usize),
    /// The byte at this index does not match.
    Wrong(usize),
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

    /// Returns the minimum number of bytes.
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
    /// Returns the pattern of bytes that are known exactly.
    pub(crate) fn exactly(bytes: &[u8]) -> Self {
        let parts = if bytes.is_empty() { Vec::new() } else { vec![Part::Bytes(bytes.to_vec())] };
        Self { parts, text: None }
    }

    /// Returns its bytes, if all of them are known exactly.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &*self.parts {
            [] => Some(&[]),
            [Part::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Compares the next bytes with the pattern from `place` on, and advances `place`.
    pub(crate) fn hear(&self, place: &mut Place, bytes: &[u8]) -> Heard {
        let mut index = 0;
        while let Some(part) = self.parts.get(place.part) {
            match part {
                Part::Bytes(known) => {
                    let (known, next) = (&known[place.within..], &bytes[index..]);
                    let wrong = known.iter().zip(next).position(|(known, next)| known != next);
                    if let Some(wrong) = wrong {
                        place.within += wrong;
                        return Heard::Wrong(index + wrong);
                    }
                    if next.len() < known.len() {
                        place.within += next.len();
                        return Heard::More;
                    }
                    index += known.len();
                }
                Part::Maybe(byte) => {
                    let Some(next) = bytes.get(index) else { return Heard::More };
                    index += usize::from(next == byte);
                }
                Part::Some(kind) => {
                    let fits = bytes[index..].iter().take_while(|byte| kind.has(**byte)).count();
                    (place.within, index) = (place.within + fits, index + fits);
                    if index == bytes.len() {
                        return Heard::More;
                    }
                    if place.within < kind.least() {
                        return Heard::Wrong(index);
                    }
                }
            }
            *place = Place { part: place.part + 1, within: 0 };
        }
        Heard::All(index)
    }

    /// Returns a description of what is expected at `place`.
    pub(crate) fn expected(&self, place: Place) -> String {
        match self.parts.get(place.part) {
            Some(Part::Bytes(bytes)) => {
                format!("{:#04x}", bytes.get(place.within).copied().unwrap_or_default())
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

    /// Returns whether every text that matches this pattern begins with a text that matches `other`. Returns `false` if
    /// one of the patterns has placeholders.
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
            let (known, place) = match rest.strip_prefix("<<") {
                Some(_) => ("<", &rest[2..]),
                None => rest.split_at(rest.find('<').unwrap_or(rest.len())),
            };
            if !known.is_empty() {
                if let Some(Part::Some(kind)) = parts.last()
                    && let Some(first) = known.bytes().next()
                    && kind.has(first)
                {
                    let first = char::from(first);
                    return wrong(format!("{first:?} may be part of what comes before it"));
                }
                match parts.last_mut() {
                    Some(Part::Bytes(bytes)) => bytes.extend_from_slice(known.as_bytes()),
                    _ => parts.push(Part::Bytes(known.as_bytes().to_vec())),
                }
                rest = place;
                continue;
            }
            let Some((word, behind)) = place[1..].split_once('>') else {
                return wrong("a < has no >; write << for the character".to_owned());
            };
            let Some(kind) = Kind::of_word(word) else {
                return wrong(format!(
                    "there is no <{word}>; known are <digits>, <number>, <word>, <text>"
                ));
            };
            if matches!(parts.last(), Some(Part::Some(_))) {
                return wrong(format!("nothing says where <{word}> begins"));
            }
            if word == "number" {
                parts.push(Part::Maybe(b'-'));
            }
            parts.push(Part::Some(kind));
            rest = behind;
        }
        match parts.last() {
            None => wrong("it is empty".to_owned()),
            Some(Part::Some(_)) => wrong("nothing says where its last part ends".to_owned()),
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

    /// Compares a text as a whole and in pieces of each length, and checks that the results agree.
    /// Returns the result.
    fn heard(pattern: &str, text: &str) -> Heard {
        let pattern: Pattern = pattern.parse().unwrap();
        let whole = pattern.hear(&mut Place::default(), text.as_bytes());
        for length in 1..text.len() {
            let mut place = Place::default();
            let mut before = 0;
            let last = text.as_bytes().chunks(length).find_map(|piece| {
                let heard = pattern.hear(&mut place, piece);
                before += piece.len();
                (heard != Heard::More).then_some((heard, before - piece.len()))
            });
            let last = match last {
                None => Heard::More,
                Some((Heard::All(length), before)) => Heard::All(before + length),
                Some((Heard::Wrong(index), before)) => Heard::Wrong(before + index),
                Some((Heard::More, _)) => Heard::More,
            };
            assert_eq!(last, whole, "in pieces of {length}");
        }
        whole
    }

    #[test]
    fn known_and_unknown_parts_are_heard_in_pieces_of_any_length() {
        let pattern = "temp=<number> n=<digits> by <word> <text>\r\n";
        assert_eq!(heard(pattern, "temp=-12 n=7 by me  or so\r\nmore"), Heard::All(27));
        assert_eq!(heard(pattern, "temp=12 n=7 by me \r\n"), Heard::All(20));
        assert_eq!(heard(pattern, "temp=12 n=7 b"), Heard::More);
        assert_eq!(heard(pattern, "temp=- n=7"), Heard::Wrong(6));
        assert_eq!(heard(pattern, "temp=x"), Heard::Wrong(5));
        assert_eq!(heard(pattern, "temp=1 n=-"), Heard::Wrong(9));
        assert_eq!(heard("a << b", "a < b"), Heard::All(5));
    }

    #[test]
    fn what_is_expected_at_a_place_is_said() {
        let pattern: Pattern = "n=<number>;".parse().unwrap();
        let mut place = Place::default();
        assert_eq!(pattern.expected(place), "0x6e");
        assert_eq!(pattern.hear(&mut place, b"n="), Heard::More);
        assert_eq!(pattern.expected(place), "a digit");
        assert_eq!(pattern.hear(&mut place, b"5x"), Heard::Wrong(1));
        assert_eq!(pattern.expected(place), "0x3b");
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
            "the pattern \"<word>x\\n\": 'x' may be part of what comes before it"
        );
        assert_eq!(
            problem("<word><digits>\n"),
            "the pattern \"<word><digits>\\n\": nothing says where <digits> begins"
        );
        assert_eq!(
            problem("n=<digits>"),
            "the pattern \"n=<digits>\": nothing says where its last part ends"
        );
    }
}
