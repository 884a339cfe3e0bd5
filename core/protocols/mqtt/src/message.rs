//! A received message.

use core::ops::Range;

use picoevent::{ConnMut, Cx};

use crate::aliases::Alias;
use crate::wire::{Properties, Qos};

/// The function of a subscription. It is called with a message, or with a chunk of a message.
pub type OnMessage<A> = fn(&mut A, &mut Message<'_, '_, A>);

/// A received message in the connection's input ring.
///
/// A message that fits into the ring arrives in one chunk. A longer message arrives in several chunks, in order. The
/// [topic](Self::topic) and the [properties](Self::properties) come with the first chunk, and
/// [`is_last`](Self::is_last) is true for the last chunk. If the connection ends before the last chunk, the event
/// [`Down`](crate::MqttEvent::Down) follows. A message with [`Qos::One`] or [`Qos::Two`] then arrives again from its
/// beginning, if the broker has kept the session.
pub struct Message<'c, 's, A> {
    pub(crate) conn: ConnMut<'c, 's, A>,
    pub(crate) parts: &'c Parts,
}

/// The positions of a message's parts in the input ring.
pub(crate) struct Parts {
    pub(crate) topic: Range<usize>,
    /// The stored topic, if the message has a topic alias instead of a topic; [`Alias::NONE`] if the message has a
    /// topic.
    pub(crate) alias: Alias,
    pub(crate) properties: Range<usize>,
    pub(crate) payload: Range<usize>,
    /// The position of this chunk in the payload.
    pub(crate) offset: usize,
    /// The length of the whole payload in bytes.
    pub(crate) total: usize,
    /// The flags of the PUBLISH.
    pub(crate) flags: u8,
}

impl Parts {
    pub(crate) fn qos(&self) -> Qos {
        qos_of_flags(self.flags)
    }
}

/// Returns the quality of service in the flags of a PUBLISH.
pub(crate) fn qos_of_flags(flags: u8) -> Qos {
    Qos::of(flags >> 1 & 0b11).unwrap_or_default()
}

impl<'s, A> Message<'_, 's, A> {
    /// Returns the topic. Only the first chunk has the topic. In later chunks, the topic is empty.
    pub fn topic(&self) -> &str {
        if !self.parts.alias.is_empty() {
            return self.parts.alias.topic();
        }
        str::from_utf8(self.part(&self.parts.topic)).unwrap_or_default()
    }

    /// Returns the payload, or this chunk of the payload.
    pub fn payload(&self) -> &[u8] {
        self.part(&self.parts.payload)
    }

    /// Returns the properties. Only the first chunk has properties.
    pub fn properties(&self) -> Properties<'_> {
        Properties::checked(self.part(&self.parts.properties))
    }

    /// Returns the position of this chunk in the payload.
    pub const fn offset(&self) -> usize {
        self.parts.offset
    }

    /// Returns the length of the whole payload.
    pub const fn total(&self) -> usize {
        self.parts.total
    }

    /// Returns whether this is the first or the only chunk.
    pub const fn is_first(&self) -> bool {
        // If the head fills the ring, the first chunk has no payload, so the second chunk also has the offset 0. But
        // only the first chunk has a topic, and a topic is behind a header.
        self.parts.topic.end > 0
    }

    /// Returns whether this is the last or the only chunk.
    pub fn is_last(&self) -> bool {
        let end = self.parts.offset.saturating_add(self.parts.payload.len());
        end == self.parts.total
    }

    /// Returns the quality of service.
    pub fn qos(&self) -> Qos {
        self.parts.qos()
    }

    /// Returns whether this message may be a retransmission. A complete message with [`Qos::Two`] is not delivered
    /// twice.
    pub const fn is_duplicate(&self) -> bool {
        self.parts.flags & 0b1000 != 0
    }

    /// Returns whether this is a retained message.
    pub const fn is_retained(&self) -> bool {
        self.parts.flags & 1 != 0
    }

    /// Returns the context of the loop.
    pub const fn cx(&mut self) -> &mut Cx<'s, A> {
        self.conn.cx()
    }

    /// Returns a part of the message. The part is contiguous in the input ring. Returns an empty slice after the
    /// application has ended the connection.
    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.conn.peek().0.get(range.clone()).unwrap_or_default()
    }
}
