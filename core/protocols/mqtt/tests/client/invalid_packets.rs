//! Packets that a broker must not send. Each of these packets ends the connection with the reason that the standard
//! specifies.

use super::*;
use packet::{ack, packet, publish, suback, text};

/// Sends bytes to a client that is up. Returns the reason why the client is down, and its packets to the broker.
fn answer_to(version: Version, bytes: Vec<u8>) -> (Option<Down>, Vec<Packet>) {
    let mut answer = (None, Vec::new());
    with_minimal_broker(version, |test| {
        test.start_up();
        test.send(bytes.clone());
        answer.0 = test.events().iter().find_map(|event| match event {
            MqttEvent::Down(down) => Some(*down),
            _ => None,
        });
        answer.1 = test.sent();
        // The client reconnects.
        test.run(10);
        assert!(test.app.mqtt().is_up());
    });
    answer
}

fn check(version: Version, bytes: Vec<u8>, reason: Reason) {
    let (down, sent) = answer_to(version, bytes.clone());
    assert_eq!(down, Some(Down::InvalidPacket(reason)), "{bytes:02x?} in {version:?}");
    let expected = match version {
        Version::V3 => vec![],
        Version::V5 => vec![Packet::Disconnect(reason.0)],
    };
    assert_eq!(sent, expected, "{bytes:02x?} in {version:?}");
}

#[test]
fn malformed_packets_end_the_connection_in_both_versions() {
    for (level, version) in LEVELS {
        let is_5 = level == 5;
        let no_properties: &[u8] = if is_5 { &[0] } else { &[] };
        for (bytes, reason) in [
            // The remaining length has five bytes.
            (vec![0x30, 0x80, 0x80, 0x80, 0x80, 1], Reason::MALFORMED_PACKET),
            // The remaining length is not in its shortest form.
            (vec![0x30, 0x85, 0x00], Reason::MALFORMED_PACKET),
            // The packet type 0 does not exist.
            (vec![0x00, 0x00], Reason::MALFORMED_PACKET),
            // A PUBACK with a flag.
            (vec![0x41, 0x02, 0, 1], Reason::MALFORMED_PACKET),
            // A PUBREL without its flag.
            (vec![0x60, 0x02, 0, 1], Reason::MALFORMED_PACKET),
            // A PINGRESP with a flag.
            (vec![0xD1, 0x00], Reason::MALFORMED_PACKET),
            // A PINGRESP with a body.
            (vec![0xD0, 0x01, 0], Reason::MALFORMED_PACKET),
            // A PUBLISH with QoS 3.
            (
                packet(0x36, &[&text("t")[..], &[0, 1], no_properties].concat()),
                Reason::MALFORMED_PACKET,
            ),
            // A PUBLISH with the DUP flag and QoS 0.
            (packet(0x38, &[&text("t")[..], no_properties].concat()), Reason::MALFORMED_PACKET),
            // A PUBLISH with QoS 1 and the packet identifier 0.
            (
                packet(0x32, &[&text("t")[..], &[0, 0], no_properties].concat()),
                Reason::PROTOCOL_ERROR,
            ),
            // A PUBACK with the packet identifier 0.
            (ack(0x40, 0), Reason::PROTOCOL_ERROR),
            // The topic name has a wildcard.
            (packet(0x30, &[&text("a/+")[..], no_properties].concat()), Reason::TOPIC_NAME_INVALID),
            (packet(0x30, &[&text("#")[..], no_properties].concat()), Reason::TOPIC_NAME_INVALID),
            // The topic name is not UTF-8.
            (packet(0x30, &[&[0, 1, 0xFF][..], no_properties].concat()), Reason::MALFORMED_PACKET),
            // The topic name contains U+0000.
            (packet(0x30, &[&text("\0")[..], no_properties].concat()), Reason::MALFORMED_PACKET),
            // The topic name is longer than the packet.
            (packet(0x30, &[0, 9, b't']), Reason::MALFORMED_PACKET),
            // The length of the topic name is cut off.
            (packet(0x30, &[0]), Reason::MALFORMED_PACKET),
            // The topic name is missing.
            (packet(0x30, &[]), Reason::MALFORMED_PACKET),
            // Packets that only a client sends: CONNECT, SUBSCRIBE, UNSUBSCRIBE and PINGREQ.
            (packet(0x10, &[]), Reason::PROTOCOL_ERROR),
            (packet(0x82, &[0, 1]), Reason::PROTOCOL_ERROR),
            (packet(0xA2, &[0, 1]), Reason::PROTOCOL_ERROR),
            (packet(0xC0, &[]), Reason::PROTOCOL_ERROR),
            // A second CONNACK.
            (connack(level, false, 0, &[]), Reason::PROTOCOL_ERROR),
            // A SUBACK that is longer than the input ring.
            (packet(0x90, &[0; 200]), Reason::PACKET_TOO_LARGE),
            // A PUBLISH whose topic name is longer than the input ring.
            (
                packet(0x30, &[&text(&"t".repeat(200))[..], no_properties].concat()),
                Reason::PACKET_TOO_LARGE,
            ),
            // A PUBACK whose packet identifier is cut off.
            (packet(0x40, &[0]), Reason::MALFORMED_PACKET),
            // A SUBACK that ends after the packet identifier.
            (packet(0x90, &[0, 1]), Reason::MALFORMED_PACKET),
        ] {
            check(version, bytes, reason);
        }
    }
    // The topic name is empty.
    check(Version::V3, packet(0x30, &[0, 0]), Reason::TOPIC_NAME_INVALID);
    // AUTH does not exist in MQTT 3.1.1.
    check(Version::V3, packet(0xF0, &[]), Reason::MALFORMED_PACKET);
    // A broker cannot send a DISCONNECT in MQTT 3.1.1.
    check(Version::V3, packet(0xE0, &[]), Reason::PROTOCOL_ERROR);
    // A PUBACK of MQTT 3.1.1 has no reason code.
    check(Version::V3, packet(0x40, &[0, 1, 0]), Reason::MALFORMED_PACKET);
    // A SUBACK of MQTT 3.1.1 cannot have these return codes.
    check(Version::V3, suback(4, 0x90, 1, 3), Reason::MALFORMED_PACKET);
    check(Version::V3, suback(4, 0x90, 1, 0x87), Reason::MALFORMED_PACKET);
    // The broker must not send AUTH, because the client has not requested enhanced authentication.
    check(Version::V5, packet(0xF0, &[]), Reason::PROTOCOL_ERROR);
}

#[test]
fn malformed_properties_end_the_connection() {
    let message = |properties: &[u8]| {
        let length = [properties.len() as u8];
        packet(0x30, &[&text("t")[..], &length, properties].concat())
    };
    for (bytes, reason) in [
        // The properties are longer than the packet.
        (packet(0x30, &[&text("t")[..], &[9, 1, 0]].concat()), Reason::MALFORMED_PACKET),
        // A property with this identifier does not exist.
        (message(&[0x7E, 0]), Reason::MALFORMED_PACKET),
        (message(&[0x00]), Reason::MALFORMED_PACKET),
        // An identifier of two bytes. All existing identifiers have one byte.
        (message(&[0x80, 0x01]), Reason::MALFORMED_PACKET),
        // A PUBLISH cannot have a Receive Maximum.
        (message(&[0x21, 0, 1]), Reason::MALFORMED_PACKET),
        // The Message Expiry Interval is cut off.
        (message(&[0x02, 0, 0]), Reason::MALFORMED_PACKET),
        // The Payload Format Indicator is repeated.
        (message(&[0x01, 1, 0x01, 1]), Reason::PROTOCOL_ERROR),
        // The Content Type is not UTF-8.
        (message(&[0x03, 0, 1, 0xFF]), Reason::MALFORMED_PACKET),
        // A User Property without a value.
        (message(&[0x26, 0, 1, b'a']), Reason::MALFORMED_PACKET),
        // The Payload Format Indicator is not 0 or 1.
        (message(&[0x01, 2]), Reason::PROTOCOL_ERROR),
        // The Subscription Identifier is 0.
        (message(&[0x0B, 0]), Reason::PROTOCOL_ERROR),
        // The Response Topic has a wildcard.
        (message(&[0x08, 0, 1, b'#']), Reason::PROTOCOL_ERROR),
        // The Topic Alias is 0.
        (message(&[0x23, 0, 0]), Reason::PROTOCOL_ERROR),
        // The topic name is empty, and the alias 1 has no topic.
        (packet(0x30, &[0, 0, 3, 0x23, 0, 1]), Reason::PROTOCOL_ERROR),
        // The alias is greater than 2, the maximum that the client has announced.
        (message(&[0x23, 0, 3]), Reason::TOPIC_ALIAS_INVALID),
        // The topic name is empty, and there is no alias.
        (packet(0x30, &[0, 0, 0]), Reason::PROTOCOL_ERROR),
        // A PUBACK cannot have the reason code 0x81.
        (packet(0x40, &[0, 1, 0x81]), Reason::MALFORMED_PACKET),
        // A PUBREL cannot have the reason code 0x80.
        (packet(0x62, &[0, 1, 0x80]), Reason::MALFORMED_PACKET),
        // A PUBACK with one more byte after the properties.
        (packet(0x40, &[0, 1, 0, 0, 0]), Reason::MALFORMED_PACKET),
        // A SUBACK cannot have the reason code 3.
        (suback(5, 0x90, 1, 3), Reason::MALFORMED_PACKET),
        // A SUBACK without a reason code.
        (packet(0x90, &[0, 1, 0]), Reason::MALFORMED_PACKET),
        // A SUBACK with two reason codes for one filter.
        (packet(0x90, &[0, 1, 0, 0, 0]), Reason::MALFORMED_PACKET),
        // A broker cannot send the reason code 0x04.
        (packet(0xE0, &[0x04]), Reason::MALFORMED_PACKET),
        // A broker cannot send a Session Expiry Interval in a DISCONNECT.
        (packet(0xE0, &[0x8B, 5, 0x11, 0, 0, 0, 1]), Reason::MALFORMED_PACKET),
    ] {
        check(Version::V5, bytes, reason);
    }
}

#[test]
fn valid_properties_are_accepted() {
    let properties = [
        &[0x01, 1, 0x02, 0, 0, 0, 9, 0x0B, 5, 0x0B, 0x80, 1][..],
        &[0x08],
        &text("answers"),
        &[0x09],
        &text("12"),
        &[0x26],
        &text("a"),
        &text("b"),
        &[0x26],
        &text("a"),
        &text("c"),
    ]
    .concat();
    let body = [&text("t")[..], &[properties.len() as u8], &properties, b"!"].concat();
    let (down, _) = answer_to(Version::V5, packet(0x30, &body));
    assert_eq!(down, None);
}

#[test]
fn the_first_packet_of_the_broker_must_be_a_valid_connack() {
    for (first, reason) in [
        // A PINGRESP.
        (vec![0xD0, 0], Reason::PROTOCOL_ERROR),
        // A PUBLISH.
        (
            publish(5, &packet::Publish { topic: "t".into(), ..Default::default() }),
            Reason::PROTOCOL_ERROR,
        ),
        // A CONNACK with a reserved flag.
        (packet(0x20, &[2, 0, 0]), Reason::MALFORMED_PACKET),
        // A CONNACK cannot have the reason code 1.
        (packet(0x20, &[0, 1, 0]), Reason::MALFORMED_PACKET),
        // The CONNACK reports a session, but refuses the client.
        (packet(0x20, &[1, 0x87, 0]), Reason::PROTOCOL_ERROR),
        // The CONNACK reports a session, although the client has requested a clean start.
        (connack(5, true, 0, &[]), Reason::PROTOCOL_ERROR),
        // The Receive Maximum is 0.
        (connack(5, false, 0, &[0x21, 0, 0]), Reason::PROTOCOL_ERROR),
        // The Maximum Packet Size is 0.
        (connack(5, false, 0, &[0x27, 0, 0, 0, 0]), Reason::PROTOCOL_ERROR),
        // The Maximum QoS is not 0 or 1.
        (connack(5, false, 0, &[0x24, 2]), Reason::PROTOCOL_ERROR),
        // A CONNACK cannot have a Topic Alias.
        (connack(5, false, 0, &[0x23, 0, 1]), Reason::MALFORMED_PACKET),
    ] {
        let action = BrokerAction::Send(first.clone());
        with_broker(
            Version::V5,
            move |_| vec![action.clone()],
            |test| {
                test.start();
                test.run(1);
                assert_eq!(test.events()[..1], [down(Down::InvalidPacket(reason))], "{first:02x?}");
                assert_eq!(test.sent(), [], "no DISCONNECT is sent before the client is up");
            },
        );
    }
}

#[test]
fn an_acknowledgement_of_the_wrong_kind_is_a_protocol_error() {
    for (level, version) in LEVELS {
        for (qos, first) in [(Qos::One, 0x50), (Qos::One, 0x70), (Qos::Two, 0x40), (Qos::Two, 0x70)]
        {
            with_minimal_broker(version, |test| {
                test.app.options.session_expiry = 60;
                test.start_up();
                let id = test.publish(&Publish::new("t", b"").qos(qos)).unwrap().unwrap();
                test.run(1);
                test.send(ack(first, id.number()));
                let expected = Down::InvalidPacket(Reason::PROTOCOL_ERROR);
                assert_eq!(test.events()[0], down(expected));
                assert_eq!(test.app.mqtt().used(), 1, "the message stays stored");
            });
        }
        with_minimal_broker(version, |test| {
            test.start_up();
            let id = test.subscribe("a", Qos::Zero).unwrap();
            test.run(1);
            test.send(suback(level, 0xB0, id.number(), 0));
            assert_eq!(test.events()[0], down(Down::InvalidPacket(Reason::PROTOCOL_ERROR)));
        });
    }
}

#[test]
fn a_packet_longer_than_the_announced_maximum_is_refused() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.app.options.longest_packet = 300;
            test.start_up();
            for (length, is_fine) in [(250, true), (300, false)] {
                let message = packet::Publish {
                    topic: "t".into(),
                    payload: vec![b'x'; length],
                    ..Default::default()
                };
                test.send(publish(level, &message));
                assert_eq!(test.app.events.is_empty(), is_fine);
            }
            assert_eq!(test.events()[0], down(Down::InvalidPacket(Reason::PACKET_TOO_LARGE)));
        });
    }
}
