//! Properties (MQTT 5, section 2.2.2).

use super::{Reader, Reason};
use crate::topic;

/// The identifiers of the properties that the client reads or writes.
pub(crate) mod id {
    pub(crate) const MESSAGE_EXPIRY: u8 = 0x02;
    pub(crate) const CONTENT_TYPE: u8 = 0x03;
    pub(crate) const RESPONSE_TOPIC: u8 = 0x08;
    pub(crate) const CORRELATION_DATA: u8 = 0x09;
    pub(crate) const SUBSCRIPTION_ID: u8 = 0x0B;
    pub(crate) const SESSION_EXPIRY: u8 = 0x11;
    pub(crate) const ASSIGNED_CLIENT_ID: u8 = 0x12;
    pub(crate) const SERVER_KEEP_ALIVE: u8 = 0x13;
    pub(crate) const WILL_DELAY: u8 = 0x18;
    pub(crate) const REASON_STRING: u8 = 0x1F;
    pub(crate) const RECEIVE_MAXIMUM: u8 = 0x21;
    pub(crate) const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
    pub(crate) const TOPIC_ALIAS: u8 = 0x23;
    pub(crate) const MAXIMUM_QOS: u8 = 0x24;
    pub(crate) const RETAIN_AVAILABLE: u8 = 0x25;
    pub(crate) const USER: u8 = 0x26;
    pub(crate) const MAXIMUM_PACKET_SIZE: u8 = 0x27;
}

/// One bit for each group of packets from a broker. The bits state in which packets a property is allowed.
pub(super) mod packet_group {
    pub(in crate::wire) const CONNACK: u8 = 1 << 3;
    pub(in crate::wire) const PUBLISH: u8 = 1 << 4;
    /// All acknowledgements except CONNACK.
    pub(in crate::wire) const ACK: u8 = 1 << 5;
    pub(in crate::wire) const DISCONNECT: u8 = 1 << 6;
}

// The forms of a property's value. `BYTE`, `TWO` and `FOUR` are numbers of one, two and four bytes. `VARINT` is a
// variable byte integer. `TEXT` and `BINARY` begin with their length. `PAIR` is two texts.
const BYTE: u8 = 1;
const TWO: u8 = 2;
const VARINT: u8 = 3;
const FOUR: u8 = 4;
const TEXT: u8 = 5;
const BINARY: u8 = 6;
const PAIR: u8 = 7;

/// Returns the descriptor of a property. The lowest three bits are the form of the value. The other bits are the bits
/// of [`packet_group`]. Returns 0 for an unknown property.
const fn descriptor(id: u8) -> u8 {
    use packet_group::{ACK, CONNACK, DISCONNECT, PUBLISH};
    match id {
        0x01 => BYTE | PUBLISH,
        0x02 => FOUR | PUBLISH,
        0x03 | 0x08 => TEXT | PUBLISH,
        0x09 => BINARY | PUBLISH,
        0x0B => VARINT | PUBLISH,
        0x11 | 0x27 => FOUR | CONNACK,
        0x12 | 0x15 | 0x1A => TEXT | CONNACK,
        0x13 | 0x21 | 0x22 => TWO | CONNACK,
        0x16 => BINARY | CONNACK,
        0x1C => TEXT | CONNACK | DISCONNECT,
        0x1F => TEXT | CONNACK | ACK | DISCONNECT,
        0x23 => TWO | PUBLISH,
        0x24 | 0x25 | 0x28..=0x2A => BYTE | CONNACK,
        0x26 => PAIR | CONNACK | PUBLISH | ACK | DISCONNECT,
        _ => 0,
    }
}

/// The descriptors as a table, so that a lookup takes one load.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const DESCRIPTORS: [u8; 43] = {
    let mut descriptors = [0; 43];
    let mut id = 0;
    while id < descriptors.len() {
        descriptors[id] = descriptor(id as u8);
        id += 1;
    }
    descriptors
};

/// A property: its identifier, its [descriptor], and the bytes of its value without the length field.
struct Property<'p> {
    id: u8,
    descriptor: u8,
    bytes: &'p [u8],
    /// The second text of a user property.
    second: &'p [u8],
}

/// The properties of a packet from the broker. A packet of MQTT 3.1.1 has no properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties<'p> {
    /// The encoded properties, which were already checked.
    bytes: &'p [u8],
}

impl<'p> Properties<'p> {
    /// No properties.
    pub const NONE: Self = Self { bytes: &[] };

    /// Reads the length of the properties, and then the properties, and checks them.
    pub(super) fn read(reader: &mut Reader<'p>, packet_group: u8) -> Result<Self, Reason> {
        let length = reader.varint()?;
        let bytes = reader.take(length as usize)?;
        let mut seen = 0_u64;
        let mut rest = Reader(bytes);
        while !rest.is_empty() {
            let property = read_property(&mut rest)?;
            if property.descriptor & packet_group == 0 {
                return Err(Reason::MALFORMED_PACKET);
            }
            let bit = 1_u64.wrapping_shl(property.id.into());
            let may_repeat = matches!(property.id, id::USER | id::SUBSCRIPTION_ID);
            let is_repeated = seen & bit != 0 && !may_repeat;
            seen |= bit;
            if is_repeated || !property.is_valid() {
                return Err(Reason::PROTOCOL_ERROR);
            }
        }
        Ok(Self { bytes })
    }

    /// Makes `Properties` from encoded properties that were already checked.
    pub(crate) const fn checked(bytes: &'p [u8]) -> Self {
        Self { bytes }
    }

    /// Returns the length in bytes.
    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns whether there are no properties.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the user properties: names and values, in order.
    pub fn user(&self) -> impl Iterator<Item = (&'p str, &'p str)> + use<'p> {
        let pairs = self.iter().filter(|property| property.id == id::USER);
        pairs.map(|pair| (text(pair.bytes), text(pair.second)))
    }

    /// Returns the reason string: a text for humans.
    pub fn reason(&self) -> Option<&'p str> {
        self.text(id::REASON_STRING)
    }

    /// Returns the client identifier that the broker has assigned because the identifier in the CONNECT was empty.
    pub fn assigned_client_id(&self) -> Option<&'p str> {
        self.text(id::ASSIGNED_CLIENT_ID)
    }

    /// Returns the content type of a message.
    pub fn content_type(&self) -> Option<&'p str> {
        self.text(id::CONTENT_TYPE)
    }

    /// Returns the topic for an answer to the message.
    pub fn response_topic(&self) -> Option<&'p str> {
        self.text(id::RESPONSE_TOPIC)
    }

    /// Returns the data that an answer to the message has to contain.
    pub fn correlation_data(&self) -> Option<&'p [u8]> {
        self.find(id::CORRELATION_DATA)
    }

    /// Returns the remaining lifetime of the message in seconds.
    pub fn message_expiry(&self) -> Option<u32> {
        self.number(id::MESSAGE_EXPIRY)
    }

    pub(crate) fn number(&self, id: u8) -> Option<u32> {
        let bytes = self.find(id)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn text(&self, id: u8) -> Option<&'p str> {
        self.find(id).map(text)
    }

    #[inline(never)]
    fn find(&self, id: u8) -> Option<&'p [u8]> {
        self.iter().find(|property| property.id == id).map(|property| property.bytes)
    }

    fn iter(&self) -> impl Iterator<Item = Property<'p>> + use<'p> {
        let mut rest = Reader(self.bytes);
        core::iter::from_fn(move || read_property(&mut rest).ok())
    }
}

/// Returns bytes as text. The bytes were checked before.
fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

/// Reads the next property.
#[inline(never)]
fn read_property<'p>(rest: &mut Reader<'p>) -> Result<Property<'p>, Reason> {
    // All existing identifiers are one byte long.
    let id = rest.u8()?;
    let descriptor = DESCRIPTORS.get(usize::from(id)).copied().unwrap_or(0);
    let bytes = match descriptor & 7 {
        0 => return Err(Reason::MALFORMED_PACKET),
        VARINT => rest.varint_bytes()?,
        TEXT | PAIR => rest.text()?.as_bytes(),
        BINARY => rest.binary()?,
        size => rest.take(size.into())?,
    };
    let second = if descriptor & 7 == PAIR { rest.text()?.as_bytes() } else { &[] };
    Ok(Property { id, descriptor, bytes, second })
}

impl Property<'_> {
    /// Returns whether the property may have this value.
    fn is_valid(&self) -> bool {
        match self.id {
            id::RECEIVE_MAXIMUM
            | id::MAXIMUM_PACKET_SIZE
            | id::TOPIC_ALIAS
            | id::SUBSCRIPTION_ID => self.bytes.iter().any(|byte| *byte != 0),
            id::RESPONSE_TOPIC => topic::is_name(self.bytes),
            // All one-byte properties are 0 or 1. This includes the maximum QoS: if the maximum is 2, the broker leaves
            // the property out.
            _ => self.descriptor & 7 != BYTE || matches!(self.bytes, [0 | 1]),
        }
    }
}
