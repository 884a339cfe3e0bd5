//! Packets to a broker.

use super::{Kind, Qos, Reader, Reason, Version, Writer, id};
use crate::options::{Options, Publish};
use crate::topic;

/// The fields of a CONNECT that are not in the [`Options`].
#[derive(Clone, Copy)]
pub(crate) struct ConnectFields {
    pub(crate) clean_start: bool,
    pub(crate) receive_maximum: u16,
    pub(crate) alias_maximum: u16,
}

/// Writes a CONNECT (MQTT, section 3.1).
pub(crate) fn connect(writer: &mut Writer<'_>, options: &Options<'_>, fields: ConnectFields) {
    let has_properties = options.version.has_properties();
    writer.u8(Kind::Connect.first());
    writer.section(&|writer| {
        writer.text("MQTT");
        writer.u8(if has_properties { 5 } else { 4 });
        writer.u8(connect_flags(options, fields));
        writer.u16(options.keep_alive);
        if has_properties {
            writer.section(&|writer| {
                u32_property(writer, id::SESSION_EXPIRY, options.session_expiry);
                u16_property(writer, id::RECEIVE_MAXIMUM, fields.receive_maximum);
                u32_property(writer, id::MAXIMUM_PACKET_SIZE, options.longest_packet);
                u16_property(writer, id::TOPIC_ALIAS_MAXIMUM, fields.alias_maximum);
            });
        }
        writer.text(options.client_id);
        if let Some(will) = &options.will {
            if has_properties {
                writer.section(&|writer| {
                    u32_property(writer, id::WILL_DELAY, options.will_delay);
                    publish_properties(writer, will);
                });
            }
            writer.text(will.topic);
            writer.binary(will.payload);
        }
        if has_user(options) {
            writer.text(options.user.unwrap_or_default());
        }
        if let Some(password) = options.password {
            writer.binary(password);
        }
    });
}

/// Returns whether a user name is sent. In MQTT 3.1.1, a password needs a user name.
fn has_user(options: &Options<'_>) -> bool {
    options.user.is_some() || options.password.is_some() && !options.version.has_properties()
}

fn connect_flags(options: &Options<'_>, fields: ConnectFields) -> u8 {
    let flag = |is_set: bool, bit: u8| if is_set { 1_u8.wrapping_shl(bit.into()) } else { 0 };
    let will = options
        .will
        .as_ref()
        .map_or(0, |will| flag(true, 2) | (will.qos as u8) << 3 | flag(will.retain, 5));
    flag(fields.clean_start, 1)
        | will
        | flag(options.password.is_some(), 6)
        | flag(has_user(options), 7)
}

/// Writes a property whose value is `number`. Writes nothing if the value is zero.
fn u32_property(writer: &mut Writer<'_>, id: u8, number: u32) {
    if number != 0 {
        writer.u8(id);
        writer.u32(number);
    }
}

fn u16_property(writer: &mut Writer<'_>, id: u8, number: u16) {
    if number != 0 {
        writer.u8(id);
        writer.u16(number);
    }
}

fn publish_properties(writer: &mut Writer<'_>, publish: &Publish<'_>) {
    if let Some(expiry) = publish.message_expiry {
        writer.u8(id::MESSAGE_EXPIRY);
        writer.u32(expiry);
    }
    for (id, text) in
        [(id::CONTENT_TYPE, publish.content_type), (id::RESPONSE_TOPIC, publish.response_topic)]
    {
        if let Some(text) = text {
            writer.u8(id);
            writer.text(text);
        }
    }
    if let Some(data) = publish.correlation_data {
        writer.u8(id::CORRELATION_DATA);
        writer.binary(data);
    }
    for (name, value) in publish.user {
        writer.u8(id::USER);
        writer.text(name);
        writer.text(value);
    }
}

/// Returns whether a message or a will can be published: its topic and its response topic must be valid topic names.
pub(crate) fn is_publishable(publish: &Publish<'_>) -> bool {
    let is_name = |topic: &str| topic::is_name(topic.as_bytes());
    is_name(publish.topic) && publish.response_topic.is_none_or(is_name)
}

/// A message to send: a message that the application publishes, or a stored message.
pub(crate) struct Record<'r> {
    first: u8,
    pub(crate) topic: &'r str,
    properties: Source<'r>,
    payload: &'r [u8],
}

/// The source of a message's properties.
enum Source<'r> {
    /// The properties in their encoded form.
    Encoded(&'r [u8]),
    Publish(&'r Publish<'r>),
}

impl<'r> Record<'r> {
    /// Makes a record of a message.
    pub(crate) fn of(publish: &'r Publish<'r>) -> Self {
        let first = Kind::Publish.first() | (publish.qos as u8) << 1 | u8::from(publish.retain);
        let Publish { topic, payload, .. } = *publish;
        Self { first, topic, properties: Source::Publish(publish), payload }
    }

    /// Reads a stored message, which is known to be well-formed.
    pub(crate) fn read(version: Version, bytes: &'r [u8]) -> Result<Self, Reason> {
        let mut reader = Reader(bytes);
        let (first, topic) = (reader.u8()?, reader.text()?);
        let length = if version.has_properties() { reader.varint()? } else { 0 };
        let properties = Source::Encoded(reader.take(length as usize)?);
        Ok(Self { first, topic, properties, payload: reader.0 })
    }

    /// Writes the message in its stored form: the first byte of the PUBLISH, the topic, the properties with their
    /// length in front, and the payload.
    pub(crate) fn write_stored(&self, writer: &mut Writer<'_>, version: Version) {
        writer.u8(self.first);
        writer.text(self.topic);
        self.write_rest(writer, version, 0);
    }

    /// Writes the PUBLISH (MQTT, section 3.3).
    pub(crate) fn write_publish(
        &self,
        writer: &mut Writer<'_>,
        version: Version,
        fields: PublishFields,
    ) {
        writer.u8(self.first | if fields.is_duplicate { 0b1000 } else { 0 });
        writer.section(&|writer| {
            writer.text(if fields.is_known { "" } else { self.topic });
            if fields.id != 0 {
                writer.u16(fields.id);
            }
            self.write_rest(writer, version, fields.alias);
        });
    }

    /// Writes the properties and the payload.
    fn write_rest(&self, writer: &mut Writer<'_>, version: Version, alias: u16) {
        if version.has_properties() {
            writer.section(&|writer| {
                u16_property(writer, id::TOPIC_ALIAS, alias);
                match self.properties {
                    Source::Encoded(properties) => writer.raw(properties),
                    Source::Publish(publish) => publish_properties(writer, publish),
                }
            });
        }
        writer.raw(self.payload);
    }

    pub(crate) fn qos(&self) -> Qos {
        record_qos(&[self.first])
    }

    pub(crate) const fn is_retained(&self) -> bool {
        self.first & 1 != 0
    }
}

/// Returns the quality of service of a stored message.
pub(crate) fn record_qos(record: &[u8]) -> Qos {
    record.first().and_then(|first| Qos::of(first >> 1 & 0b11)).unwrap_or_default()
}

/// The fields of a PUBLISH that are not in the message.
#[derive(Clone, Copy, Default)]
pub(crate) struct PublishFields {
    pub(crate) id: u16,
    pub(crate) is_duplicate: bool,
    /// The topic alias, 0 for none.
    pub(crate) alias: u16,
    /// Whether the broker knows the alias. If the broker knows the alias, the topic is left out.
    pub(crate) is_known: bool,
}

/// Writes a SUBSCRIBE or an UNSUBSCRIBE with one filter, or a PUBREL (MQTT, sections 3.8, 3.10 and 3.6).
pub(crate) fn request(
    writer: &mut Writer<'_>,
    kind: Kind,
    version: Version,
    id: u16,
    options: u8,
    filter: &[u8],
) {
    writer.u8(kind.first());
    writer.section(&|writer| {
        writer.u16(id);
        if kind == Kind::PubRel {
            return;
        }
        if version.has_properties() {
            writer.u8(0);
        }
        writer.binary(filter);
        if kind == Kind::Subscribe {
            writer.u8(options);
        }
    });
}

/// Writes an acknowledgement or a PUBREL. If `id` is 0, writes a PINGREQ or a DISCONNECT (MQTT, sections 3.12 and
/// 3.14). The reason code is left out if it is [`Reason::SUCCESS`], and always in MQTT 3.1.1.
pub(crate) fn ack(writer: &mut Writer<'_>, version: Version, kind: Kind, id: u16, reason: Reason) {
    let has_reason = reason != Reason::SUCCESS && version.has_properties();
    writer.u8(kind.first());
    writer.u8(if id == 0 { 0 } else { 2 } | u8::from(has_reason));
    if id != 0 {
        writer.u16(id);
    }
    if has_reason {
        writer.u8(reason.0);
    }
}
