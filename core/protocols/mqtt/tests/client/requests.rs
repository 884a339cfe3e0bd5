//! SUBSCRIBEs and UNSUBSCRIBEs of one filter while earlier requests are not answered yet.

use super::*;
use packet::suback;

#[test]
fn a_subscribe_before_the_first_start_is_encoded_for_the_version_in_the_options() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            let subscription =
                Subscription { no_local: true, ..Subscription::new("a", Qos::One, App::handle) };
            let id = mqtt::subscribe(&mut test.app, &mut test.base, &subscription).unwrap();
            test.start_up();
            let options = if level == 5 { 5 } else { 1 };
            let sent = test.sent();
            assert_eq!(sent.last(), Some(&Packet::Subscribe(id.number(), "a".into(), options)));
            test.send(suback(level, 0x90, id.number(), 1));
            assert_eq!(test.events(), [MqttEvent::Acked(id, Reason::GRANTED_QOS_1)]);
        });
    }
}

#[test]
fn options_that_change_during_a_subscribe_are_sent_after_its_answer() {
    // The broker accepts or refuses the first options.
    for code in [1, 0x80] {
        for (level, version) in LEVELS {
            with_minimal_broker(version, |test| {
                test.start_up();
                let id = test.subscribe("a", Qos::One).unwrap();
                test.run(1);
                let subscribe = |qos| Packet::Subscribe(id.number(), "a".into(), qos);
                assert_eq!(test.sent(), [subscribe(1)]);
                assert_eq!(test.subscribe("a", Qos::Zero), Ok(id));
                assert_eq!(test.subscribe("a", Qos::Two), Ok(id));
                test.run(1);
                assert_eq!(test.sent(), [], "the SUBSCRIBE waits for the answer");
                test.send(suback(level, 0x90, id.number(), code));
                assert_eq!((test.sent(), test.events()), (vec![subscribe(2)], vec![]));
                test.send(suback(level, 0x90, id.number(), 2));
                assert_eq!(test.events(), [MqttEvent::Acked(id, Reason::GRANTED_QOS_2)]);
                assert_eq!((test.sent(), test.app.mqtt().used()), (vec![], 1));
            });
        }
    }
}

#[test]
fn an_unsubscribe_after_a_change_takes_effect() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            let id = test.subscribe("a", Qos::One).unwrap();
            test.run(1);
            test.sent();
            test.subscribe("a", Qos::Two).unwrap();
            assert_eq!(test.unsubscribe("a"), Ok(id));
            test.send(suback(level, 0x90, id.number(), 1));
            assert_eq!(test.sent(), [Packet::Unsubscribe(id.number(), "a".into())]);
            test.send(suback(level, 0xB0, id.number(), 0));
            assert_eq!((test.events(), test.app.mqtt().used()), (vec![acked(id)], 0));
        });
    }
}

#[test]
fn a_subscribe_after_an_unsubscribe_takes_effect() {
    // There are three cases when the application unsubscribes: the SUBSCRIBE is not sent yet, is sent but not answered,
    // or is answered. There are two cases when the application subscribes again: the UNSUBSCRIBE is sent, or is not
    // sent yet.
    for (is_sent, is_answered) in [(false, false), (true, false), (true, true)] {
        for is_unsubscribed in [false, true] {
            for (level, version) in LEVELS {
                with_minimal_broker(version, |test| {
                    test.start_up();
                    // If `is_answered` is true, the broker answers the first SUBSCRIBE at once. It answers the other
                    // requests after the last request of the application.
                    let id = test.subscribe("a", Qos::One).unwrap();
                    test.run(u64::from(is_sent));
                    if is_answered {
                        test.send(suback(level, 0x90, id.number(), 1));
                    }
                    test.unsubscribe("a").unwrap();
                    test.run(u64::from(is_unsubscribed));
                    test.subscribe("a", Qos::Two).unwrap();
                    test.run(1);
                    let mut requests = test.sent();
                    let mut answered = usize::from(is_answered);
                    while let Some(request) = requests.get(answered) {
                        let answer = match request {
                            Packet::Subscribe(id, _, qos) => suback(level, 0x90, *id, *qos),
                            Packet::Unsubscribe(id, _) => suback(level, 0xB0, *id, 0),
                            other => panic!("{other:?}"),
                        };
                        test.send(answer);
                        requests.extend(test.sent());
                        answered += 1;
                    }
                    let last = requests.last().unwrap();
                    assert!(matches!(last, Packet::Subscribe(_, _, 2)), "{requests:?}");
                    assert_eq!(test.app.mqtt().used(), 1);
                    let granted = MqttEvent::Acked(id, Reason::GRANTED_QOS_2);
                    assert_eq!(test.events().last(), Some(&granted));
                });
            }
        }
    }
}
