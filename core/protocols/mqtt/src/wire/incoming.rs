//! Packets from a broker.

use super::properties::packet_group;
use super::{Header, Kind, Properties, Qos, Reader, Reason, Version, reader};
use crate::topic;

/// A packet from a broker, except a PUBLISH: [`PublishHead::read`] reads the head of a PUBLISH. If the packet does not
/// contain a field, the field has the same value as in [`NONE`](Self::NONE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'p> {
    /// The identifier of the acknowledged packet.
    pub id: u16,
    /// The result of the acknowledged packet or of the CONNECT, or the reason of a DISCONNECT.
    pub reason: Reason,
    /// Whether the broker has a session of the client (MQTT, section 3.2).
    pub session_present: bool,
    /// The properties.
    pub properties: Properties<'p>,
}

impl<'p> Packet<'p> {
    /// A packet without content, such as a PINGRESP.
    pub const NONE: Self = Self {
        id: 0,
        reason: Reason::SUCCESS,
        session_present: false,
        properties: Properties::NONE,
    };

    /// Reads a packet, whose body must be complete.
    ///
    /// # Errors
    /// Returns the reason code with which the client must disconnect: the packet is malformed, or a broker must not
    /// send this packet.
    pub fn read(version: Version, header: &Header, body: &'p [u8]) -> Result<Self, Reason> {
        use Kind::{ConnAck, Disconnect, PubAck, PubComp, PubRec, PubRel, SubAck, UnsubAck};
        let kind = header.kind;
        // A broker that supports only MQTT 3.1.1 refuses a CONNECT of MQTT 5 with this CONNACK of MQTT 3.1.1.
        let is_5 = version.has_properties() && !matches!((kind, body), (ConnAck, [0, 1]));
        let mut packet = Self::NONE;
        let mut reader = Reader(body);
        // `packet_group` selects the properties that are allowed in the packet. `is_optional` states whether the reason
        // code and the properties may be left out.
        let (packet_group, is_optional) = match kind {
            ConnAck => {
                let flags = reader.u8()?;
                packet.session_present = flags != 0;
                if flags > 1 {
                    return Err(Reason::MALFORMED_PACKET);
                }
                (packet_group::CONNACK, false)
            }
            PubAck | PubRec | PubRel | PubComp | SubAck | UnsubAck => {
                packet.id = reader.packet_id()?;
                (packet_group::ACK, !matches!(kind, SubAck | UnsubAck))
            }
            Kind::PingResp => (0, true),
            Disconnect if is_5 => (packet_group::DISCONNECT, true),
            Kind::Auth if !is_5 => return Err(Reason::MALFORMED_PACKET),
            _ => return Err(Reason::PROTOCOL_ERROR),
        };
        // A SUBACK or UNSUBACK has one reason code for each filter, after the properties. The client always requests
        // one filter.
        let is_last = matches!(kind, SubAck | UnsubAck);
        if is_5 && is_last {
            packet.properties = Properties::read(&mut reader, packet_group)?;
        }
        let has_reason = match is_5 {
            true => packet_group != 0 && !(is_optional && reader.is_empty()),
            false => matches!(kind, ConnAck | SubAck),
        };
        if has_reason {
            packet.reason = Reason(reader.u8()?);
            if is_5 && !is_last && !(is_optional && reader.is_empty()) {
                packet.properties = Properties::read(&mut reader, packet_group)?;
            }
        }
        if kind == ConnAck && !is_5 {
            packet.reason =
                Reason::of_return_code(packet.reason.0).ok_or(Reason::MALFORMED_PACKET)?;
        } else if !is_reason_of(kind, packet.reason)
            // In MQTT 3.1.1, the only code for a refused subscription is 0x80.
            || !is_5 && packet.reason.is_failure() && packet.reason != Reason::UNSPECIFIED
        {
            return Err(Reason::MALFORMED_PACKET);
        }
        if packet.session_present && packet.reason.is_failure() {
            return Err(Reason::PROTOCOL_ERROR);
        }
        reader.end()?;
        Ok(packet)
    }
}

/// The reason codes that each packet type may have (MQTT 5, section 2.4). The index is the number of the packet type.
/// Each entry has one [bit](bit_of) for each reason code.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const REASONS: [u64; 15] = {
    const PUBLISHED: u64 = bits(&[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
    const RELEASED: u64 = bits(&[0x00, 0x92]);
    const CONNECTED: u64 = bits(&[
        0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95,
        0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
    ]);
    const SUBSCRIBED: u64 =
        bits(&[0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2]);
    const UNSUBSCRIBED: u64 = bits(&[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91]);
    const DISCONNECTED: u64 = bits(&[
        0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95,
        0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
    ]);
    const PINGED: u64 = bits(&[0x00]);
    let mut reasons = [0; 15];
    reasons[Kind::ConnAck as usize] = CONNECTED;
    reasons[Kind::PubAck as usize] = PUBLISHED;
    reasons[Kind::PubRec as usize] = PUBLISHED;
    reasons[Kind::PubRel as usize] = RELEASED;
    reasons[Kind::PubComp as usize] = RELEASED;
    reasons[Kind::SubAck as usize] = SUBSCRIBED;
    reasons[Kind::UnsubAck as usize] = UNSUBSCRIBED;
    reasons[Kind::PingResp as usize] = PINGED;
    reasons[Kind::Disconnect as usize] = DISCONNECTED;
    reasons
};

/// Returns the bit number of a reason code, or `None` for an unknown code. Failures have the bit numbers 0x00 to 0x22,
/// other reason codes have the bit numbers 0x30 to 0x35.
const fn bit_of(reason: u8) -> Option<u32> {
    match reason {
        0x80..=0xA2 => Some(reason as u32 & 0x3F),
        0x00..=0x02 => Some(0x30 | reason as u32),
        0x10 | 0x11 => Some(0x34 | reason as u32 & 1),
        _ => None,
    }
}

const fn bits(reasons: &[u8]) -> u64 {
    match reasons {
        [first, rest @ ..] => match bit_of(*first) {
            Some(bit) => 1_u64.wrapping_shl(bit) | bits(rest),
            None => bits(rest),
        },
        [] => 0,
    }
}

/// Returns whether a packet of this type may have this reason code.
fn is_reason_of(kind: Kind, reason: Reason) -> bool {
    let bits = REASONS.get(kind as usize).copied().unwrap_or(0);
    bit_of(reason.0).is_some_and(|bit| bits.wrapping_shr(bit) & 1 != 0)
}

/// The part of a PUBLISH before its payload (MQTT, section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishHead<'p> {
    /// The topic name. If the name is empty, the alias identifies the topic.
    pub topic: &'p str,
    /// The alias of the topic, 0 for none.
    pub alias: u16,
    /// The identifier, 0 with [`Qos::Zero`].
    pub id: u16,
    /// The quality of service.
    pub qos: Qos,
    /// Whether the message may be a retransmission.
    pub is_duplicate: bool,
    /// Whether the message is retained.
    pub is_retained: bool,
    /// The properties.
    pub properties: Properties<'p>,
    /// The length of the head in bytes.
    pub length: usize,
}

impl<'p> PublishHead<'p> {
    /// Reads the head of a PUBLISH from the beginning of its body. Returns `None` until the head has arrived.
    ///
    /// # Errors
    /// Returns the reason code with which the client must disconnect.
    pub fn read(version: Version, header: &Header, body: &'p [u8]) -> Result<Option<Self>, Reason> {
        let has_id = header.flags & 0b0110 != 0;
        let length = head_length(version, has_id, body)?;
        if length.is_some_and(|length| length > header.body) {
            return Err(Reason::MALFORMED_PACKET);
        }
        let head = length.and_then(|length| body.get(..length).map(|head| (length, head)));
        let Some((length, head)) = head else {
            let is_whole = body.len() >= header.body;
            return if is_whole { Err(Reason::MALFORMED_PACKET) } else { Ok(None) };
        };
        let qos = Qos::of(header.flags >> 1 & 0b11).ok_or(Reason::MALFORMED_PACKET)?;
        let is_duplicate = header.flags & 0b1000 != 0;
        if is_duplicate && !has_id {
            return Err(Reason::MALFORMED_PACKET);
        }
        let mut reader = Reader(head);
        let topic = reader.text()?;
        let id = if has_id { reader.packet_id()? } else { 0 };
        let properties = match version {
            Version::V3 => Properties::NONE,
            Version::V5 => Properties::read(&mut reader, packet_group::PUBLISH)?,
        };
        let alias = properties.number(super::id::TOPIC_ALIAS).unwrap_or(0) as u16;
        let is_known = topic.is_empty() && alias != 0;
        if !is_known && !topic::is_name(topic.as_bytes()) {
            // The topic is missing, or has wildcards.
            let is_missing = topic.is_empty() && version.has_properties();
            return Err(if is_missing {
                Reason::PROTOCOL_ERROR
            } else {
                Reason::TOPIC_NAME_INVALID
            });
        }
        let is_retained = header.flags & 1 != 0;
        Ok(Some(Self { topic, alias, id, qos, is_duplicate, is_retained, properties, length }))
    }
}

/// Returns the length of a PUBLISH's head. Returns `None` until enough bytes have arrived.
fn head_length(version: Version, has_id: bool, body: &[u8]) -> Result<Option<usize>, Reason> {
    let Some(topic) = body.first_chunk() else { return Ok(None) };
    let id = if has_id { 2 } else { 0 };
    let length = usize::from(u16::from_be_bytes(*topic)).saturating_add(2).saturating_add(id);
    if !version.has_properties() {
        return Ok(Some(length));
    }
    let Some(rest) = body.get(length..) else { return Ok(None) };
    let properties = reader::varint(rest)?;
    Ok(properties.map(|(amount, size)| length.saturating_add(size).saturating_add(amount as usize)))
}
