//! A comparison with the codec of `mqtt-protocol-core`, on packets of a broker. Both codecs must read the same
//! content from random packets. If the other codec refuses a mutated packet, our codec must refuse it too.

use critical_section as _;

use std::sync::Arc;

use fastrand::Rng;
use mqtt_protocol_core::mqtt::packet::{v3_1_1, v5_0};
use picoevent_mqtt::wire::{Header, Packet, PublishHead};
use picoevent_mqtt::{Kind, Version};

/// The content of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    ConnAck { present: bool, reason: u8 },
    Publish { topic: String, id: u16, qos: u8, dup: bool, retain: bool, payload: Vec<u8> },
    Ack { kind: u8, id: u16, reason: u8 },
    PingResp,
    Disconnect { reason: u8 },
}

/// Reads a packet with our codec. Returns `None` if our codec refuses the packet.
fn ours(version: Version, bytes: &[u8]) -> Option<Content> {
    let header = Header::read(bytes).ok()??;
    let body = bytes.get(header.length..header.length + header.body)?;
    if version == Version::V5 && header.kind == Kind::ConnAck && body == [0, 1] {
        // Our codec also accepts this CONNACK of MQTT 3.1.1. The other codec does not.
        return None;
    }
    if header.kind == Kind::Publish {
        let head = PublishHead::read(version, &header, body).ok()??;
        return Some(Content::Publish {
            topic: head.topic.to_owned(),
            id: head.id,
            qos: head.qos as u8,
            dup: head.is_duplicate,
            retain: head.is_retained,
            payload: body[head.length..].to_vec(),
        });
    }
    let Packet { id, reason, session_present: present, .. } =
        Packet::read(version, &header, body).ok()?;
    Some(match header.kind {
        Kind::ConnAck => Content::ConnAck { present, reason: return_code(version, reason.0) },
        Kind::PingResp => Content::PingResp,
        Kind::Disconnect => Content::Disconnect { reason: reason.0 },
        kind => Content::Ack { kind: kind as u8, id, reason: reason.0 },
    })
}

/// Returns the return code of MQTT 3.1.1 for the reason code in a CONNACK.
fn return_code(version: Version, reason: u8) -> u8 {
    match (version, reason) {
        (Version::V3, 0x84) => 1,
        (Version::V3, 0x85) => 2,
        (Version::V3, 0x88) => 3,
        (Version::V3, 0x86) => 4,
        (Version::V3, 0x87) => 5,
        (_, reason) => reason,
    }
}

/// Reads a packet with the codec of `mqtt-protocol-core`.
fn theirs(version: Version, bytes: &[u8]) -> Option<Content> {
    let (first, rest) = (bytes[0], &bytes[1..]);
    let size = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let body = &rest[size..];
    let kind = first >> 4;
    let ack = |id, reason: Option<u8>| Content::Ack { kind, id, reason: reason.unwrap_or(0) };
    let is_5 = version == Version::V5;
    macro_rules! publish {
        ($packet:ty) => {{
            let (publish, _) = <$packet>::parse(first & 15, Arc::from(body)).ok()?;
            Content::Publish {
                topic: publish.topic_name().to_owned(),
                id: publish.packet_id().unwrap_or(0),
                qos: publish.qos() as u8,
                dup: publish.dup(),
                retain: publish.retain(),
                payload: publish.payload().as_slice().to_vec(),
            }
        }};
    }
    macro_rules! ack {
        ($packet:ty, $reason:expr) => {{
            let (packet, _) = <$packet>::parse(body).ok()?;
            ack(packet.packet_id(), $reason(&packet))
        }};
    }
    Some(match (kind, is_5) {
        (2, true) => {
            let (connack, _) = v5_0::Connack::parse(body).ok()?;
            let reason = connack.reason_code() as u8;
            Content::ConnAck { present: connack.session_present(), reason }
        }
        (2, false) => {
            let (connack, _) = v3_1_1::Connack::parse(body).ok()?;
            let reason = connack.return_code() as u8;
            Content::ConnAck { present: connack.session_present(), reason }
        }
        (3, true) => publish!(v5_0::Publish),
        (3, false) => publish!(v3_1_1::Publish),
        (4, true) => ack!(v5_0::Puback, |p: &v5_0::Puback| p.reason_code().map(|r| r as u8)),
        (5, true) => ack!(v5_0::Pubrec, |p: &v5_0::Pubrec| p.reason_code().map(|r| r as u8)),
        (6, true) => ack!(v5_0::Pubrel, |p: &v5_0::Pubrel| p.reason_code().map(|r| r as u8)),
        (7, true) => ack!(v5_0::Pubcomp, |p: &v5_0::Pubcomp| p.reason_code().map(|r| r as u8)),
        (9, true) => {
            ack!(v5_0::Suback, |p: &v5_0::Suback| p.reason_codes().first().map(|r| *r as u8))
        }
        (11, true) => {
            ack!(v5_0::Unsuback, |p: &v5_0::Unsuback| p.reason_codes().first().map(|r| *r as u8))
        }
        (4, false) => ack!(v3_1_1::Puback, |_| None),
        (5, false) => ack!(v3_1_1::Pubrec, |_| None),
        (6, false) => ack!(v3_1_1::Pubrel, |_| None),
        (7, false) => ack!(v3_1_1::Pubcomp, |_| None),
        (9, false) => {
            ack!(v3_1_1::Suback, |p: &v3_1_1::Suback| p.return_codes().first().map(|r| *r as u8))
        }
        (11, false) => ack!(v3_1_1::Unsuback, |_| None),
        (13, _) => {
            v5_0::Pingresp::parse(body).ok()?;
            Content::PingResp
        }
        (14, true) => {
            let (disconnect, _) = v5_0::Disconnect::parse(body).ok()?;
            Content::Disconnect {
                reason: disconnect.reason_code().map_or(0, |reason| reason as u8),
            }
        }
        _ => return None,
    })
}

fn text(rng: &mut Rng) -> Vec<u8> {
    let length = rng.usize(0..6);
    let text: String =
        (0..length).map(|_| rng.choice(['a', '/', 'é', '€', '😀', ' ']).unwrap()).collect();
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

/// Encodes a random selection of the properties that a packet can have.
fn properties(rng: &mut Rng, possible: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for id in possible {
        let times = if matches!(id, 0x26 | 0x0B) { rng.usize(0..3) } else { rng.usize(0..2) };
        for _ in 0..times {
            bytes.push(*id);
            match id {
                0x01 | 0x24 | 0x25 | 0x28..=0x2A => bytes.push(rng.u8(0..2)),
                0x02 | 0x11 | 0x27 => bytes.extend(rng.u32(1..).to_be_bytes()),
                0x13 | 0x21 | 0x22 | 0x23 => bytes.extend(rng.u16(1..).to_be_bytes()),
                0x0B => bytes.extend(varint(rng.usize(1..300_000))),
                // A response topic must not be empty.
                0x08 => bytes.extend([0, 1, b'r']),
                0x26 => bytes.extend([text(rng), text(rng)].concat()),
                _ => bytes.extend(text(rng)),
            }
        }
    }
    [varint(bytes.len()), bytes].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        bytes.push((number & 0x7F) as u8 | if number > 0x7F { 0x80 } else { 0 });
        number >>= 7;
        if number == 0 {
            return bytes;
        }
    }
}

const CONNACK: [u8; 17] = [
    0x11, 0x12, 0x13, 0x15, 0x16, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29,
    0x2A,
];
const PUBLISH: [u8; 8] = [0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26];

/// Makes a random packet of a broker. Returns its bytes and its content.
fn random(rng: &mut Rng, version: Version) -> (Vec<u8>, Content) {
    let is_5 = version == Version::V5;
    let mut pick = |reasons: &[u8]| if is_5 { rng.choice(reasons).copied().unwrap() } else { 0 };
    let ack_reason = pick(&[0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
    let release_reason = pick(&[0, 0x92]);
    let disconnect_reason =
        pick(&[0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x93, 0x9C]);
    let unsuback_reason = pick(&[0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91]);
    let id = rng.u16(1..);
    let optional_properties = |rng: &mut Rng, possible: &[u8]| {
        if is_5 { properties(rng, possible) } else { Vec::new() }
    };
    let (first, body, content) = match rng.u8(0..if is_5 { 10 } else { 9 }) {
        0 => {
            let reasons: &[u8] =
                if is_5 { &[0, 0x80, 0x87, 0x8A, 0x95, 0x9D, 0x9F] } else { &[0, 1, 2, 3, 4, 5] };
            let reason = rng.choice(reasons).copied().unwrap();
            let present = reason == 0 && rng.bool();
            let body =
                [vec![u8::from(present), reason], optional_properties(rng, &CONNACK)].concat();
            (0x20, body, Content::ConnAck { present, reason })
        }
        1..4 => {
            let qos = rng.u8(0..3);
            let (dup, retain) = (qos > 0 && rng.bool(), rng.bool());
            let topic = loop {
                let topic = text(rng);
                if topic.len() > 2 {
                    break topic;
                }
            };
            let number = if qos > 0 { id.to_be_bytes().to_vec() } else { Vec::new() };
            let payload: Vec<u8> = (0..rng.usize(0..200)).map(|_| rng.u8(..)).collect();
            let body = [topic.clone(), number, optional_properties(rng, &PUBLISH), payload.clone()]
                .concat();
            let topic = String::from_utf8(topic[2..].to_vec()).unwrap();
            let id = if qos > 0 { id } else { 0 };
            let flags = qos << 1 | u8::from(dup) << 3 | u8::from(retain);
            (0x30 | flags, body, Content::Publish { topic, id, qos, dup, retain, payload })
        }
        kind @ 4..8 => {
            let reason = if kind < 6 { ack_reason } else { release_reason };
            let mut body = id.to_be_bytes().to_vec();
            if is_5 && (reason != 0 || rng.bool()) {
                body.push(reason);
                if rng.bool() {
                    body.extend(properties(rng, &[0x1F, 0x26]));
                }
            }
            let flags = if kind == 6 { 2 } else { 0 };
            (kind << 4 | flags, body, Content::Ack { kind, id, reason })
        }
        8 if rng.bool() => {
            let reasons: &[u8] = if is_5 { &[0, 1, 2, 0x80, 0x87, 0x9E] } else { &[0, 1, 2, 0x80] };
            let reason = rng.choice(reasons).copied().unwrap();
            let content = Content::Ack { kind: 9, id, reason };
            let head = id.to_be_bytes().to_vec();
            (0x90, [head, optional_properties(rng, &[0x1F, 0x26]), vec![reason]].concat(), content)
        }
        8 if rng.bool() => {
            let content = Content::Ack { kind: 11, id, reason: unsuback_reason };
            let reason = if is_5 { vec![unsuback_reason] } else { Vec::new() };
            (
                0xB0,
                [id.to_be_bytes().to_vec(), optional_properties(rng, &[0x1F, 0x26]), reason]
                    .concat(),
                content,
            )
        }
        8 => (0xD0, Vec::new(), Content::PingResp),
        _ => {
            let body = [vec![disconnect_reason], properties(rng, &[0x1C, 0x1F, 0x26])].concat();
            (0xE0, body, Content::Disconnect { reason: disconnect_reason })
        }
    };
    ([vec![first], varint(body.len()), body].concat(), content)
}

/// Changes the body of a packet at random: some of its bytes, or its length. Can also change the flags of a PUBLISH.
fn mutate(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let start = 1 + bytes[1..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let (mut first, mut body) = (bytes[0], bytes[start..].to_vec());
    for _ in 0..rng.usize(1..4) {
        let index = rng.usize(0..=body.len());
        match rng.u8(0..5) {
            0 => body.truncate(index),
            1 => body.insert(index, rng.u8(..)),
            2 if index < body.len() => body[index] = rng.u8(..),
            3 if index < body.len() => body[index] ^= 1 << rng.u8(0..8),
            4 if first >> 4 == 3 => first = 0x30 | rng.u8(0..16),
            _ => {}
        }
    }
    [vec![first], varint(body.len()), body].concat()
}

fn compare(packets: u32, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..packets {
        let version = if rng.bool() { Version::V5 } else { Version::V3 };
        let (bytes, content) = random(&mut rng, version);
        assert_eq!(ours(version, &bytes).as_ref(), Some(&content), "{bytes:02x?}");
        assert_eq!(theirs(version, &bytes), Some(content), "{bytes:02x?}");
        let mutated = mutate(&mut rng, &bytes);
        match ours(version, &mutated) {
            Some(content) => {
                accepted += 1;
                assert_eq!(theirs(version, &mutated), Some(content), "{version:?} {mutated:02x?}");
            }
            None => refused += 1,
        }
    }
    assert!(
        accepted > packets / 10 && refused > packets / 10,
        "{accepted} mutated packets accepted, {refused} refused"
    );
}

#[test]
fn both_codecs_read_the_same_from_random_and_mutated_packets() {
    compare(50_000, 1);
}

#[test]
#[ignore = "takes minutes"]
fn both_codecs_read_the_same_from_a_million_packets() {
    compare(1_000_000, 2);
}

#[test]
fn random_bytes_do_not_cause_a_panic() {
    let mut rng = Rng::with_seed(3);
    for _ in 0..200_000 {
        let mut bytes: Vec<u8> = (0..rng.usize(0..40)).map(|_| rng.u8(..)).collect();
        if let [first, length, ..] = &mut bytes[..] {
            *first = rng.u8(2..16) << 4 | if rng.bool() { 0 } else { 2 };
            *length &= 0x1F;
        }
        for version in [Version::V3, Version::V5] {
            ours(version, &bytes);
        }
    }
}
