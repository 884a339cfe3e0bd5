//! After the end of a connection: sessions that are kept, and sessions that are lost.

use super::*;
use packet::{ack, publish, suback};

/// Returns a broker that answers a CONNECT with or without a session. The first CONNECT is always
/// answered without a session.
fn broker_with_session(level: u8, present: bool) -> impl FnMut(&Packet) -> Vec<BrokerAction> {
    let mut times = 0;
    move |packet| match packet {
        Packet::Connect(_) => {
            times += 1;
            vec![BrokerAction::Send(connack(level, present && times > 1, 0, &[]))]
        }
        other => answer_connect_and_ping(level, other),
    }
}

fn start_with_session(test: &mut Test) {
    test.app.options.session_expiry = 3_600;
    test.start_up();
}

fn reset_connection(test: &mut Test) {
    test.net.perform(BrokerAction::Reset);
    test.run(3);
    assert!(test.app.mqtt().is_up());
}

/// Describes each packet as text. A PUBLISH is described by its payload, its DUP flag and its QoS. An acknowledgement
/// is described by its packet type, and a SUBSCRIBE or an UNSUBSCRIBE by its filter.
fn describe(packets: Vec<Packet>) -> Vec<String> {
    let describe = |packet| match packet {
        Packet::Publish(p) => {
            let dup = if p.dup { "dup" } else { "new" };
            format!("{} {dup} {}", String::from_utf8(p.payload).unwrap(), p.qos)
        }
        Packet::Ack(kind, ..) => format!("ack {kind}"),
        Packet::Subscribe(_, filter, _) => format!("subscribe {filter}"),
        Packet::Unsubscribe(_, filter) => format!("unsubscribe {filter}"),
        other => format!("{other:?}"),
    };
    packets.into_iter().map(describe).collect()
}

/// Returns whether each CONNECT since the last call has requested a new session.
fn clean_starts(test: &mut Test) -> Vec<bool> {
    let packets = test.packets().into_iter();
    let clean = packets.filter_map(|packet| match packet {
        Packet::Connect(connect) => Some(connect.clean),
        _ => None,
    });
    clean.collect()
}

#[test]
fn a_client_without_the_state_of_a_session_requests_a_new_session() {
    let mut connects = 0;
    let answer = move |packet: &Packet| match packet {
        Packet::Connect(connect) => {
            connects += 1;
            match connects {
                // The connection ends before the client knows that it has a session.
                1 => vec![BrokerAction::Reset],
                _ => vec![BrokerAction::Send(connack(5, !connect.clean, 0, &[]))],
            }
        }
        other => answer_connect_and_ping(5, other),
    };
    with_broker(Version::V5, answer, |test| {
        test.app.options.session_expiry = 3_600;
        test.start();
        test.run(3);
        assert!(test.events().contains(&MqttEvent::Up { session_present: false }));
        assert_eq!(clean_starts(test), [true, true]);
        reset_connection(test);
        assert!(test.events().contains(&MqttEvent::Up { session_present: true }));
        assert_eq!(clean_starts(test), [false]);
        // After a stop, the client still has the state of its session.
        mqtt::stop(&mut test.app, &mut test.base);
        test.run(3);
        test.events();
        test.start_up();
        assert_eq!(clean_starts(test), [false]);
    });
}

#[test]
fn a_session_of_an_earlier_run_can_be_continued() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.app.options.session_expiry = 3_600;
            // Version 3.1.1 has no clean start: see the documentation of the option.
            test.app.options.clean_start = level == 4;
            test.start();
            test.run(1);
            assert_eq!(test.events(), [MqttEvent::Up { session_present: true }]);
            assert_eq!(clean_starts(test), [false]);
        });
    }
}

#[test]
fn unacknowledged_messages_are_retransmitted_in_order() {
    for (level, version) in LEVELS {
        with_broker(version, broker_with_session(level, true), |test| {
            start_with_session(test);
            let one = test.publish(&Publish::new("t", b"a").qos(Qos::One)).unwrap().unwrap();
            let two = test.publish(&Publish::new("t", b"b").qos(Qos::Two)).unwrap().unwrap();
            let three = test.publish(&Publish::new("t", b"c").qos(Qos::Two)).unwrap().unwrap();
            test.run(1);
            test.send(ack(0x50, three.number()));
            test.sent();
            reset_connection(test);
            // The broker has sent a PUBREC for the message `c`, so the client sends the PUBREL of this message. The
            // client retransmits the other two messages.
            assert_eq!(describe(test.sent()), ["ack 6", "a dup 1", "b dup 2"]);
            test.events();
            for (first, id) in [(0x40, one), (0x50, two), (0x70, three), (0x70, two)] {
                test.send(ack(first, id.number()));
            }
            assert_eq!(test.events(), [acked(one), acked(three), acked(two)]);
            assert_eq!(test.app.mqtt().used(), 0);
        });
    }
}

#[test]
fn pubrels_are_sent_in_the_order_of_the_pubrecs() {
    with_broker(Version::V5, broker_with_session(5, true), |test| {
        start_with_session(test);
        let ids = [b"a", b"b", b"c"].map(|payload| {
            test.publish(&Publish::new("t", payload).qos(Qos::Two)).unwrap().unwrap().number()
        });
        test.run(1);
        for id in [ids[2], ids[0], ids[1]] {
            test.send(ack(0x50, id));
        }
        test.sent();
        reset_connection(test);
        let released = [ids[2], ids[0], ids[1]].map(|id| Packet::Ack(6, id, 0));
        assert_eq!(test.sent(), released);
    });
}

#[test]
fn after_a_lost_session_the_client_subscribes_and_publishes_again() {
    for (level, version) in LEVELS {
        with_broker(version, broker_with_session(level, false), |test| {
            start_with_session(test);
            let filter = test.subscribe("set/#", Qos::One).unwrap();
            test.run(1);
            test.send(suback(level, 0x90, filter.number(), 1));
            let one = test.publish(&Publish::new("t", b"a").qos(Qos::One)).unwrap().unwrap();
            let two = test.publish(&Publish::new("t", b"b").qos(Qos::Two)).unwrap().unwrap();
            test.run(1);
            test.sent();
            test.events();
            reset_connection(test);
            // The message with QoS 1 is sent as a new message. The broker may have delivered the message with QoS 2, so
            // this message is reported as lost.
            assert_eq!(describe(test.sent()), ["subscribe set/#", "a new 1"]);
            let up = MqttEvent::Up { session_present: false };
            assert_eq!(test.events()[1..], [up, MqttEvent::Lost(two)]);
            test.send(ack(0x40, one.number()));
            assert_eq!(test.events(), [acked(one)]);
            assert_eq!(test.app.mqtt().used(), 1);
        });
    }
}

#[test]
fn a_message_with_qos_2_that_the_broker_has_received_is_reported_as_lost_with_the_session() {
    with_broker(Version::V5, broker_with_session(5, false), |test| {
        start_with_session(test);
        let id = test.publish(&Publish::new("t", b"b").qos(Qos::Two)).unwrap().unwrap();
        test.run(1);
        test.send(ack(0x50, id.number()));
        // A message that is published after the end of the connection is sent on the next connection.
        test.net.perform(BrokerAction::Reset);
        test.run(0);
        test.publish(&Publish::new("t", b"c").qos(Qos::Two)).unwrap();
        test.sent();
        test.run(3);
        assert_eq!(describe(test.sent()), ["c new 2"]);
        assert!(test.events().contains(&MqttEvent::Lost(id)));
    });
}

#[test]
fn after_a_kept_session_only_unanswered_subscribes_are_sent_again() {
    for (level, version) in LEVELS {
        with_broker(version, broker_with_session(level, true), |test| {
            start_with_session(test);
            let kept = test.subscribe("kept", Qos::One).unwrap();
            test.run(1);
            test.send(suback(level, 0x90, kept.number(), 1));
            test.subscribe("unanswered", Qos::One).unwrap();
            test.run(1);
            test.sent();
            reset_connection(test);
            assert_eq!(
                describe(test.sent()),
                ["subscribe unanswered"],
                "the broker has not answered it"
            );
            test.send(publish(
                level,
                &packet::Publish { topic: "kept".into(), ..Default::default() },
            ));
            assert!(test.app.messages[0].by_handler);
        });
    }
}

#[test]
fn an_unanswered_unsubscribe_is_sent_again_unless_the_session_is_lost() {
    for present in [true, false] {
        with_broker(Version::V5, broker_with_session(5, present), |test| {
            start_with_session(test);
            let id = test.subscribe("a", Qos::One).unwrap();
            test.run(1);
            test.send(suback(5, 0x90, id.number(), 1));
            test.unsubscribe("a").unwrap();
            test.run(1);
            test.sent();
            test.events();
            reset_connection(test);
            if present {
                assert_eq!(describe(test.sent()), ["unsubscribe a"]);
                test.send(suback(5, 0xB0, id.number(), 0));
            }
            assert_eq!(test.sent(), []);
            assert!(test.events().contains(&acked(id)));
            assert_eq!(test.app.mqtt().used(), 0);
        });
    }
}

#[test]
fn the_last_request_for_a_filter_is_sent_on_the_next_connection() {
    // The last request is made before the previous request is answered. The connection ends before the answer.
    for present in [true, false] {
        with_broker(Version::V5, broker_with_session(5, present), |test| {
            start_with_session(test);
            for begins_subscribed in [false, true] {
                let id = test.subscribe("a", Qos::One).unwrap();
                test.run(1);
                if begins_subscribed {
                    test.send(suback(5, 0x90, id.number(), 1));
                    test.unsubscribe("a").unwrap();
                    test.run(1);
                }
                test.subscribe("a", Qos::Two).unwrap();
                test.run(1);
                test.sent();
                test.events();
                reset_connection(test);
                let subscribe = Packet::Subscribe(id.number(), "a".into(), 2);
                assert_eq!(test.sent(), [subscribe], "present: {present}");
                test.send(suback(5, 0x90, id.number(), 2));
                let granted = MqttEvent::Acked(id, Reason::GRANTED_QOS_2);
                assert_eq!(test.events().last(), Some(&granted));
                assert_eq!((test.sent(), test.app.mqtt().used()), (vec![], 1));
                test.unsubscribe("a").unwrap();
                test.run(1);
                test.send(suback(5, 0xB0, id.number(), 0));
                test.sent();
            }
        });
    }
}

#[test]
fn a_repeated_message_with_qos_2_is_recognized_until_the_session_is_lost() {
    for (present, times) in [(true, 1), (false, 2)] {
        with_broker(Version::V5, broker_with_session(5, present), |test| {
            start_with_session(test);
            let message =
                packet::Publish { topic: "t".into(), qos: 2, id: 9, ..Default::default() };
            test.send(publish(5, &message));
            reset_connection(test);
            test.send(publish(5, &packet::Publish { dup: true, ..message }));
            assert_eq!(test.app.messages.len(), times);
        });
    }
}

#[test]
fn unacknowledged_messages_are_kept_after_a_stop() {
    with_broker(Version::V5, broker_with_session(5, true), |test| {
        start_with_session(test);
        let id = test.publish(&Publish::new("t", b"a").qos(Qos::One)).unwrap().unwrap();
        test.run(1);
        mqtt::stop(&mut test.app, &mut test.base);
        test.run(3);
        test.app.options.version = Version::V3;
        let other = mqtt::start(&mut test.app, &mut test.base, test.pool);
        assert_eq!(
            other,
            Err(mqtt::StartError::Options),
            "the stored message has the format of version 5"
        );
        test.app.options.version = Version::V5;
        test.events();
        test.sent();
        test.start_up();
        assert_eq!(describe(test.sent()), ["a dup 1"]);
        test.send(ack(0x40, id.number()));
        assert_eq!(test.events(), [acked(id)]);
    });
}

#[test]
fn identifiers_begin_at_a_random_number() {
    // The session may contain messages of an earlier run of the program.
    let ids = [1, 2].map(|seed| {
        let mut storage = Box::new(AppStorage::new());
        let mut base = EventBase::new(&mut storage);
        base.seed(&[seed; 32]);
        let pool = base.add_pool(Pool::new(1).rings(RINGS.0, RINGS.1)).unwrap();
        let mut app = App::new();
        mqtt::start(&mut app, &mut base, pool).unwrap();
        mqtt::publish(&mut app, &mut base, &Publish::new("t", b"a").qos(Qos::Two)).unwrap()
    });
    assert_ne!(ids[0], ids[1]);
}
