//! Connect, keep-alive, reconnect, and stop.

use super::*;
use packet::Connect;

#[test]
fn a_connect_contains_the_options() {
    for (level, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.app.options = Options {
                user: Some("pump"),
                password: Some(b"secret"),
                session_expiry: 3_600,
                keep_alive: 30,
                longest_packet: 500,
                will: Some(Publish {
                    content_type: Some("text/plain"),
                    ..Publish::new("state", b"gone").qos(Qos::One).retained()
                }),
                will_delay: 7,
                ..test.app.options
            };
            test.start();
            test.run(1);
            let is_5 = level == 5;
            assert_eq!(
                test.packets(),
                [Packet::Connect(Connect {
                    level,
                    clean: is_5,
                    keep_alive: 30,
                    expiry: if is_5 { 3_600 } else { 0 },
                    receive_maximum: if is_5 { 4 } else { u16::MAX },
                    aliases: if is_5 { 2 } else { 0 },
                    longest: if is_5 { 500 } else { 0 },
                    id: "test".into(),
                    will: Some(("state".into(), b"gone".into(), 1, true, if is_5 { 7 } else { 0 })),
                    user: Some("pump".into()),
                    password: Some(b"secret".into()),
                })]
            );
            assert_eq!(test.events(), [MqttEvent::Up { session_present: !is_5 }]);
        });
    }
}

#[test]
fn in_3_1_1_a_password_without_a_user_name_is_sent_with_an_empty_user_name() {
    for (version, user) in [(Version::V3, Some("")), (Version::V5, None)] {
        with_minimal_broker(version, |test| {
            test.app.options.password = Some(b"token");
            test.start_up();
            let [Packet::Connect(connect)] = &test.packets()[..] else { panic!() };
            assert_eq!(connect.user.as_deref(), user);
            assert_eq!(connect.password.as_deref(), Some(&b"token"[..]));
        });
    }
}

#[test]
fn start_refuses_options_that_do_not_make_a_valid_connect() {
    with_minimal_broker(Version::V5, |test| {
        let good = test.app.options;
        for (options, error) in [
            (Options { client_id: "a\0", ..good }, mqtt::StartError::Options),
            (Options { will: Some(Publish::new("a/+", b"")), ..good }, mqtt::StartError::Options),
            (
                Options { password: Some(&[b'x'; 300]), ..good },
                mqtt::StartError::TooLong { length: 328 },
            ),
        ] {
            test.app.options = options;
            let started = mqtt::start(&mut test.app, &mut test.base, test.pool);
            assert_eq!(started, Err(error));
            // The next pass frees the connection.
            test.run(1);
        }
        test.app.options = good;
        test.start_up();
        let again = mqtt::start(&mut test.app, &mut test.base, test.pool);
        assert_eq!(again, Err(mqtt::StartError::Started));
    });
}

#[test]
fn options_that_become_too_long_are_reported_as_an_event() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        test.app.options.password = Some(&[b'x'; 300]);
        test.net.perform(BrokerAction::Reset);
        test.run(2);
        let reset = Down::Failed(picoevent::ConnError::Reset);
        assert_eq!(test.events()[..2], [down(reset), down(Down::Options)]);
        test.app.options.password = None;
        test.run(10);
        assert!(test.app.mqtt().is_up());
    });
}

#[test]
fn a_refused_connection_is_reported_with_its_reason_and_text() {
    let refuse = |level: u8, code: u8| {
        move |_: &Packet| {
            let text = packet::text("go away");
            let properties = [&[0x1F][..], &text].concat();
            vec![BrokerAction::Send(connack(level, false, code, &properties)), BrokerAction::End]
        }
    };
    for (code, reason) in [
        (1, Reason::UNSUPPORTED_VERSION),
        (2, Reason::CLIENT_ID_NOT_VALID),
        (3, Reason::SERVER_UNAVAILABLE),
        (4, Reason::BAD_CREDENTIALS),
        (5, Reason::NOT_AUTHORIZED),
    ] {
        with_broker(Version::V3, refuse(4, code), |test| {
            test.start();
            test.run(1);
            assert_eq!(test.events()[..1], [down(Down::Refused(reason))]);
        });
    }
    with_broker(Version::V5, refuse(5, 0x97), |test| {
        test.start();
        test.run(60);
        let events = test.events();
        assert!(events.iter().all(|event| *event == down(Down::Refused(Reason::QUOTA_EXCEEDED))));
        // The delays are 0.5, 1, 2, 4, 8, 16 and 32 seconds.
        assert!((6..=8).contains(&events.len()), "{}", events.len());
        assert_eq!(test.app.properties[0], (Kind::ConnAck, Vec::new(), Some("go away".into())));
    });
}

#[test]
fn a_broker_of_3_1_1_that_does_not_support_version_5_is_reported_as_a_refusal() {
    let refuse = |_: &Packet| vec![BrokerAction::Send(vec![0x20, 2, 0, 1]), BrokerAction::End];
    with_broker(Version::V5, refuse, |test| {
        test.start();
        test.run(1);
        assert_eq!(test.events()[..1], [down(Down::Refused(Reason::UNSUPPORTED_VERSION))]);
    });
}

#[test]
fn a_connect_that_is_not_answered_within_ten_seconds_ends_the_connection() {
    with_broker(
        Version::V5,
        |_| Vec::new(),
        |test| {
            test.start();
            test.run(9);
            assert_eq!(test.events(), []);
            test.run(1);
            assert_eq!(test.events(), [down(Down::Silent)]);
            test.run(5);
            assert_eq!(test.net.connects.len(), 2);
        },
    );
}

#[test]
fn a_ping_is_sent_after_the_keep_alive_time_without_packets() {
    with_minimal_broker(Version::V3, |test| {
        test.app.options.keep_alive = 20;
        test.start_up();
        test.run(100);
        let times = test.net.peer.times.clone();
        let pings: Vec<_> = times[1..].iter().map(|at| at.as_micros() / 1_000_000).collect();
        assert_eq!(pings, [20, 40, 60, 80, 100]);
        assert_eq!(test.events(), []);
    });
}

#[test]
fn a_ping_is_sent_if_only_the_broker_was_silent() {
    with_minimal_broker(Version::V5, |test| {
        test.app.options.keep_alive = 20;
        test.start_up();
        for _ in 0..10 {
            test.run(10);
            test.publish(&Publish::new("a", b"b")).unwrap();
        }
        let pings = test.packets().iter().filter(|packet| **packet == Packet::Ping).count();
        assert_eq!(pings, 5, "the broker was silent for 20 seconds each time");
    });
}

#[test]
fn a_ping_is_sent_if_only_the_client_was_silent() {
    with_minimal_broker(Version::V5, |test| {
        test.app.options.keep_alive = 20;
        test.start_up();
        for _ in 0..20 {
            test.run(4);
            let message = packet::Publish { topic: "t".into(), ..Default::default() };
            test.send(packet::publish(5, &message));
        }
        let pings = test.packets().iter().filter(|packet| **packet == Packet::Ping).count();
        assert!((4..=5).contains(&pings), "{pings} in 100 seconds");
    });
}

#[test]
fn a_ping_that_is_not_answered_within_ten_seconds_ends_the_connection() {
    for keep_alive in [5, 25] {
        let answers_no_pings = |packet: &Packet| match packet {
            Packet::Connect(_) => answer_connect_and_ping(5, packet),
            _ => Vec::new(),
        };
        with_broker(Version::V5, answers_no_pings, |test| {
            test.app.options.keep_alive = keep_alive;
            test.start_up();
            test.run(u64::from(keep_alive) + 8);
            assert_eq!(test.events(), []);
            test.run(2);
            assert_eq!(test.events()[..1], [down(Down::Silent)]);
        });
    }
}

#[test]
fn pings_are_sent_while_the_answer_is_late_and_other_input_arrives() {
    let answers_no_pings = |packet: &Packet| match packet {
        Packet::Connect(_) => answer_connect_and_ping(5, packet),
        _ => Vec::new(),
    };
    with_broker(Version::V5, answers_no_pings, |test| {
        test.app.options.keep_alive = 5;
        test.start_up();
        for _ in 0..23 {
            let message = packet::Publish { topic: "t".into(), ..Default::default() };
            test.send(packet::publish(5, &message));
        }
        let times = test.net.peer.times.clone();
        let pings: Vec<_> = times[1..].iter().map(|at| at.as_micros() / 1_000_000).collect();
        assert_eq!(pings, [5, 10, 15, 20]);
        // The last input has arrived at 23 seconds.
        test.run(8);
        assert_eq!(test.events(), []);
        test.run(2);
        assert_eq!(test.events()[..1], [down(Down::Silent)]);
    });
}

#[test]
fn the_broker_can_set_the_keep_alive_time() {
    let five_seconds = |packet: &Packet| match packet {
        Packet::Connect(_) => vec![BrokerAction::Send(connack(5, false, 0, &[0x13, 0, 5]))],
        other => answer_connect_and_ping(5, other),
    };
    with_broker(Version::V5, five_seconds, |test| {
        test.start_up();
        test.run(20);
        assert_eq!(test.sent(), [Packet::Ping, Packet::Ping, Packet::Ping, Packet::Ping]);
    });
    let no_keep_alive = |packet: &Packet| match packet {
        Packet::Connect(_) => vec![BrokerAction::Send(connack(5, false, 0, &[0x13, 0, 0]))],
        other => answer_connect_and_ping(5, other),
    };
    with_broker(Version::V5, no_keep_alive, |test| {
        test.start_up();
        test.run(1_000);
        assert_eq!(test.sent(), []);
    });
}

#[test]
fn reconnect_delays_grow_and_start_again_after_a_long_connection() {
    with_minimal_broker(Version::V5, |test| {
        test.net.peer.is_unreachable = true;
        test.start();
        test.run(600);
        let gaps = |times: &[Instant]| -> Vec<u128> {
            times.windows(2).map(|pair| pair[1].since(pair[0]).as_millis()).collect()
        };
        let first = gaps(&test.net.connects);
        for (gap, expected) in first.iter().zip([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000]) {
            assert!(
                gap * 4 >= expected * 3 && gap * 4 <= expected * 5 + 8,
                "{gap} is not near {expected}"
            );
        }
        assert!(first[7..].iter().all(|gap| (45_000..=75_004).contains(gap)), "{first:?}");
        test.net.peer.is_unreachable = false;
        test.run(100);
        assert!(test.app.mqtt().is_up());
        // The first connection was long, so the next delay is 500 ms again. The connections after that are short, so
        // the delays double.
        for expected in [500, 1_000, 2_000, 4_000] {
            test.net.connects.clear();
            let reset = test.net.now;
            test.net.perform(BrokerAction::Reset);
            test.run(8);
            let delay = test.net.connects[0].since(reset).as_millis();
            assert!(
                delay * 4 >= expected * 3 && delay * 4 <= expected * 5 + 8,
                "{delay} is not near {expected}"
            );
            assert!(test.app.mqtt().is_up());
        }
    });
}

#[test]
fn a_client_that_cannot_connect_tries_again() {
    with_minimal_broker(Version::V5, |test| {
        test.app.can_connect = false;
        test.start();
        test.run(10);
        assert!(!test.app.mqtt().is_up());
        test.app.can_connect = true;
        test.run(40);
        assert!(test.app.mqtt().is_up());
    });
}

#[test]
fn a_stopped_client_sends_a_disconnect_and_can_be_started_again() {
    for (_, version) in LEVELS {
        with_minimal_broker(version, |test| {
            test.start_up();
            mqtt::stop(&mut test.app, &mut test.base);
            mqtt::stop(&mut test.app, &mut test.base);
            let publish = test.publish(&Publish::new("a", b"").qos(Qos::One));
            assert_eq!(publish, Err(mqtt::PublishError::Down));
            test.run(100);
            assert_eq!(test.sent(), [Packet::Disconnect(0)]);
            assert_eq!(test.events(), [down(Down::Stopped)]);
            assert!(!test.app.mqtt().is_started());
            test.start_up();
        });
    }
}

#[test]
fn a_client_that_is_stopped_before_the_connack_sends_a_disconnect() {
    with_broker(
        Version::V5,
        |_| Vec::new(),
        |test| {
            test.start();
            test.run(1);
            mqtt::stop(&mut test.app, &mut test.base);
            test.run(20);
            assert_eq!(test.sent(), [Packet::Disconnect(0)]);
            assert_eq!(test.events(), [down(Down::Stopped)]);
            // While the network is blocked, a CONNECT that fills the output ring is not sent, and there is no room for
            // a DISCONNECT. So the client aborts the connection, and the broker receives no packet.
            test.app.options.password = Some(&[b'x'; 228]);
            test.net.block(true);
            test.start();
            test.run(1);
            mqtt::stop(&mut test.app, &mut test.base);
            test.net.block(false);
            test.run(20);
            assert_eq!((test.packets(), test.events()), (vec![], vec![down(Down::Stopped)]));
        },
    );
}

#[test]
fn a_client_can_be_stopped_between_connections_and_while_it_connects() {
    with_minimal_broker(Version::V5, |test| {
        test.net.peer.is_unreachable = true;
        test.start();
        test.run(30);
        test.events();
        mqtt::stop(&mut test.app, &mut test.base);
        test.run(0);
        assert_eq!(test.events(), [down(Down::Stopped)]);
        test.net.peer.is_unreachable = false;
        test.start();
        mqtt::stop(&mut test.app, &mut test.base);
        test.run(60);
        assert_eq!(test.events(), [down(Down::Stopped)]);
        // The application stops the client in the event `Down`.
        test.start_up();
        test.app.react = Some(|app, cx, event| {
            if matches!(event, MqttEvent::Down(_)) {
                mqtt::stop(app, cx);
            }
        });
        test.net.perform(BrokerAction::Reset);
        test.run(100);
        assert_eq!(test.events(), [down(Down::Failed(picoevent::ConnError::Reset))]);
        test.app.react = None;
        test.start_up();
    });
}

#[test]
fn the_end_of_the_connection_by_the_broker_is_reported() {
    with_minimal_broker(Version::V5, |test| {
        test.start_up();
        let text = packet::text("bye");
        let properties = [&[text.len() as u8 + 1, 0x1F][..], &text].concat();
        test.send(packet::packet(0xE0, &[&[0x8B][..], &properties].concat()));
        assert_eq!(test.events()[0], down(Down::Disconnected(Reason::SERVER_SHUTTING_DOWN)));
        assert_eq!(test.app.properties, [(Kind::Disconnect, Vec::new(), Some("bye".into()))]);
        test.run(5);
        test.events();
        test.net.perform(BrokerAction::End);
        test.run(0);
        assert_eq!(test.events()[0], down(Down::Closed));
    });
}

#[test]
fn an_assigned_client_identifier_is_reported() {
    let assign = |_: &Packet| {
        let properties = [&[0x12][..], &packet::text("auto-7")].concat();
        vec![BrokerAction::Send(connack(5, false, 0, &properties))]
    };
    with_broker(Version::V5, assign, |test| {
        test.app.options.client_id = "";
        test.start_up();
        assert_eq!(test.app.properties, [(Kind::ConnAck, Vec::new(), Some("auto-7".into()))]);
    });
}

#[test]
fn by_default_the_client_connects_to_the_broker_of_the_options() {
    struct DefaultConnect(Client<DefaultConnect, 1, 16>);

    impl HasMqtt for DefaultConnect {
        fn mqtt(&mut self) -> ClientMut<'_, Self> {
            self.0.as_mut()
        }

        fn options(&self) -> Options<'_> {
            Options::new(addr("192.0.2.7:1884"))
        }
    }

    let mut storage = Storage::<DefaultConnect, 0, 1, 128, 0, 1>::new();
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::new(1).rings(64, 64)).unwrap();
    let mut app = DefaultConnect(Client::new());
    mqtt::start(&mut app, &mut base, pool).unwrap();
    let Some(picoevent::Action::Connect(conn)) = base.next_action() else { panic!() };
    assert_eq!(base.peer_of(conn), Some(addr("192.0.2.7:1884")));
}
