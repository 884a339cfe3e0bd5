//! Compares the bytes that a peer receives in one step of its script with several patterns and with
//! the endings of the script.

use crate::world::peers::pattern::{Heard, Pattern, Place};

/// The progress in the expected text.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    /// The position in each pattern, or `None` if the pattern no longer matches. Empty before the first byte.
    places: Vec<Option<Place>>,
    /// The bytes received in this step.
    text: Vec<u8>,
    /// The ending that has begun, and the number of its bytes received.
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

impl Hearing {
    /// Compares the next bytes. Returns the number of bytes taken, and what they mean.
    pub(crate) fn hear(
        &mut self,
        wanted: &[&Pattern],
        endings: &[Vec<u8>],
        bytes: &[u8],
    ) -> (usize, Meaning) {
        if let Some((index, at)) = self.ending
            && let Some(rest) = endings.get(index).and_then(|ending| ending.get(at..))
        {
            return match rest.iter().zip(bytes).position(|(due, heard)| due != heard) {
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
        if self.places.is_empty() {
            self.places = vec![Some(Place::default()); wanted.len()];
        }
        let mut first = None;
        let mut goes_on = false;
        let mut differs = (0, None);
        for (index, (place, pattern)) in self.places.iter_mut().zip(wanted).enumerate() {
            let Some(at) = place else { continue };
            match pattern.hear(at, bytes) {
                Heard::More => goes_on = true,
                Heard::All(taken) if first.is_none_or(|(least, _)| taken < least) => {
                    first = Some((taken, index));
                }
                Heard::All(_) => {}
                Heard::Wrong(wrong) => {
                    if wrong >= differs.0 {
                        differs = (wrong, Some((*pattern, *at)));
                    }
                    *place = None;
                }
            }
        }
        if let Some((taken, index)) = first {
            return (taken, Meaning::Is(index));
        }
        if goes_on || bytes.is_empty() {
            return self.go_on(bytes);
        }
        let (wrong, place) = differs;
        self.differs(endings, bytes, wrong, || match (wanted.len(), place) {
            (1, Some((pattern, place))) => pattern.expected(place),
            (0, _) => "the end of the stream".to_owned(),
            (count, _) => format!("what one of {count} alternatives has there"),
        })
    }

    /// Returns whether an ending has begun.
    pub(crate) const fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Returns an error text: the stream has ended too early.
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

    /// Handles a byte that no pattern expects. If an ending begins with it, or has begun before it, the ending
    /// continues. Otherwise the byte is wrong.
    fn differs(
        &mut self,
        endings: &[Vec<u8>],
        bytes: &[u8],
        wrong: usize,
        expected: impl FnOnce() -> String,
    ) -> (usize, Meaning) {
        // Only the bytes up to the unexpected one are taken. The bytes after it may belong to an ending.
        let (Some(before), Some(heard)) = (bytes.get(..wrong), bytes.get(wrong)) else {
            return (0, Meaning::Open);
        };
        self.text.extend_from_slice(before);
        // An ending may have the same first bytes as the expected text.
        let began = |ending: &Vec<u8>| {
            (0..=self.text.len().min(ending.len())).find(|shared| {
                ending.get(*shared) == Some(heard)
                    && self.text.ends_with(ending.get(..*shared).unwrap_or_default())
            })
        };
        let found = endings.iter().enumerate();
        let found = found.filter_map(|(index, ending)| Some((index, began(ending)? + 1))).next();
        let meaning = match found {
            Some((index, heard)) if endings.get(index).is_some_and(|text| text.len() == heard) => {
                Meaning::Ended
            }
            Some(_) => Meaning::Open,
            None => {
                let (at, expected) = (self.text.len(), expected());
                Meaning::Wrong(format!("byte {at} was {heard:#04x} instead of {expected}"))
            }
        };
        self.ending = found;
        self.text.push(*heard);
        (wrong + 1, meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(wanted: &[&str], endings: &[&str], text: &str) -> (usize, Meaning) {
        let wanted: Vec<Pattern> = wanted.iter().map(|text| text.parse().unwrap()).collect();
        let wanted: Vec<&Pattern> = wanted.iter().collect();
        let endings: Vec<_> = endings.iter().map(|text| text.as_bytes().to_vec()).collect();
        let mut hearing = Hearing::default();
        let mut taken = 0;
        for byte in text.as_bytes() {
            let (more, meaning) = hearing.hear(&wanted, &endings, &[*byte]);
            taken += more;
            if meaning != Meaning::Open {
                let mut whole = Hearing::default();
                let (mut all, mut last) = whole.hear(&wanted, &endings, text.as_bytes());
                while last == Meaning::Open && all < text.len() {
                    let (more, meaning) = whole.hear(&wanted, &endings, &text.as_bytes()[all..]);
                    (all, last) = (all + more, meaning);
                }
                assert_eq!((all, &last), (taken, &meaning), "at once");
                return (taken, meaning);
            }
        }
        (taken, Meaning::Open)
    }

    #[test]
    fn the_alternative_that_comes_is_known() {
        let wanted = ["hello <number>\n", "help\n", "busy\n"];
        assert_eq!(heard(&wanted, &[], "help\nmore"), (5, Meaning::Is(1)));
        assert_eq!(heard(&wanted, &[], "hello 5\n"), (8, Meaning::Is(0)));
        assert_eq!(heard(&wanted, &[], "hel"), (3, Meaning::Open));
        let text = "byte 3 was 0x78 instead of what one of 3 alternatives has there";
        assert_eq!(heard(&wanted, &[], "helx"), (4, Meaning::Wrong(text.to_owned())));
    }

    #[test]
    fn an_ending_may_begin_anywhere_and_share_bytes_with_what_was_expected() {
        assert_eq!(heard(&["begin\n"], &["bye\n"], "bye\n"), (4, Meaning::Ended));
        assert_eq!(heard(&["begin\n"], &["bye\n"], "bebye\n!"), (6, Meaning::Ended));
        assert_eq!(heard(&["n=<number>\n"], &["idle\n"], "n=12idle\n"), (9, Meaning::Ended));
        assert_eq!(heard(&["begin\n"], &["b", "!"], "be!"), (3, Meaning::Ended));
    }

    #[test]
    fn an_ending_that_is_cut_or_changed_is_wrong() {
        let text = "byte 2 was 0x78 instead of 0x65";
        assert_eq!(heard(&["hi\n"], &["bye\n"], "byx"), (3, Meaning::Wrong(text.to_owned())));
        let text = "byte 1 was 0x78 instead of 0x69";
        assert_eq!(heard(&["hi\n"], &["bye\n"], "hx"), (2, Meaning::Wrong(text.to_owned())));
    }
}
