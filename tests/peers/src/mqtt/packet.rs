//! Reads the packets of a client, and writes the packets of a broker. This code is separate from the MQTT client that
//! the tests check.

/// A packet of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the packets are named as the standard names them")]
pub enum Packet {
    Connect(Connect),
    Publish(Publish),
    /// The packet type, the packet identifier and the reason code.
    Ack(u8, u16, u8),
    Subscribe(u16, String, u8),
    Unsubscribe(u16, String),
    Ping,
    Disconnect(u8),
}

/// A CONNECT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named as the standard names them")]
pub struct Connect {
    pub level: u8,
    pub clean: bool,
    pub keep_alive: u16,
    pub expiry: u32,
    pub receive_maximum: u16,
    pub aliases: u16,
    pub longest: u32,
    pub id: String,
    /// The topic, the payload, the QoS, whether the will is retained, and the delay in seconds.
    pub will: Option<(String, Vec<u8>, u8, bool, u32)>,
    pub user: Option<String>,
    pub password: Option<Vec<u8>>,
}

/// A PUBLISH, of a client or a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named as the standard names them")]
pub struct Publish {
    pub topic: String,
    pub alias: u16,
    pub id: u16,
    pub qos: u8,
    pub dup: bool,
    pub retain: bool,
    /// User properties.
    pub user: Vec<(String, String)>,
    pub payload: Vec<u8>,
}

/// The reason why bytes are not a packet of a client.
pub type Malformed = String;

/// Reads bytes.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, amount: usize) -> Result<&'b [u8], Malformed> {
        let split = self.0.split_at_checked(amount).ok_or("a packet is too short")?;
        let (taken, rest) = split;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, size: usize) -> Result<u32, Malformed> {
        Ok(self.take(size)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn varint(&mut self) -> Result<usize, Malformed> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.number(1)? as usize;
            value |= (byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            check(shift < 28, || "a length has more than four bytes".to_owned())?;
        }
    }

    fn binary(&mut self) -> Result<Vec<u8>, Malformed> {
        let length = self.number(2)? as usize;
        Ok(self.take(length)?.to_vec())
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let text = String::from_utf8(self.binary()?).map_err(|error| error.to_string())?;
        check(!text.contains('\0'), || format!("the text {text:?} contains U+0000"))?;
        Ok(text)
    }

    fn section(&mut self) -> Result<Self, Malformed> {
        let length = self.varint()?;
        self.take(length).map(Self)
    }
}

fn check(holds: bool, error: impl FnOnce() -> String) -> Result<(), Malformed> {
    if holds { Ok(()) } else { Err(error()) }
}

/// Removes the first packet from the bytes and returns it. Returns `None` if the packet is not complete.
///
/// # Panics
/// If the packet is malformed, or if a client must not send a packet of this type.
pub fn next(bytes: &mut Vec<u8>, level: u8) -> Option<Packet> {
    try_next(bytes, level).unwrap_or_else(|error| panic!("{error}"))
}

/// Removes the first packet from the bytes and returns it. Returns `None` if the packet is not complete.
///
/// # Errors
/// A description of the error in the packet.
pub fn try_next(bytes: &mut Vec<u8>, level: u8) -> Result<Option<Packet>, Malformed> {
    let Some(end) = bytes.iter().skip(1).position(|byte| byte & 0x80 == 0) else {
        return Ok(None);
    };
    let head = end + 2;
    let body = Reader(&bytes[1..head]).varint()?;
    if bytes.len() < head + body {
        return Ok(None);
    }
    let packet: Vec<_> = bytes.drain(..head + body).collect();
    read(packet[0], Reader(&packet[head..]), level).map(Some)
}

fn read(first: u8, mut rest: Reader<'_>, level: u8) -> Result<Packet, Malformed> {
    let is_5 = level == 5;
    let packet = match first {
        0x10 => Packet::Connect(connect(&mut rest)?),
        0x30..=0x3F => Packet::Publish(read_publish(first, &mut rest, is_5)?),
        0x40 | 0x50 | 0x62 | 0x70 => {
            let id = rest.number(2)? as u16;
            let reason = if rest.0.is_empty() { 0 } else { rest.number(1)? as u8 };
            check(is_5 || reason == 0, || {
                "an acknowledgement with a reason code in 3.1.1".to_owned()
            })?;
            Packet::Ack(first >> 4, id, reason)
        }
        0x82 => {
            let id = read_id(&mut rest, is_5)?;
            Packet::Subscribe(id, rest.text()?, rest.number(1)? as u8)
        }
        0xA2 => Packet::Unsubscribe(read_id(&mut rest, is_5)?, rest.text()?),
        0xC0 => Packet::Ping,
        0xE0 => Packet::Disconnect(if rest.0.is_empty() { 0 } else { rest.number(1)? as u8 }),
        other => {
            return Err(format!("a client must not send a packet with the first byte {other:#x}"));
        }
    };
    check(rest.0.is_empty(), || format!("there are bytes after the end of {packet:?}"))?;
    Ok(packet)
}

/// Reads a packet identifier. In version 5, checks that no properties follow.
fn read_id(rest: &mut Reader<'_>, is_5: bool) -> Result<u16, Malformed> {
    let id = rest.number(2)? as u16;
    check(!is_5 || rest.section()?.0.is_empty(), || {
        "a SUBSCRIBE or UNSUBSCRIBE with properties".to_owned()
    })?;
    Ok(id)
}

fn read_publish(first: u8, rest: &mut Reader<'_>, is_5: bool) -> Result<Publish, Malformed> {
    let mut publish = Publish {
        topic: rest.text()?,
        qos: first >> 1 & 3,
        dup: first & 8 != 0,
        retain: first & 1 != 0,
        ..Publish::default()
    };
    let flags_fit = publish.qos < 3 && !(publish.dup && publish.qos == 0);
    check(flags_fit, || format!("a PUBLISH with the invalid first byte {first:#x}"))?;
    if publish.qos > 0 {
        publish.id = rest.number(2)? as u16;
        check(publish.id > 0, || "a PUBLISH with the identifier 0".to_owned())?;
    }
    if is_5 {
        let mut properties = rest.section()?;
        while !properties.0.is_empty() {
            match properties.number(1)? {
                0x23 => publish.alias = properties.number(2)? as u16,
                0x26 => publish.user.push((properties.text()?, properties.text()?)),
                0x02 => _ = properties.number(4)?,
                0x03 | 0x08 | 0x09 => _ = properties.binary()?,
                other => return Err(format!("unexpected property {other:#x} in a PUBLISH")),
            }
        }
    }
    let has_topic = !publish.topic.is_empty() || publish.alias > 0;
    check(has_topic, || "a PUBLISH without a topic and without an alias".to_owned())?;
    publish.payload = rest.take(rest.0.len())?.to_vec();
    Ok(publish)
}

fn connect(rest: &mut Reader<'_>) -> Result<Connect, Malformed> {
    let protocol = rest.text()?;
    check(protocol == "MQTT", || format!("the protocol name is {protocol:?} instead of MQTT"))?;
    let (level, flags) = (rest.number(1)? as u8, rest.number(1)?);
    let mut connect = Connect {
        level,
        clean: flags & 2 != 0,
        keep_alive: rest.number(2)? as u16,
        receive_maximum: u16::MAX,
        ..Connect::default()
    };
    check(flags & 1 == 0, || format!("a CONNECT with the invalid flags {flags:#x}"))?;
    if level == 5 {
        let mut properties = rest.section()?;
        while !properties.0.is_empty() {
            match properties.number(1)? {
                0x11 => connect.expiry = properties.number(4)?,
                0x21 => connect.receive_maximum = properties.number(2)? as u16,
                0x22 => connect.aliases = properties.number(2)? as u16,
                0x27 => connect.longest = properties.number(4)?,
                other => return Err(format!("unexpected property {other:#x} in a CONNECT")),
            }
        }
    }
    connect.id = rest.text()?;
    if flags & 4 != 0 {
        let mut delay = 0;
        if level == 5 {
            let mut properties = rest.section()?;
            while !properties.0.is_empty() {
                match properties.number(1)? {
                    0x18 => delay = properties.number(4)?,
                    0x03 => _ = properties.binary()?,
                    other => return Err(format!("unexpected property {other:#x} in a will")),
                }
            }
        }
        let (topic, payload) = (rest.text()?, rest.binary()?);
        connect.will = Some((topic, payload, (flags >> 3 & 3) as u8, flags & 0x20 != 0, delay));
    } else {
        check(flags & 0x38 == 0, || "a CONNECT with will flags but without a will".to_owned())?;
    }
    connect.user = if flags & 0x80 != 0 { Some(rest.text()?) } else { None };
    connect.password = if flags & 0x40 != 0 { Some(rest.binary()?) } else { None };
    Ok(connect)
}

/// Makes a packet from the first byte of its fixed header, and from the bytes after the remaining length.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    bytes.extend(varint(body.len()));
    bytes.extend(body);
    bytes
}

/// Writes a variable byte integer, for example a remaining length.
pub fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let more = if number > 0x7F { 0x80 } else { 0 };
        bytes.push((number & 0x7F) as u8 | more);
        number >>= 7;
        if number == 0 {
            return bytes;
        }
    }
}

/// Writes a UTF-8 encoded string: its length in two bytes, and its bytes.
pub fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

/// Writes a CONNACK, without properties for 3.1.1.
pub fn connack(level: u8, present: bool, reason: u8, properties: &[u8]) -> Vec<u8> {
    let mut body = vec![u8::from(present), reason];
    if level == 5 {
        body.extend(varint(properties.len()));
        body.extend(properties);
    }
    packet(0x20, &body)
}

/// Writes a PUBLISH of a broker.
pub fn publish(level: u8, publish: &Publish) -> Vec<u8> {
    let mut body = text(&publish.topic);
    if publish.qos > 0 {
        body.extend(publish.id.to_be_bytes());
    }
    if level == 5 {
        let mut properties = Vec::new();
        if publish.alias > 0 {
            properties.push(0x23);
            properties.extend(publish.alias.to_be_bytes());
        }
        for (name, value) in &publish.user {
            properties.push(0x26);
            properties.extend(text(name));
            properties.extend(text(value));
        }
        body.extend(varint(properties.len()));
        body.extend(properties);
    }
    body.extend(&publish.payload);
    let flags = publish.qos << 1 | u8::from(publish.dup) << 3 | u8::from(publish.retain);
    packet(0x30 | flags, &body)
}

/// Writes an acknowledgement with this first byte.
pub fn ack(first: u8, id: u16) -> Vec<u8> {
    packet(first, &id.to_be_bytes())
}

/// Writes a SUBACK, or an UNSUBACK, with one reason code.
pub fn suback(level: u8, first: u8, id: u16, reason: u8) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if level == 5 {
        body.push(0);
    }
    if level == 5 || first == 0x90 {
        body.push(reason);
    }
    packet(first, &body)
}
