//! The subject of a readiness event, packed into the one word that the selector carries.
//!
//! The low bits are the table, the rest is the place in it. A place may have been reused: a table
//! takes an event as a hint to look, never as a fact, so a late event for a reused place costs a
//! system call and does no harm.

use mio::Token;
use picoevent::Signal;

/// The subject of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Another thread raised a trigger.
    Trigger,
    /// A signal was raised.
    Signal(Signal),
    /// The listener in this place.
    Listener(usize),
    /// The source in this place.
    Source(usize),
    /// The connection in this place.
    Conn(usize),
    /// The UDP socket in this place.
    Udp(usize),
}

const TABLE_BITS: u32 = 3;

impl From<Subject> for Token {
    fn from(subject: Subject) -> Self {
        let (table, place) = match subject {
            Subject::Trigger => (0, 0),
            Subject::Signal(signal) => (1, usize::from(signal.number())),
            Subject::Listener(place) => (2, place),
            Subject::Source(place) => (3, place),
            Subject::Conn(place) => (4, place),
            Subject::Udp(place) => (5, place),
        };
        Self(place << TABLE_BITS | table)
    }
}

impl Subject {
    /// Returns the subject of a token; `None` for one that was never made here.
    pub(super) fn of(Token(word): Token) -> Option<Self> {
        let place = word >> TABLE_BITS;
        match word & ((1 << TABLE_BITS) - 1) {
            0 => Some(Self::Trigger),
            1 => u8::try_from(place).ok().and_then(Signal::new).map(Self::Signal),
            2 => Some(Self::Listener(place)),
            3 => Some(Self::Source(place)),
            4 => Some(Self::Conn(place)),
            5 => Some(Self::Udp(place)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_what_it_was_made_from() {
        for subject in [
            Subject::Trigger,
            Subject::Signal(Signal::TERM),
            Subject::Listener(0),
            Subject::Source(7),
            Subject::Conn(65_534),
            Subject::Udp(3),
        ] {
            assert_eq!(Subject::of(Token::from(subject)), Some(subject));
        }
        assert_eq!(Subject::of(Token(7)), None);
    }
}
