//! After the end of a connection: sessions that are kept, and sessions that are lost.

use super::*;
use packet::{ack, publish, suback};

/// Returns a broker that answers a CONNECT with or without a session. The first CONNECT is always
/// answered without a session.
fn session(level: u8, present: bool) -> impl FnMut(&Packet) -> Vec<Deed> {
    let mut times = 0;
    move |packet| match packet {
        Packet::Connect(_) => {
            times += 1;
            vec![Deed::Send(connack(level, present && times > 1, 0, &[]))]
        }
        other => greet(level, other),
    }
}

fn keep(test: &mut Test) {
    test.app.options.session_expiry = 3_600;
    test.start_up();
}

fn cut(test: &mut Test) {
    test.net.act(Deed::Reset);
    test.run(3);
    assert!(test.app.mqtt().is_up());
}

/// Describes each packet: payload, retransmission and QoS of a PUBLISH; kind of an acknowledgement; filter of a
/// subscription.
fn brief(packets: Vec<Packet>) -> Vec<String> {
    let brief = |packet| match packet {
        Packet::Publish(p) => {
            let dup = if p.dup { "again" } else { "new" };
            format!("{} {dup} {}", String::from_utf8(p.payload).unwrap(), p.qos)
        }
        Packet::Ack(kind, ..) => format!("ack {kind}"),
        Packet::Subscribe(_, filter, _) => format!("subscribe {filter}"),
        Packet::Unsubscribe(_, filter) => format!("unsubscribe {filter}"),
        other => format!("{other:?}"),
    };
    packets.into_iter().map(brief).collect()
}

#[test]
fn what_was_not_acknowledged_is_sent_again_in_order() {
    for (level, version) in LEVELS {
        with(version, session(level, true), |test| {
            keep(test);
            let one = test.publish(&Publish::new("t", b"a").qos(Qos::One)).unwrap().unwrap();
            let two = test.publish(&Publish::new("t", b"b").qos(Qos::Two)).unwrap().unwrap();
            let three = test.publish(&Publish::new("t", b"c").qos(Qos::Two)).unwrap().unwrap();
            test.run(1);
            test.send(ack(0x50, three.number()));
            test.sent();
            cut(test);
            // The broker has received one message, so the client sends its PUBREL. The client retransmits the
            // other two messages.
            assert_eq!(brief(test.sent()), ["ack 6", "a again 1", "b again 2"]);
            test.events();
            for (first, id) in [(0x40, one), (0x50, two), (0x70, three), (0x70, two)] {
                test.send(ack(first, id.number()));
            }
            assert_eq!(test.events(), [ok(one), ok(three), ok(two)]);
            assert_eq!(test.app.mqtt().used(), 0);
        });
    }
}

#[test]
fn messages_are_released_in_the_order_in_which_the_broker_took_them() {
    with(Version::V5, session(5, true), |test| {
        keep(test);
        let ids = [b"a", b"b", b"c"].map(|payload| {
            test.publish(&Publish::new("t", payload).qos(Qos::Two)).unwrap().unwrap().number()
        });
        test.run(1);
        for id in [ids[2], ids[0], ids[1]] {
            test.send(ack(0x50, id));
        }
        test.sent();
        cut(test);
        let released = [ids[2], ids[0], ids[1]].map(|id| Packet::Ack(6, id, 0));
        assert_eq!(test.sent(), released);
    });
}

#[test]
fn a_lost_session_is_made_anew() {
    for (level, version) in LEVELS {
        with(version, session(level, false), |test| {
            keep(test);
            let filter = test.subscribe("set/#", Qos::One).unwrap();
            test.run(1);
            test.send(suback(level, 0x90, filter.number(), 1));
            let one = test.publish(&Publish::new("t", b"a").qos(Qos::One)).unwrap().unwrap();
            let two = test.publish(&Publish::new("t", b"b").qos(Qos::Two)).unwrap().unwrap();
            test.run(1);
            test.sent();
            test.events();
            cut(test);
            // The message with QoS 1 is sent as a new message. The message with QoS 2 may have been delivered, so it
            // is reported as lost.
            assert_eq!(brief(test.sent()), ["subscribe set/#", "a new 1"]);
            let up = MqttEvent::Up { session_present: false };
            assert_eq!(test.events()[1..], [up, MqttEvent::Lost(two)]);
            test.send(ack(0x40, one.number()));
            assert_eq!(test.events(), [ok(one)]);
            assert_eq!(test.app.mqtt().used(), 1);
        });
    }
}

#[test]
fn a_message_that_the_broker_had_taken_is_lost_with_the_session() {
    with(Version::V5, session(5, false), |test| {
        keep(test);
        let id = test.publish(&Publish::new("t", b"b").qos(Qos::Two)).unwrap().unwrap();
        test.run(1);
        test.send(ack(0x50, id.number()));
        // A message that is published after the end of the connection is sent on the next connection.
        test.net.act(Deed::Reset);
        test.run(0);
        test.publish(&Publish::new("t", b"c").qos(Qos::Two)).unwrap();
        test.sent();
        test.run(3);
        assert_eq!(brief(test.sent()), ["c new 2"]);
        assert!(test.events().contains(&MqttEvent::Lost(id)));
    });
}

#[test]
fn a_session_that_is_kept_needs_no_subscribe() {
    for (level, version) in LEVELS {
        with(version, session(level, true), |test| {
            keep(test);
            let kept = test.subscribe("kept", Qos::One).unwrap();
            test.run(1);
            test.send(suback(level, 0x90, kept.number(), 1));
            test.subscribe("asked", Qos::One).unwrap();
            test.run(1);
            test.sent();
            cut(test);
            assert_eq!(brief(test.sent()), ["subscribe asked"], "the broker has not answered it");
            test.send(publish(
                level,
                &packet::Publish { topic: "kept".into(), ..Default::default() },
            ));
            assert!(test.app.seen[0].by_handler);
        });
    }
}

#[test]
fn an_unsubscribe_goes_on_with_the_session_and_ends_with_it() {
    for present in [true, false] {
        with(Version::V5, session(5, present), |test| {
            keep(test);
            let id = test.subscribe("a", Qos::One).unwrap();
            test.run(1);
            test.send(suback(5, 0x90, id.number(), 1));
            test.unsubscribe("a").unwrap();
            test.run(1);
            test.sent();
            test.events();
            cut(test);
            if present {
                assert_eq!(brief(test.sent()), ["unsubscribe a"]);
                test.send(suback(5, 0xB0, id.number(), 0));
            }
            assert_eq!(test.sent(), []);
            assert!(test.events().contains(&ok(id)));
            assert_eq!(test.app.mqtt().used(), 0);
        });
    }
}

#[test]
fn the_last_request_for_a_filter_survives_the_connection() {
    // The second request is made while the first is under way; the connection ends before the answer.
    for present in [true, false] {
        with(Version::V5, session(5, present), |test| {
            keep(test);
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
                cut(test);
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
fn messages_that_have_come_are_known_as_long_as_the_session() {
    for (present, times) in [(true, 1), (false, 2)] {
        with(Version::V5, session(5, present), |test| {
            keep(test);
            let message =
                packet::Publish { topic: "t".into(), qos: 2, id: 9, ..Default::default() };
            test.send(publish(5, &message));
            cut(test);
            test.send(publish(5, &packet::Publish { dup: true, ..message }));
            assert_eq!(test.app.seen.len(), times);
        });
    }
}

#[test]
fn what_is_under_way_survives_a_stop() {
    with(Version::V5, session(5, true), |test| {
        keep(test);
        let id = test.publish(&Publish::new("t", b"a").qos(Qos::One)).unwrap().unwrap();
        test.run(1);
        mqtt::stop(&mut test.app, &mut test.base);
        test.run(3);
        test.app.options.version = Version::V3;
        let other = mqtt::start(&mut test.app, &mut test.base, test.pool);
        assert_eq!(other, Err(mqtt::StartError::Options), "it is kept as version 5 writes it");
        test.app.options.version = Version::V5;
        test.events();
        test.sent();
        test.start_up();
        assert_eq!(brief(test.sent()), ["a again 1"]);
        test.send(ack(0x40, id.number()));
        assert_eq!(test.events(), [ok(id)]);
    });
}
