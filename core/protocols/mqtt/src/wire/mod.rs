//! The packets of MQTT 3.1.1 (OASIS, 2014) and MQTT 5 (OASIS, 2019).
//!
//! Both versions share one implementation. Reading is strict: a packet that the standard calls malformed or a protocol
//! error is refused with the [`Reason`] that the standard specifies.

mod incoming;
mod outgoing;
mod properties;
mod reader;
mod reason;
mod writer;

pub use incoming::{Packet, PublishHead};
pub(crate) use outgoing::{
    ConnectFields, PublishFields, Record, ack, connect, is_publishable, record_qos, request,
};
pub use properties::Properties;
pub(crate) use properties::id;
pub(crate) use reader::Reader;
pub use reason::Reason;
pub(crate) use writer::Writer;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Version {
    /// MQTT 3.1.1.
    V3,
    /// MQTT 5.
    #[default]
    V5,
}

impl Version {
    /// Returns whether packets have properties and reason codes.
    pub(crate) const fn has_properties(self) -> bool {
        matches!(self, Self::V5)
    }
}

/// The quality of service: how often a message is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Qos {
    /// At most once. The message is not acknowledged.
    #[default]
    Zero,
    /// At least once.
    One,
    /// Exactly once.
    Two,
}

impl Qos {
    /// Converts a number to a quality of service. Returns `None` for a number above 2.
    pub(crate) const fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Zero),
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }
}

/// The packet types, with their numbers in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
#[expect(missing_docs, reason = "they have the standard's names")]
pub enum Kind {
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::Connect,
        Self::ConnAck,
        Self::Publish,
        Self::PubAck,
        Self::PubRec,
        Self::PubRel,
        Self::PubComp,
        Self::Subscribe,
        Self::SubAck,
        Self::Unsubscribe,
        Self::UnsubAck,
        Self::PingReq,
        Self::PingResp,
        Self::Disconnect,
        Self::Auth,
    ];

    /// Converts a number to a packet type. Returns `None` if no packet type has this number.
    fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// Returns the first byte of a packet of this type. In a PUBLISH, flags are added to this byte.
    #[inline(never)]
    pub(crate) const fn first(self) -> u8 {
        let flags = match self {
            Self::PubRel | Self::Subscribe | Self::Unsubscribe => 0b0010,
            _ => 0,
        };
        (self as u8) << 4 | flags
    }
}

/// The fixed header of a packet: its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The packet type.
    pub kind: Kind,
    /// The flags in the first byte. Only a PUBLISH has flags with a meaning.
    pub flags: u8,
    /// The length of the header in bytes.
    pub length: usize,
    /// The length of the body in bytes. The standard calls this length the remaining length.
    pub body: usize,
}

impl Header {
    /// The length of the longest header in bytes.
    pub const MAX_LENGTH: usize = 5;

    /// Reads the header at the beginning of `bytes`. Returns `None` until the header has arrived.
    ///
    /// # Errors
    /// [`Reason::MALFORMED_PACKET`] for an unknown packet type, for flags that this packet type does not have, and for
    /// a remaining length that has more than four bytes or is not in its shortest form.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Reason> {
        let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
        let kind = Kind::of(first >> 4).ok_or(Reason::MALFORMED_PACKET)?;
        if kind != Kind::Publish && *first != kind.first() {
            return Err(Reason::MALFORMED_PACKET);
        }
        let length = reader::varint(rest)?;
        Ok(length.map(|(body, size)| Self {
            kind,
            flags: first & 0b1111,
            length: size.saturating_add(1),
            body: body as usize,
        }))
    }
}
