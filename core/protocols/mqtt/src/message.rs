//! A message that has arrived, as the application sees it.

use core::ops::Range;

use picoevent::{ConnMut, Cx};

use crate::aliases::Alias;
use crate::wire::{Properties, Qos};

/// What a subscription calls with a message, or with a piece of one.
pub type OnMessage<A> = fn(&mut A, &mut Message<'_, '_, A>);

/// A message that has arrived, in the connection's input ring.
///
/// A message that fits in the ring comes in one piece. A longer one comes in several, in order: the
/// [topic](Self::topic) and the [properties](Self::properties) with the first, and [`is_last`](Self::is_last) with the
/// last. If the connection ends before the last piece, the event [`Down`](crate::MqttEvent::Down) comes instead of the
/// rest, and the message comes again from its beginning if its quality of service says so.
pub struct Message<'c, 's, A> {
    pub(crate) conn: ConnMut<'c, 's, A>,
    pub(crate) parts: &'c Parts,
}

/// Where the parts of a message are in the input, from its beginning.
pub(crate) struct Parts {
    pub(crate) topic: Range<usize>,
    /// The topic, if it has come as an alias.
    pub(crate) alias: Alias,
    pub(crate) properties: Range<usize>,
    pub(crate) payload: Range<usize>,
    /// The place of this piece in the whole payload, and the bytes of that.
    pub(crate) offset: usize,
    pub(crate) total: usize,
    /// Those of the PUBLISH.
    pub(crate) flags: u8,
}

impl Parts {
    pub(crate) fn qos(&self) -> Qos {
        Qos::of(self.flags >> 1 & 0b11).unwrap_or_default()
    }
}

impl<'s, A> Message<'_, 's, A> {
    /// Returns the topic; it is empty with all pieces but the first.
    pub fn topic(&self) -> &str {
        if !self.parts.alias.is_empty() {
            return self.parts.alias.topic();
        }
        str::from_utf8(self.part(&self.parts.topic)).unwrap_or_default()
    }

    /// Returns the payload, or this piece of it.
    pub fn payload(&self) -> &[u8] {
        self.part(&self.parts.payload)
    }

    /// Returns the properties; with all pieces but the first there are none.
    pub fn properties(&self) -> Properties<'_> {
        Properties::checked(self.part(&self.parts.properties))
    }

    /// Returns where in the whole payload this piece begins.
    pub const fn offset(&self) -> usize {
        self.parts.offset
    }

    /// Returns the length of the whole payload.
    pub const fn total(&self) -> usize {
        self.parts.total
    }

    /// Returns whether this is the first piece, or all.
    pub const fn is_first(&self) -> bool {
        self.parts.offset == 0
    }

    /// Returns whether this is the last piece, or all.
    pub fn is_last(&self) -> bool {
        let end = self.parts.offset.saturating_add(self.parts.payload.len());
        end == self.parts.total
    }

    /// Returns how often it is delivered.
    pub fn qos(&self) -> Qos {
        self.parts.qos()
    }

    /// Returns whether it may have come before. With [`Qos::Two`] it has not come before in full.
    pub const fn is_duplicate(&self) -> bool {
        self.parts.flags & 0b1000 != 0
    }

    /// Returns whether the broker had kept it.
    pub const fn is_retained(&self) -> bool {
        self.parts.flags & 1 != 0
    }

    /// Returns the loop.
    pub const fn cx(&mut self) -> &mut Cx<'s, A> {
        self.conn.cx()
    }

    /// Returns a part of the input, which is in one piece; nothing once the application has ended the connection.
    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.conn.peek().0.get(range.clone()).unwrap_or_default()
    }
}
