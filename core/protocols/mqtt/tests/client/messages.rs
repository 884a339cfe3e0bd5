//! Messages in both directions, and subscriptions.

use super::*;
use packet::{ack, publish, suback};

fn incoming(topic: &str, payload: &[u8], qos: u8, id: u16) -> packet::Publish {
    packet::Publish {
        topic: topic.into(),
        payload: payload.into(),
        qos,
        id,
        ..packet::Publish::default()
    }
}

#[test]
fn a_message_with_qos_0_is_sent_at_once() {
    for (_, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            let message = Publish {
                message_expiry: Some(9),
                content_type: Some("text/plain"),
                response_topic: Some("answers"),
                correlation_data: Some(b"\x00\x01"),
                user: &[("unit", "litre"), ("unit", "second")],
                ..Publish::new("flow", b"12.5").retained()
            };
            assert_eq!(test.publish(&message), Ok(None));
            test.run(1);
            let [Packet::Connect(_), Packet::Publish(publish)] = &test.packets()[..] else {
                panic!()
            };
            assert_eq!((&*publish.topic, &*publish.payload), ("flow", &b"12.5"[..]));
            assert_eq!((publish.qos, publish.dup, publish.retain), (0, false, true));
            let user = if version == Version::V5 { 2 } else { 0 };
            assert_eq!(publish.user.len(), user);
        });
    }
}

#[test]
fn a_message_with_qos_1_is_complete_after_its_puback() {
    for (_, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            let id = test.publish(&Publish::new("a", b"b").qos(Qos::One)).unwrap().unwrap();
            test.run(1);
            assert_eq!(test.events(), []);
            let [Packet::Publish(publish)] = &test.sent()[..] else { panic!() };
            assert_eq!((publish.qos, publish.id, publish.dup), (1, id.number(), false));
            test.send(ack(0x40, id.number()));
            assert_eq!(test.events(), [acked(id)]);
            // A second PUBACK has no effect.
            test.send(ack(0x40, id.number()));
            assert_eq!((test.events(), test.app.mqtt().used()), (Vec::new(), 0));
        });
    }
}

#[test]
fn a_message_with_qos_2_is_complete_after_its_pubcomp() {
    for (_, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            let id = test.publish(&Publish::new("a", b"b").qos(Qos::Two)).unwrap().unwrap();
            test.run(1);
            test.sent();
            let number = id.number();
            test.send(ack(0x50, number));
            assert_eq!(test.sent(), [Packet::Ack(6, number, 0)]);
            assert_eq!((test.events(), test.app.mqtt().stored()), (Vec::new(), 0));
            test.send(ack(0x50, number));
            assert_eq!(test.sent(), [Packet::Ack(6, number, 0)], "the answer to a repeated PUBREC");
            test.send(ack(0x70, number));
            assert_eq!(test.events(), [acked(id)]);
            test.send(ack(0x70, number));
            assert_eq!((test.events(), test.app.mqtt().used()), (Vec::new(), 0));
            // The client answers a PUBREC that has an unknown identifier, so that the broker can discard the
            // identifier.
            test.send(ack(0x50, 77));
            let reason = if version == Version::V5 { 0x92 } else { 0 };
            assert_eq!(test.sent(), [Packet::Ack(6, 77, reason)]);
        });
    }
}

#[test]
fn a_message_that_the_broker_refuses_is_reported_with_the_reason() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        for (qos, first) in [(Qos::One, 0x40), (Qos::Two, 0x50)] {
            let id = test.publish(&Publish::new("a", b"b").qos(qos)).unwrap().unwrap();
            test.run(1);
            let text = packet::text("full");
            let [high, low] = id.number().to_be_bytes();
            let body = [&[high, low, 0x97, text.len() as u8 + 1, 0x1F][..], &text].concat();
            test.send(packet::packet(first, &body));
            assert_eq!(test.events(), [MqttEvent::Acked(id, Reason::QUOTA_EXCEEDED)]);
            assert_eq!(test.app.properties.pop().unwrap().2.as_deref(), Some("full"));
        }
        assert_eq!(test.app.mqtt().used(), 0);
    });
}

#[test]
fn a_subscription_gets_the_messages_that_match() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            let id = test.subscribe("set/+", Qos::One).unwrap();
            test.run(1);
            assert_eq!(test.sent(), [Packet::Subscribe(id.number(), "set/+".into(), 1)]);
            test.send(suback(level, 0x90, id.number(), 1));
            assert_eq!(test.events(), [MqttEvent::Acked(id, Reason::GRANTED_QOS_1)]);
            test.send(publish(level, &incoming("set/level", b"7", 0, 0)));
            test.send(publish(level, &incoming("other", b"8", 0, 0)));
            let by_handler = ReceivedMessage {
                topic: "set/level".into(),
                payload: b"7".into(),
                is_last: true,
                by_handler: true,
                ..ReceivedMessage::default()
            };
            let other = ReceivedMessage {
                topic: "other".into(),
                payload: b"8".into(),
                by_handler: false,
                ..by_handler.clone()
            };
            assert_eq!(test.app.messages, [by_handler, other]);
            test.unsubscribe("set/+").unwrap();
            test.run(1);
            assert_eq!(test.sent(), [Packet::Unsubscribe(id.number(), "set/+".into())]);
            test.send(suback(level, 0xB0, id.number(), 0));
            assert_eq!((test.events(), test.app.mqtt().used()), (vec![acked(id)], 0));
        });
    }
}

#[test]
fn all_options_of_a_subscription_are_sent_in_version_5_only() {
    for (version, bits) in [(Version::V3, 2), (Version::V5, 0b10_1110)] {
        with_minimal_broker(version, |test| {
            test.start_up();
            let subscription = Subscription {
                no_local: true,
                retain_as_published: true,
                no_retained: true,
                ..Subscription::new("#", Qos::Two, App::handle)
            };
            let id = mqtt::subscribe(&mut test.app, &mut test.base, &subscription).unwrap();
            test.run(1);
            assert_eq!(test.sent(), [Packet::Subscribe(id.number(), "#".into(), bits)]);
        });
    }
}

#[test]
fn a_refused_subscription_is_removed() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            let id = test.subscribe("secret/#", Qos::One).unwrap();
            test.run(1);
            test.send(suback(level, 0x90, id.number(), 0x80));
            assert_eq!(test.events(), [MqttEvent::Acked(id, Reason::UNSPECIFIED)]);
            assert_eq!(test.app.mqtt().used(), 0);
        });
    }
}

#[test]
fn subscribing_to_the_same_filter_again_replaces_its_function() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        let id = test.subscribe("a", Qos::One).unwrap();
        test.run(1);
        test.send(suback(5, 0x90, id.number(), 1));
        let other = Subscription::new("a", Qos::Zero, |app: &mut App, _: &mut Message<App>| {
            app.messages.push(ReceivedMessage::default());
        });
        assert_eq!(mqtt::subscribe(&mut test.app, &mut test.base, &other), Ok(id));
        test.run(1);
        let subscribe = |qos| Packet::Subscribe(id.number(), "a".into(), qos);
        assert_eq!(test.sent(), [subscribe(1), subscribe(0)]);
        test.send(publish(5, &incoming("a", b"x", 0, 0)));
        assert_eq!(
            (test.app.mqtt().used(), &test.app.messages[..]),
            (1, &[ReceivedMessage::default()][..])
        );
    });
}

#[test]
fn an_unsubscribe_waits_for_the_answer_to_the_subscribe() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        let id = test.subscribe("a", Qos::One).unwrap().number();
        test.run(1);
        test.unsubscribe("a").unwrap();
        assert_eq!(test.unsubscribe("a"), Err(mqtt::SubscribeError::Unknown));
        test.run(1);
        assert_eq!(test.sent(), [Packet::Subscribe(id, "a".into(), 1)]);
        test.send(suback(5, 0x90, id, 1));
        assert_eq!(test.sent(), [Packet::Unsubscribe(id, "a".into())]);
        test.send(suback(5, 0xB0, id, 0x11));
        assert_eq!(test.app.mqtt().used(), 0);
    });
}

#[test]
fn messages_are_acknowledged_after_they_are_delivered() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            test.send(publish(level, &incoming("a", b"one", 1, 7)));
            assert_eq!(test.sent(), [Packet::Ack(4, 7, 0)]);
            let two = publish(level, &incoming("a", b"two", 2, 8));
            test.send(two.clone());
            test.send(two);
            assert_eq!(test.sent(), [Packet::Ack(5, 8, 0), Packet::Ack(5, 8, 0)]);
            assert_eq!(
                test.app.payloads(),
                [b"one", b"two"],
                "the message with QoS 2 is delivered once"
            );
            test.send(ack(0x62, 8));
            test.send(ack(0x62, 8));
            let unknown = if version == Version::V5 { 0x92 } else { 0 };
            assert_eq!(test.sent(), [Packet::Ack(7, 8, 0), Packet::Ack(7, 8, unknown)]);
            // After the PUBREL, another message may have the same identifier.
            test.send(publish(level, &incoming("a", b"new", 2, 8)));
            assert_eq!(test.app.messages.last().unwrap().payload, b"new");
        });
    }
}

#[test]
fn a_message_that_arrives_byte_by_byte_is_delivered_once() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.net.max_chunk = 1;
            test.start_up();
            let mut message = incoming("set/level", b"seven", 1, 9);
            message.user = vec![("who".into(), "me".into())];
            test.send(publish(level, &message));
            assert_eq!(test.app.payloads(), [b"seven"]);
            assert_eq!(test.sent(), [Packet::Ack(4, 9, 0)]);
            let user = test.app.properties.iter().map(|(_, user, _)| user.len()).sum::<usize>();
            assert_eq!(user, usize::from(level == 5));
        });
    }
}

#[test]
fn a_message_longer_than_the_ring_is_delivered_in_chunks() {
    for (level, version) in LEVELS {
        for (qos, length) in [(0, 1_000), (1, 1_000), (2, 127), (2, 1_000), (1, 20_000)] {
            with_minimal_broker(version, |test| {
                test.start_up();
                let payload: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
                let message = publish(level, &incoming("long/one", &payload, qos, 3));
                test.send(message.clone());
                let chunks = std::mem::take(&mut test.app.messages);
                assert!(chunks.len() > 1);
                assert_eq!(chunks[0].topic, "long/one");
                let mut reassembled: Vec<u8> = Vec::new();
                for chunk in &chunks {
                    assert_eq!(chunk.offset, reassembled.len());
                    reassembled.extend(&chunk.payload);
                    assert_eq!(chunk.is_last, reassembled.len() == length);
                    assert!(chunk.offset == 0 || chunk.topic.is_empty());
                }
                assert_eq!(reassembled, payload);
                let acks = [vec![], vec![Packet::Ack(4, 3, 0)], vec![Packet::Ack(5, 3, 0)]];
                assert_eq!(test.sent(), acks[usize::from(qos)]);
                if qos == 2 {
                    test.send(message);
                    assert_eq!(test.app.messages, [], "it was delivered before");
                    assert_eq!(test.sent(), [Packet::Ack(5, 3, 0)]);
                }
            });
        }
    }
}

#[test]
fn one_chunk_is_the_first_even_if_the_head_is_as_long_as_the_ring() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            test.app.react_to_message = Some(|_, message| {
                assert_eq!(message.is_first(), !message.topic().is_empty());
            });
            // The header takes three bytes, and the length of the topic two. In version 5, the properties take one more
            // byte.
            let topic = "t".repeat(RINGS.0 - 5 - usize::from(level == 5));
            test.send(publish(level, &incoming(&topic, &[b'x'; 50], 0, 0)));
            assert_eq!(test.app.messages[0].topic, topic);
            assert_eq!(test.app.payloads(), [&[][..], &[b'x'; 50]]);
        });
    }
}

#[test]
fn an_interrupted_message_is_delivered_again_from_its_beginning() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.app.options.session_expiry = 60;
            test.start_up();
            let message = publish(level, &incoming("long", &[b'x'; 500], 2, 3));
            test.send(message[..300].to_vec());
            assert!(!test.app.messages.iter().any(|chunk| chunk.is_last));
            test.app.messages.clear();
            test.net.perform(BrokerAction::Reset);
            test.run(2);
            assert!(test.app.mqtt().is_up());
            test.sent();
            test.send(message);
            let all: usize = test.app.messages.iter().map(|chunk| chunk.payload.len()).sum();
            assert_eq!((all, test.app.messages[0].offset), (500, 0));
            assert_eq!(test.sent(), [Packet::Ack(5, 3, 0)]);
        });
    }
}

#[test]
fn a_message_can_be_answered_in_its_callback() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        test.app.react_to_message = Some(|app, message| {
            let payload = message.payload().to_vec();
            for qos in [Qos::Zero, Qos::One] {
                let answer = Publish::new("answer", &payload).qos(qos);
                mqtt::publish(app, message.cx(), &answer).unwrap();
            }
            assert_eq!(message.payload(), payload, "the payload is unchanged");
        });
        test.send(publish(5, &incoming("question", b"?", 1, 4)));
        let sent = test.sent();
        let [Packet::Publish(zero), Packet::Ack(4, 4, 0), Packet::Publish(one)] = &sent[..] else {
            panic!("{sent:?}")
        };
        assert_eq!((zero.qos, one.qos, &*one.payload), (0, 1, &b"?"[..]));
    });
}

#[test]
fn a_client_can_be_stopped_in_the_callback_of_a_message() {
    for length in [1, 1_000] {
        with_minimal_broker(Version::V5, |test| {
            test.start_up();
            test.app.react_to_message = Some(|app, message| {
                mqtt::stop(app, message.cx());
                assert_eq!(message.topic(), "");
            });
            test.send(publish(5, &incoming("stop", &vec![b'!'; length], 1, 4)));
            test.run(60);
            // The client is stopped in the first chunk. So only the short message is complete.
            let ack = (length == 1).then_some(Packet::Ack(4, 4, 0));
            assert_eq!(test.sent(), Vec::from_iter(ack.into_iter().chain([Packet::Disconnect(0)])));
            assert_eq!((test.events(), test.app.messages.len()), (vec![down(Down::Stopped)], 1));
        });
    }
}

#[test]
fn a_message_whose_last_callback_stops_the_client_is_acknowledged_and_not_delivered_again() {
    for (level, version) in LEVELS {
        for (qos, kind, length) in [(1, 4, 1), (1, 4, 1_000), (2, 5, 1), (2, 5, 1_000)] {
            with_minimal_broker(version, |test| {
                test.app.options.session_expiry = 60;
                test.start_up();
                test.app.react_to_message = Some(|app, message| {
                    if message.is_last() {
                        mqtt::stop(app, message.cx());
                    }
                });
                let message = incoming("stop", &vec![b'!'; length], qos, 4);
                test.send(publish(level, &message));
                test.run(60);
                assert_eq!(test.sent(), [Packet::Ack(kind, 4, 0), Packet::Disconnect(0)]);
                assert_eq!(test.events(), [down(Down::Stopped)]);
                if qos == 2 {
                    // The broker sends the message again, as if it had not received the PUBREC.
                    test.app.messages.clear();
                    test.start_up();
                    test.send(publish(level, &packet::Publish { dup: true, ..message }));
                    assert_eq!(test.app.messages, []);
                    assert_eq!(test.sent(), [Packet::Ack(5, 4, 0)]);
                    test.send(ack(0x62, 4));
                    assert_eq!(test.sent(), [Packet::Ack(7, 4, 0)]);
                }
            });
        }
    }
}
