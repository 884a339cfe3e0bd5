//! Limits of the store, the rings and the broker.

use super::*;
use mqtt::{PublishError, SubscribeError};
use packet::{ack, publish};

/// Returns a broker that sets limits in its CONNACK.
fn broker_with_limits(properties: &'static [u8]) -> impl FnMut(&Packet) -> Vec<BrokerAction> {
    move |packet| match packet {
        Packet::Connect(connect) => {
            vec![BrokerAction::Send(connack(5, !connect.clean, 0, properties))]
        }
        other => answer_connect_and_ping(5, other),
    }
}

#[test]
fn publishing_to_a_full_store_fails_and_room_is_reported_later() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        let long = Publish::new("topic", &[b'x'; 60]).qos(Qos::One);
        let first = test.publish(&long).unwrap().unwrap();
        test.publish(&long).unwrap();
        assert_eq!(
            test.publish(&long),
            Err(PublishError::Full),
            "160 bytes have room for two messages"
        );
        test.run(1);
        assert_eq!(test.events(), []);
        test.send(ack(0x40, first.number()));
        assert_eq!(test.events(), [acked(first), MqttEvent::Room]);
        test.publish(&long).unwrap();
        // The slots can be full, too.
        let short = Publish::new("t", b"").qos(Qos::One);
        test.publish(&short).unwrap();
        test.publish(&short).unwrap();
        assert_eq!(test.publish(&short), Err(PublishError::Full));
        assert_eq!(test.subscribe("a", Qos::Zero), Err(SubscribeError::Full));
        assert_eq!(test.app.mqtt().used(), 4);
    });
}

#[test]
fn messages_and_filters_that_can_never_fit_are_too_long() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        let too_long = Err(PublishError::TooLong);
        assert_eq!(test.publish(&Publish::new("t", &[0; 200]).qos(Qos::One)), too_long);
        assert_eq!(test.publish(&Publish::new("t", &[0; 300])), too_long);
        // The output ring has 256 bytes, and ten of these bytes must stay free. The header takes three bytes, the topic
        // three, and the properties one.
        assert_eq!(test.publish(&Publish::new("t", &[0; 256 - 10 - 6])), too_long);
        assert_eq!(test.publish(&Publish::new("t", &[0; 256 - 10 - 7])), Ok(None));
        assert_eq!(test.subscribe(&"a/".repeat(90), Qos::One), Err(SubscribeError::TooLong));
        test.run(1);
        assert_eq!(test.sent().len(), 1);
    });
}

#[test]
fn publishing_to_a_full_output_ring_fails_and_room_is_reported_later() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        let message = Publish::new("t", &[b'x'; 100]);
        assert_eq!(test.publish(&message), Ok(None));
        assert_eq!(test.publish(&message), Ok(None));
        assert_eq!(test.publish(&message), Err(PublishError::Full));
        test.run(1);
        assert_eq!(test.events(), [MqttEvent::Room]);
        assert_eq!(test.publish(&message), Ok(None));
    });
}

#[test]
fn room_is_reported_on_the_next_connection_if_the_connection_ends_first() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        test.net.block(true);
        let message = Publish::new("t", &[b'x'; 100]);
        test.publish(&message).unwrap();
        test.publish(&message).unwrap();
        assert_eq!(test.publish(&message), Err(PublishError::Full));
        test.net.perform(BrokerAction::Reset);
        test.run(0);
        test.net.block(false);
        test.run(5);
        let reset = down(Down::Failed(picoevent::ConnError::Reset));
        let up = MqttEvent::Up { session_present: false };
        assert_eq!(test.events(), [reset, up, MqttEvent::Room]);
    });
}

#[test]
fn room_in_the_store_is_reported_after_a_pubrec() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        let long = Publish::new("topic", &[b'x'; 60]).qos(Qos::Two);
        let ids = [(); 2].map(|()| test.publish(&long).unwrap().unwrap());
        assert_eq!(test.publish(&long), Err(PublishError::Full));
        test.run(1);
        test.send(ack(0x50, ids[0].number()));
        assert_eq!(test.events(), [MqttEvent::Room]);
        test.publish(&long).unwrap();
        // If all slots are in use, there is no room until a slot is free.
        test.publish(&Publish::new("t", b"").qos(Qos::Two)).unwrap();
        assert_eq!(test.publish(&long), Err(PublishError::Full));
        test.run(1);
        test.send(ack(0x50, ids[1].number()));
        assert_eq!(test.events(), []);
        test.send(ack(0x70, ids[1].number()));
        assert_eq!(test.events(), [acked(ids[1]), MqttEvent::Room]);
    });
}

/// Blocks the network, and fills the output ring with messages. Then only the ten bytes that the client keeps free, and
/// a few more bytes, are free. The payload of the last message has `length` bytes.
fn fill_output_ring(test: &mut Test, length: usize) {
    test.net.block(true);
    for _ in 0..2 {
        test.publish(&Publish::new("t", &[b'x'; 100])).unwrap();
    }
    test.publish(&Publish::new("t", &vec![b'x'; length]).qos(Qos::One)).unwrap();
    test.run(0);
}

#[test]
fn a_stopped_client_sends_its_disconnect_even_if_the_output_ring_is_full() {
    for (level, version) in LEVELS {
        for length in 20..=45 {
            with_minimal_broker(version, |test| {
                test.app.options.keep_alive = 3;
                test.start_up();
                fill_output_ring(test, length);
                // There are also messages to acknowledge, and a PINGREQ becomes due.
                for id in 1..=3 {
                    let (topic, qos) = ("t".into(), 1);
                    let message = packet::Publish { topic, qos, id, ..Default::default() };
                    test.send(publish(level, &message));
                }
                test.run(4);
                mqtt::stop(&mut test.app, &mut test.base);
                test.run(1);
                test.net.block(false);
                test.run(10);
                let sent = test.sent();
                assert_eq!(sent.last(), Some(&Packet::Disconnect(0)), "{length}: {sent:?}");
                assert_eq!(test.events(), [down(Down::Stopped)]);
            });
        }
    }
}

#[test]
fn a_ping_that_is_due_while_the_output_ring_is_full_is_sent() {
    for (_, version) in LEVELS {
        for length in 20..=45 {
            with_minimal_broker(version, |test| {
                test.app.options.keep_alive = 3;
                test.start_up();
                fill_output_ring(test, length);
                test.run(7);
                test.net.block(false);
                test.run(30);
                assert_eq!(test.events(), [], "the connection does not end, length {length}");
                assert!(test.sent().contains(&Packet::Ping));
            });
        }
    }
}

#[test]
fn invalid_topics_filters_and_texts_are_refused() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        for topic in ["", "a/+", "#", "a\0b"] {
            assert_eq!(test.publish(&Publish::new(topic, b"")), Err(PublishError::Invalid));
        }
        for qos in [Qos::Zero, Qos::One] {
            let publish = Publish { user: &[("a", "b\0")], ..Publish::new("t", b"").qos(qos) };
            assert_eq!(test.publish(&publish), Err(PublishError::Invalid));
            let publish =
                Publish { response_topic: Some("a/#"), ..Publish::new("t", b"").qos(qos) };
            assert_eq!(test.publish(&publish), Err(PublishError::Invalid));
        }
        for filter in ["", "a#", "a/#/b", "+a"] {
            assert_eq!(test.subscribe(filter, Qos::Zero), Err(SubscribeError::Invalid));
        }
        assert_eq!(test.unsubscribe("nothing"), Err(SubscribeError::Unknown));
        test.run(1);
        assert_eq!(test.sent(), []);
    });
}

#[test]
fn a_shared_subscription_with_no_local_is_refused() {
    for (_, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            let shared = Subscription::new("$share/group/a", Qos::One, App::handle);
            let no_local = Subscription { no_local: true, ..shared };
            let subscribed = mqtt::subscribe(&mut test.app, &mut test.base, &no_local);
            // In MQTT 3.1.1, the option is not sent.
            let is_refused = version == Version::V5;
            assert_eq!(subscribed == Err(SubscribeError::Invalid), is_refused, "{subscribed:?}");
            test.subscribe("$share/group/a", Qos::One).unwrap();
        });
    }
}

#[test]
fn without_a_connection_only_messages_that_are_stored_are_accepted() {
    with_minimal_broker(Version::V5, |test| {
        let one = Publish::new("t", b"1").qos(Qos::One);
        assert_eq!(test.publish(&one), Err(PublishError::Down), "not started");
        test.start();
        assert_eq!(test.publish(&Publish::new("t", b"0")), Err(PublishError::Down));
        let id = test.publish(&one).unwrap().unwrap();
        let filter = test.subscribe("a", Qos::One).unwrap();
        test.run(1);
        let sent = test.sent();
        let [Packet::Publish(publish), Packet::Subscribe(..)] = &sent[..] else {
            panic!("{sent:?}")
        };
        assert_eq!((publish.id, filter.number()), (id.number(), id.number() + 1));
    });
}

#[test]
fn messages_published_while_the_connection_ends_are_stored() {
    with_minimal_broker(Version::V5, |test| {
        test.app.options.session_expiry = 60;
        test.start_up();
        // Publishes one message in each pass until the client is full. So messages are also published between the end
        // of the stream and the callback `ended`.
        let publish = |app: &mut App, event: &mut picoevent::EventMut<App>| {
            let one = Publish::new("t", b"1").qos(Qos::One);
            match mqtt::publish(app, event.cx(), &one) {
                Ok(_) => {}
                Err(PublishError::Full) => event.free(),
                Err(error) => panic!("{error}"),
            }
        };
        test.net.perform(BrokerAction::End);
        test.base.every(Duration::ZERO, publish).unwrap();
        test.run(3);
        assert_eq!(test.app.mqtt().used(), 4);
        assert_eq!(
            test.sent().iter().filter(|packet| matches!(packet, Packet::Publish(_))).count(),
            4
        );
    });
}

#[test]
fn the_receive_maximum_of_the_broker_is_obeyed() {
    with_broker(Version::V5, broker_with_limits(&[0x21, 0, 2]), |test| {
        test.start_up();
        let message = |payload| Publish::new("t", payload).qos(Qos::Two);
        let payloads = [&b"1"[..], b"2", b"3", b"4"];
        let ids =
            payloads.map(|payload| test.publish(&message(payload)).unwrap().unwrap().number());
        test.run(1);
        let numbers = |packets: Vec<Packet>| -> Vec<Packet> { packets };
        let first = numbers(test.sent());
        assert_eq!(first.len(), 2, "{first:?}");
        test.send(ack(0x50, ids[0]));
        assert_eq!(
            test.sent(),
            [Packet::Ack(6, ids[0], 0)],
            "the message counts until its PUBCOMP"
        );
        test.send(ack(0x70, ids[0]));
        let third = test.sent();
        assert!(matches!(&third[..], [Packet::Publish(publish)] if publish.id == ids[2]));
    });
}

#[test]
fn a_qos_or_retain_flag_that_the_broker_does_not_support_is_refused() {
    with_broker(Version::V5, broker_with_limits(&[0x24, 1, 0x25, 0]), |test| {
        test.start();
        // These messages are published before the broker's limits are known.
        let two = test.publish(&Publish::new("t", b"").qos(Qos::Two)).unwrap().unwrap();
        let retained =
            test.publish(&Publish::new("t", b"").qos(Qos::One).retained()).unwrap().unwrap();
        let one = test.publish(&Publish::new("t", b"").qos(Qos::One)).unwrap().unwrap();
        test.run(1);
        assert_eq!(
            test.events()[1..],
            [
                MqttEvent::Acked(two, Reason::QOS_NOT_SUPPORTED),
                MqttEvent::Acked(retained, Reason::RETAIN_NOT_SUPPORTED),
            ]
        );
        assert!(matches!(&test.sent()[..], [Packet::Publish(p)] if p.id == one.number()));
        let refused = |reason| Err(PublishError::Refused(reason));
        let two = test.publish(&Publish::new("t", b"").qos(Qos::Two));
        assert_eq!(two, refused(Reason::QOS_NOT_SUPPORTED));
        let retained = test.publish(&Publish::new("t", b"").retained());
        assert_eq!(retained, refused(Reason::RETAIN_NOT_SUPPORTED));
    });
    with_broker(Version::V5, broker_with_limits(&[0x24, 0]), |test| {
        test.start_up();
        let one = test.publish(&Publish::new("t", b"").qos(Qos::One));
        assert_eq!(one, Err(PublishError::Refused(Reason::QOS_NOT_SUPPORTED)));
    });
}

#[test]
fn packets_longer_than_the_broker_accepts_are_not_sent() {
    with_broker(Version::V5, broker_with_limits(&[0x27, 0, 0, 0, 50]), |test| {
        test.start();
        let id = test.publish(&Publish::new("t", &[0; 60]).qos(Qos::One)).unwrap().unwrap();
        let filter =
            test.subscribe("a/long/filter/that/makes/a/packet/of/more/than/fifty", Qos::One);
        test.run(1);
        let too_large = |id| MqttEvent::Acked(id, Reason::PACKET_TOO_LARGE);
        assert_eq!(test.events()[1..], [too_large(id), too_large(filter.unwrap())]);
        // The broker accepts packets of at most 50 bytes. With QoS 1, the header takes two bytes, the topic three, the
        // identifier two, and the properties one. So 42 bytes remain for the payload. A message with QoS 0 has no
        // identifier.
        let too_long = Err(PublishError::TooLong);
        assert_eq!(test.publish(&Publish::new("t", &[0; 43]).qos(Qos::One)), too_long);
        assert_eq!(test.publish(&Publish::new("t", &[0; 45])), too_long);
        assert!(test.publish(&Publish::new("t", &[0; 42]).qos(Qos::One)).is_ok());
        assert_eq!(test.publish(&Publish::new("t", &[0; 44])), Ok(None));
        test.run(1);
        assert_eq!(test.sent().len(), 2);
    });
}

#[test]
fn repeated_topics_get_an_alias_if_the_broker_allows_it() {
    with_broker(Version::V5, broker_with_limits(&[0x22, 0, 9]), |test| {
        test.app.options.session_expiry = 60;
        test.start_up();
        for topic in ["first", "second", "first", "three", "second"] {
            test.publish(&Publish::new(topic, b"")).unwrap();
        }
        test.publish(&Publish::new("first", b"stored").qos(Qos::One)).unwrap();
        test.run(1);
        let topics = |packets: Vec<Packet>| -> Vec<(String, u16)> {
            let publish = |packet| match packet {
                Packet::Publish(publish) => (publish.topic, publish.alias),
                other => panic!("{other:?}"),
            };
            packets.into_iter().map(publish).collect()
        };
        let name = |topic: &str, alias| (topic.to_owned(), alias);
        assert_eq!(
            topics(test.sent()),
            // At most two topics can have an alias, so `three` is sent without an alias.
            [
                name("first", 1),
                name("second", 2),
                name("", 1),
                name("three", 0),
                name("", 2),
                name("", 1)
            ]
        );
        // Aliases are valid for one connection only, so the client sends the topic again.
        test.net.perform(BrokerAction::Reset);
        test.run(2);
        assert_eq!(topics(test.sent()), [name("first", 1)]);
        // This topic is too long for an alias, so the message has no alias.
        test.publish(&Publish::new(&"x".repeat(64), b"")).unwrap();
        test.run(1);
        assert_eq!(topics(test.sent()), [name(&"x".repeat(64), 0)], "too long for an alias");
    });
    // If the alias would make the packet too long, the alias is left out.
    with_broker(Version::V5, broker_with_limits(&[0x22, 0, 9, 0x27, 0, 0, 0, 50]), |test| {
        test.start_up();
        test.publish(&Publish::new("plant", &[0; 40])).unwrap();
        test.run(1);
        assert!(matches!(&test.sent()[..], [Packet::Publish(publish)] if publish.alias == 0));
        // An alias takes three bytes, so a topic of at most three bytes has none: the message must not become longer
        // than the first one, which the broker has accepted.
        for content in [&[0; 0][..], &[0; 42]] {
            test.publish(&Publish::new("abc", content)).unwrap();
            test.run(1);
            let sent = test.sent();
            assert!(
                matches!(&sent[..], [Packet::Publish(publish)] if publish.alias == 0),
                "{sent:?}"
            );
        }
    });
}

#[test]
fn an_alias_of_the_broker_is_replaced_by_its_topic() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        test.subscribe("a/+", Qos::Zero).unwrap();
        for (topic, alias) in [("a/b", 1), ("a/c", 2), ("", 1), ("a/d", 1), ("", 1), ("", 2)] {
            let (topic, payload) = (topic.into(), b"x".to_vec());
            let message = packet::Publish { topic, alias, payload, ..Default::default() };
            test.send(publish(5, &message));
        }
        let topics: Vec<_> = test.app.messages.iter().map(|message| &*message.topic).collect();
        assert_eq!(topics, ["a/b", "a/c", "a/b", "a/d", "a/d", "a/c"]);
        assert!(
            test.app.messages.iter().all(|message| message.by_handler && message.payload == b"x")
        );
    });
}

#[test]
fn after_a_topic_too_long_for_its_alias_the_next_connection_has_no_aliases() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        let topic = "x".repeat(64);
        let long = packet::Publish { topic, alias: 1, ..Default::default() };
        test.send(publish(5, &long));
        assert_eq!(test.app.messages.len(), 1);
        let short = packet::Publish { topic: String::new(), ..long };
        test.send(publish(5, &short));
        assert_eq!(test.events()[0], down(Down::InvalidPacket(Reason::PROTOCOL_ERROR)));
        test.run(5);
        let packets = test.packets();
        let last = packets.iter().rev().find_map(|packet| match packet {
            Packet::Connect(connect) => Some(connect.aliases),
            _ => None,
        });
        assert_eq!(last, Some(0));
    });
}

#[test]
fn more_messages_with_qos_2_than_the_client_can_store_end_the_connection() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            for id in 1..=5 {
                let message =
                    packet::Publish { topic: "t".into(), qos: 2, id, ..Default::default() };
                test.send(publish(level, &message));
            }
            let expected = Down::InvalidPacket(Reason::RECEIVE_MAXIMUM_EXCEEDED);
            assert_eq!((test.events()[0], test.app.messages.len()), (down(expected), 4));
        });
    }
}
