//! Compares the bytes that a peer receives in one step of its script with several patterns and with
//! the endings of the script.

use crate::world::peers::pattern::{Comparison, Pattern, Position};

/// The state of the comparison.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    /// The position in each pattern, or `None` if the pattern no longer matches. Empty before the first byte.
    positions: Vec<Option<Position>>,
    /// The bytes received in this step.
    text: Vec<u8>,
    /// The index of the ending that has begun, and the number of bytes of this ending that were received.
    ending: Option<(usize, usize)>,
}

/// The meaning of the bytes received so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// More bytes are expected.
    Open,
    /// The pattern with this number is complete.
    Is(usize),
    /// An ending is complete.
    Ended,
    /// The bytes are not allowed.
    Wrong(String),
}

impl Matcher {
    /// Compares the next bytes. Returns the number of bytes that belong to the patterns or to an ending, and the
    /// meaning of these bytes.
    pub(crate) fn compare(
        &mut self,
        wanted: &[&Pattern],
        endings: &[Vec<u8>],
        bytes: &[u8],
    ) -> (usize, Meaning) {
        if let Some((index, at)) = self.ending
            && let Some(rest) = endings.get(index).and_then(|ending| ending.get(at..))
        {
            return match rest
                .iter()
                .zip(bytes)
                .position(|(expected, received)| expected != received)
            {
                None if bytes.len() >= rest.len() => (rest.len(), Meaning::Ended),
                None => {
                    self.ending = Some((index, at + bytes.len()));
                    self.go_on(bytes)
                }
                Some(wrong) => {
                    self.differs(endings, bytes, wrong, || format!("{:#04x}", rest[wrong]))
                }
            };
        }
        if self.positions.is_empty() {
            self.positions = vec![Some(Position::default()); wanted.len()];
        }
        let mut first = None;
        let mut goes_on = false;
        let mut differs = (0, None);
        for (index, (position, pattern)) in self.positions.iter_mut().zip(wanted).enumerate() {
            let Some(at) = position else { continue };
            match pattern.compare(at, bytes) {
                Comparison::Incomplete => goes_on = true,
                Comparison::Complete(taken) if first.is_none_or(|(least, _)| taken < least) => {
                    first = Some((taken, index));
                }
                Comparison::Complete(_) => {}
                Comparison::Differs(wrong) => {
                    if wrong >= differs.0 {
                        differs = (wrong, Some((*pattern, *at)));
                    }
                    *position = None;
                }
            }
        }
        if let Some((taken, index)) = first {
            self.text.extend_from_slice(&bytes[..taken]);
            return (taken, Meaning::Is(index));
        }
        if goes_on || bytes.is_empty() {
            return self.go_on(bytes);
        }
        let (wrong, position) = differs;
        self.differs(endings, bytes, wrong, || match (wanted.len(), position) {
            (1, Some((pattern, position))) => pattern.expected(position),
            (0, _) => "the end of the stream".to_owned(),
            (count, _) => format!("a byte of one of {count} alternatives"),
        })
    }

    /// Returns the bytes received in this step.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns the bytes received in this step.
    pub(crate) fn into_text(self) -> Vec<u8> {
        self.text
    }

    /// Returns whether an ending has begun.
    pub(crate) const fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Returns the error text for a stream that has ended too early.
    pub(crate) fn cut(&self, wanted: &[&Pattern]) -> String {
        let whole = match wanted {
            [pattern] => pattern.whole(),
            _ => format!("bytes of one of {} alternatives", wanted.len()),
        };
        format!("the stream ended after {} {whole}", self.text.len())
    }

    fn go_on(&mut self, bytes: &[u8]) -> (usize, Meaning) {
        self.text.extend_from_slice(bytes);
        (bytes.len(), Meaning::Open)
    }

    /// Handles a byte that no pattern expects. The byte is allowed if it begins an ending, or if it continues an ending
    /// that began in earlier bytes. Any other byte is wrong.
    fn differs(
        &mut self,
        endings: &[Vec<u8>],
        bytes: &[u8],
        wrong: usize,
        expected: impl FnOnce() -> String,
    ) -> (usize, Meaning) {
        // Only the bytes up to the unexpected byte are processed here. The bytes after it may belong to an ending.
        let (Some(before), Some(unexpected)) = (bytes.get(..wrong), bytes.get(wrong)) else {
            return (0, Meaning::Open);
        };
        self.text.extend_from_slice(before);
        // An ending may begin with the same bytes as the expected text. So the last bytes before the unexpected byte
        // may be the first bytes of an ending.
        let began = |ending: &Vec<u8>| {
            (0..=self.text.len().min(ending.len())).find(|shared| {
                ending.get(*shared) == Some(unexpected)
                    && self.text.ends_with(ending.get(..*shared).unwrap_or_default())
            })
        };
        let found = endings.iter().enumerate();
        let found = found.filter_map(|(index, ending)| Some((index, began(ending)? + 1))).next();
        let meaning = match found {
            Some((index, received))
                if endings.get(index).is_some_and(|text| text.len() == received) =>
            {
                Meaning::Ended
            }
            Some(_) => Meaning::Open,
            None => {
                let (at, expected) = (self.text.len(), expected());
                Meaning::Wrong(format!("byte {at} was {unexpected:#04x} instead of {expected}"))
            }
        };
        self.ending = found;
        self.text.push(*unexpected);
        (wrong + 1, meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(wanted: &[&str], endings: &[&str], text: &str) -> (usize, Meaning) {
        let wanted: Vec<Pattern> = wanted.iter().map(|text| text.parse().unwrap()).collect();
        let wanted: Vec<&Pattern> = wanted.iter().collect();
        let endings: Vec<_> = endings.iter().map(|text| text.as_bytes().to_vec()).collect();
        let mut matcher = Matcher::default();
        let mut taken = 0;
        for byte in text.as_bytes() {
            let (more, meaning) = matcher.compare(&wanted, &endings, &[*byte]);
            taken += more;
            if meaning != Meaning::Open {
                let mut whole = Matcher::default();
                let (mut all, mut last) = whole.compare(&wanted, &endings, text.as_bytes());
                while last == Meaning::Open && all < text.len() {
                    let (more, meaning) = whole.compare(&wanted, &endings, &text.as_bytes()[all..]);
                    (all, last) = (all + more, meaning);
                }
                assert_eq!((all, &last), (taken, &meaning), "at once");
                return (taken, meaning);
            }
        }
        (taken, Meaning::Open)
    }

    #[test]
    fn the_alternative_that_arrives_is_recognized() {
        let wanted = ["hello <number>\n", "help\n", "busy\n"];
        assert_eq!(compared(&wanted, &[], "help\nmore"), (5, Meaning::Is(1)));
        assert_eq!(compared(&wanted, &[], "hello 5\n"), (8, Meaning::Is(0)));
        assert_eq!(compared(&wanted, &[], "hel"), (3, Meaning::Open));
        let text = "byte 3 was 0x78 instead of a byte of one of 3 alternatives";
        assert_eq!(compared(&wanted, &[], "helx"), (4, Meaning::Wrong(text.to_owned())));
    }

    #[test]
    fn an_ending_may_begin_anywhere_and_share_bytes_with_the_expected_text() {
        assert_eq!(compared(&["begin\n"], &["bye\n"], "bye\n"), (4, Meaning::Ended));
        assert_eq!(compared(&["begin\n"], &["bye\n"], "bebye\n!"), (6, Meaning::Ended));
        assert_eq!(compared(&["n=<number>\n"], &["idle\n"], "n=12idle\n"), (9, Meaning::Ended));
        assert_eq!(compared(&["begin\n"], &["b", "!"], "be!"), (3, Meaning::Ended));
    }

    #[test]
    fn an_ending_that_is_cut_or_changed_is_wrong() {
        let text = "byte 2 was 0x78 instead of 0x65";
        assert_eq!(compared(&["hi\n"], &["bye\n"], "byx"), (3, Meaning::Wrong(text.to_owned())));
        let text = "byte 1 was 0x78 instead of 0x69";
        assert_eq!(compared(&["hi\n"], &["bye\n"], "hx"), (2, Meaning::Wrong(text.to_owned())));
    }
}
