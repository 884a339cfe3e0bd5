//! The object of a readiness event, packed into the one word that the selector returns with the event.
//!
//! The low bits select the table, and the other bits are the index in this table. When an event is handled, another
//! object may already have this index. So an event is only a reason to examine the object: an event for a former object
//! costs one system call and does no harm.

use mio::Token;
use picoevent::Signal;

/// The object of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Another thread raised a trigger.
    Trigger,
    /// A signal was raised.
    Signal(Signal),
    /// The listener with this index.
    Listener(usize),
    /// The source with this index.
    Source(usize),
    /// The connection with this index.
    Conn(usize),
    /// The UDP socket with this index.
    Udp(usize),
}

const TABLE_BITS: u32 = 3;

impl From<Object> for Token {
    fn from(object: Object) -> Self {
        let (table, index) = match object {
            Object::Trigger => (0, 0),
            Object::Signal(signal) => (1, usize::from(signal.number())),
            Object::Listener(index) => (2, index),
            Object::Source(index) => (3, index),
            Object::Conn(index) => (4, index),
            Object::Udp(index) => (5, index),
        };
        Self(index << TABLE_BITS | table)
    }
}

impl Object {
    /// Returns the object of a token; `None` for a token that was not made from an [`Object`].
    pub(super) fn of(Token(word): Token) -> Option<Self> {
        let index = word >> TABLE_BITS;
        match word & ((1 << TABLE_BITS) - 1) {
            0 => Some(Self::Trigger),
            1 => u8::try_from(index).ok().and_then(Signal::new).map(Self::Signal),
            2 => Some(Self::Listener(index)),
            3 => Some(Self::Source(index)),
            4 => Some(Self::Conn(index)),
            5 => Some(Self::Udp(index)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_identifies_the_object_it_was_made_from() {
        for object in [
            Object::Trigger,
            Object::Signal(Signal::TERM),
            Object::Listener(0),
            Object::Source(7),
            Object::Conn(65_534),
            Object::Udp(3),
        ] {
            assert_eq!(Object::of(Token::from(object)), Some(object));
        }
        assert_eq!(Object::of(Token(7)), None);
    }
}
