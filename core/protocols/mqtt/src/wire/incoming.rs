//! Packets from a broker.

use super::properties::carrier;
use super::{Header, Kind, Properties, Qos, Reader, Reason, Version, reader};
use crate::topic;

/// A packet from a broker, except for a PUBLISH, whose head is read by [`PublishHead::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'p> {
    /// The answer to a CONNECT.
    ConnAck(ConnAck<'p>),
    /// The acknowledgement of another packet, whose kind is in the header.
    Ack(Ack<'p>),
    /// The answer to a PINGREQ.
    PingResp,
    /// The broker ends the connection.
    Disconnect(Reason, Properties<'p>),
}

impl<'p> Packet<'p> {
    /// Reads a packet, whose body is all there.
    ///
    /// # Errors
    /// The reason with which the connection is to be ended: the packet is malformed, or no broker may send it.
    pub fn read(version: Version, header: &Header, body: &'p [u8]) -> Result<Self, Reason> {
        let mut reader = Reader(body);
        let packet = match header.kind {
            Kind::ConnAck => Self::ConnAck(ConnAck::read(version, &mut reader)?),
            Kind::PubAck
            | Kind::PubRec
            | Kind::PubRel
            | Kind::PubComp
            | Kind::SubAck
            | Kind::UnsubAck => Self::Ack(Ack::read(version, header.kind, &mut reader)?),
            Kind::PingResp => Self::PingResp,
            Kind::Disconnect if version.has_properties() => {
                let (reason, properties) = optional(&mut reader, carrier::DISCONNECT)?;
                if !is_reason_of(Kind::Disconnect, reason) {
                    return Err(Reason::MALFORMED_PACKET);
                }
                Self::Disconnect(reason, properties)
            }
            Kind::Auth if !version.has_properties() => return Err(Reason::MALFORMED_PACKET),
            _ => return Err(Reason::PROTOCOL_ERROR),
        };
        reader.end()?;
        Ok(packet)
    }
}

/// Reads a reason and properties, which both may be left out.
fn optional<'p>(reader: &mut Reader<'p>, carrier: u8) -> Result<(Reason, Properties<'p>), Reason> {
    if reader.is_empty() {
        return Ok((Reason::SUCCESS, Properties::NONE));
    }
    let reason = Reason(reader.u8()?);
    if reader.is_empty() {
        return Ok((reason, Properties::NONE));
    }
    Ok((reason, Properties::read(reader, carrier)?))
}

/// The answer to a CONNECT (3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'p> {
    /// The broker has a session of the client.
    pub session_present: bool,
    /// Whether, or why not, it takes the client.
    pub reason: Reason,
    /// What else it says.
    pub properties: Properties<'p>,
}

impl<'p> ConnAck<'p> {
    fn read(version: Version, reader: &mut Reader<'p>) -> Result<Self, Reason> {
        let session_present = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Reason::MALFORMED_PACKET),
        };
        let code = reader.u8()?;
        let (reason, properties) = if version.has_properties() {
            let reason = Some(Reason(code)).filter(|reason| is_reason_of(Kind::ConnAck, *reason));
            (reason, Properties::read(reader, carrier::CONNACK)?)
        } else {
            (Reason::of_return_code(code), Properties::NONE)
        };
        let reason = reason.ok_or(Reason::MALFORMED_PACKET)?;
        if session_present && reason.is_failure() {
            return Err(Reason::PROTOCOL_ERROR);
        }
        Ok(Self { session_present, reason, properties })
    }
}

/// The acknowledgement of a packet that has an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'p> {
    /// The identifier.
    pub id: u16,
    /// What has become of it.
    pub reason: Reason,
    /// What else the broker says.
    pub properties: Properties<'p>,
}

impl<'p> Ack<'p> {
    fn read(version: Version, kind: Kind, reader: &mut Reader<'p>) -> Result<Self, Reason> {
        let id = reader.packet_id()?;
        let (reason, properties) = match kind {
            // One reason for each filter, of which the client asks for one at a time.
            Kind::SubAck | Kind::UnsubAck if version.has_properties() => {
                let properties = Properties::read(reader, carrier::ACK)?;
                (Reason(reader.u8()?), properties)
            }
            Kind::SubAck => (Reason(reader.u8()?), Properties::NONE),
            _ if version.has_properties() => optional(reader, carrier::ACK)?,
            _ => (Reason::SUCCESS, Properties::NONE),
        };
        // 3.1.1 has one reason why a subscription fails.
        let is_known = is_reason_of(kind, reason)
            && (version.has_properties() || !reason.is_failure() || reason == Reason::UNSPECIFIED);
        if !is_known {
            return Err(Reason::MALFORMED_PACKET);
        }
        Ok(Self { id, reason, properties })
    }
}

/// The reasons that the packets of each kind may give (5, 2.4), as [bits](bit_of).
const REASONS: [(Kind, u64); 8] = [
    (
        Kind::ConnAck,
        bits(&[
            0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90,
            0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
        ]),
    ),
    (Kind::PubAck, bits(&[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])),
    (Kind::PubRec, bits(&[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])),
    (Kind::PubRel, bits(&[0x00, 0x92])),
    (Kind::PubComp, bits(&[0x00, 0x92])),
    (Kind::SubAck, bits(&[0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2])),
    (Kind::UnsubAck, bits(&[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91])),
    (
        Kind::Disconnect,
        bits(&[
            0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
            0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
        ]),
    ),
];

/// Returns the bit of a reason: failures first, then what is none.
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

/// Returns whether a packet of this kind may give this reason.
fn is_reason_of(kind: Kind, reason: Reason) -> bool {
    let bit = bit_of(reason.0).map_or(0, |bit| 1_u64.wrapping_shl(bit));
    REASONS.iter().any(|(of, bits)| *of == kind && bits & bit != 0)
}

/// What comes before the payload of a PUBLISH (3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishHead<'p> {
    /// The topic; empty if it is the one of the alias.
    pub topic: &'p str,
    /// The alias of the topic, 0 for none.
    pub alias: u16,
    /// The identifier, 0 with [`Qos::Zero`].
    pub id: u16,
    /// How often it is delivered.
    pub qos: Qos,
    /// It may have come before.
    pub is_duplicate: bool,
    /// The broker had kept it.
    pub is_retained: bool,
    /// What else it says.
    pub properties: Properties<'p>,
    /// The bytes of the head.
    pub length: usize,
}

impl<'p> PublishHead<'p> {
    /// Reads the head of a PUBLISH from the beginning of its body, `None` while it is not all there.
    ///
    /// # Errors
    /// The reason with which the connection is to be ended.
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
            Version::V5 => Properties::read(&mut reader, carrier::PUBLISH)?,
        };
        let alias = properties.number(super::id::TOPIC_ALIAS).unwrap_or(0) as u16;
        let is_known = topic.is_empty() && alias != 0;
        if !is_known && !topic::is_name(topic) {
            // It is missing, or has wildcards.
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

/// Returns how long the head of a PUBLISH is, `None` while that is not to be seen yet.
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
