//! The resolver's queries: to which server, at which time, and in which form.

use picoevent_dns::wire::{Kind, Section};

use crate::*;
use picoevent_scripted::{Reply, reply};

/// A server that answers with `192.0.2.7`.
fn answering_server() -> Network {
    Network::new(|query| reply(query, query.addresses(60, &[7])))
}

fn silent_server() -> Network {
    Network::new(|_| Vec::new())
}

#[test]
fn one_query_is_sent_for_a_name() {
    with_base(|base, app| {
        let mut network = answering_server();
        let lookup = app.resolve(base, "www.example.org.").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.ends.len(), 1);
        assert_eq!((app.ends[0].0, &app.ends[0].1), (lookup, &Ok(vec![v4(7)])));
        let [query] = &network.received[..] else { panic!("{:?}", network.received) };
        assert_eq!((query.server, query.kind()), (addr(SERVER), Kind::A));
        assert!(query.name().eq_ignore_ascii_case("www.example.org"));
        assert_ne!(query.name(), "www.example.org", "the case of letters is random");
        assert!(query.from_port >= 0xC000);
        assert_eq!(app.names.as_mut().lookups(), 0);
    });
}

#[test]
fn both_families_are_queried_unless_one_is_requested() {
    with_base(|base, app| {
        let mut network = Network::new(|query| match query.kind() {
            Kind::A => reply(query, query.addresses(60, &[7])),
            _ => reply(
                query,
                query.answer(0, |writer| {
                    writer.record(Section::Answer, &query.name(), Kind::AAAA, 9, |writer| {
                        writer.bytes(&[1; 16]);
                    });
                }),
            ),
        });
        dns::resolve(app, base, "example.org", None, App::found).unwrap();
        run(&mut network, base, app);
        dns::resolve(app, base, "example.org", Some(Family::V6), App::found).unwrap();
        run(&mut network, base, app);
        let v6 = IpAddr::from([1; 16]);
        assert_eq!(app.answers(), [Ok(vec![v4(7), v6]), Ok(vec![v6])]);
        assert_eq!(network.received.len(), 2, "there is no query for a cached address");
    });
}

#[test]
fn a_look_up_succeeds_if_only_one_family_has_an_address() {
    with_base(|base, app| {
        let mut network = answering_server();
        dns::resolve(app, base, "example.org", None, App::found).unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
    });
}

#[test]
fn a_silent_server_is_queried_three_times_with_growing_delays() {
    with_base(|base, app| {
        let mut network = silent_server();
        app.resolve(base, "example.org").unwrap();
        run(&mut network, base, app);
        let times: Vec<_> =
            network.received.iter().map(|query| query.at.as_micros() / 1_000).collect();
        assert_eq!(times, [0, 1_000, 3_000]);
        assert_eq!(app.ends[0].2, seconds(7));
        assert_eq!(app.answers(), [Err(LookupError::NoAnswer)]);
        let ids: Vec<_> = network.received.iter().map(|query| query.id()).collect();
        assert!(
            ids.iter().all(|id| *id == ids[0]),
            "each try has the same ID, so a late answer is accepted"
        );
        assert_eq!(network.received[2].name(), "example.org", "the last query is in lower case");
    });
}

#[test]
fn servers_are_queried_in_order_from_the_last_one_that_answered() {
    with_base(|base, app| {
        app.names.set_servers(&[addr(SERVER), addr(SECOND_SERVER)]);
        let mut network = Network::new(|query| match query.server == addr(SERVER) {
            true => Vec::new(),
            false => reply(query, query.addresses(60, &[7])),
        });
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        app.resolve(base, "b.example").unwrap();
        run(&mut network, base, app);
        let servers: Vec<_> = network.received.iter().map(|query| query.server).collect();
        assert_eq!(servers, [addr(SERVER), addr(SECOND_SERVER), addr(SECOND_SERVER)]);
        assert_eq!(network.received[1].at, seconds(1), "after the time limit of the first server");
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(7)])]);
    });
}

#[test]
fn the_next_server_is_queried_at_once_after_a_failure() {
    with_base(|base, app| {
        app.names.set_servers(&[addr(SERVER), addr(SECOND_SERVER)]);
        let mut network = Network::new(|query| match query.server == addr(SERVER) {
            true => reply(query, query.answer(2, |_| {})),
            false => reply(query, query.addresses(60, &[7])),
        });
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.ends[0].2.as_micros(), 2_000);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
    });
}

#[test]
fn a_look_up_fails_if_all_servers_fail_in_three_rounds() {
    with_base(|base, app| {
        app.names.set_servers(&[addr(SERVER), addr(SECOND_SERVER)]);
        let mut network = Network::new(|query| reply(query, query.answer(5, |_| {})));
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(network.received.len(), 6);
        assert_eq!(app.answers(), [Err(LookupError::NoAnswer)]);
    });
}

#[test]
fn the_next_round_begins_at_its_usual_time_after_all_servers_have_failed() {
    with_base(|base, app| {
        let mut network = Network::new(|query| reply(query, query.answer(2, |_| {})));
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        app.names.set_servers(&[addr(SERVER), addr(SECOND_SERVER)]);
        app.resolve(base, "b.example").unwrap();
        run(&mut network, base, app);
        let times: Vec<_> =
            network.received.iter().map(|query| query.at.as_micros() / 1_000).collect();
        assert_eq!(times, [0, 1_000, 3_000, 7_000, 7_001, 8_001, 8_002, 10_002, 10_003]);
        assert_eq!(app.answers(), vec![Err(LookupError::NoAnswer); 2]);
    });
}

#[test]
fn a_look_up_without_a_server_fails_without_delay() {
    with_base(|base, app| {
        app.names.set_servers(&[]);
        let mut network = silent_server();
        app.resolve(base, "example.org").unwrap();
        assert_eq!(app.ends.len(), 0, "the callback comes later");
        run(&mut network, base, app);
        assert_eq!((network.now(), network.received.len()), (Instant::ZERO, 0));
        assert_eq!(app.answers(), [Err(LookupError::NoServer)]);
    });
}

#[test]
fn a_late_answer_to_an_earlier_query_is_accepted() {
    with_base(|base, app| {
        let mut network = Network::new(|query| {
            let bytes = query.addresses(60, &[7]);
            vec![Reply { after: Duration::from_millis(1_500), from: query.server, bytes }]
        });
        app.resolve(base, "example.org").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.ends[0].2.as_micros(), 1_500_000);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
    });
}

#[test]
fn look_ups_of_one_name_share_a_query() {
    with_base(|base, app| {
        let mut network = answering_server();
        for name in ["example.org", "EXAMPLE.org", "example.ORG."] {
            app.resolve(base, name).unwrap();
        }
        run(&mut network, base, app);
        assert_eq!((network.received.len(), app.answers().len()), (1, 3));
    });
}

#[test]
fn the_callback_of_a_cancelled_look_up_is_not_called() {
    with_base(|base, app| {
        let mut network = answering_server();
        let first = app.resolve(base, "a.example").unwrap();
        let second = app.resolve(base, "a.example").unwrap();
        let third = app.resolve(base, "b.example").unwrap();
        assert!(dns::cancel(app, first) && dns::cancel(app, third));
        assert!(!dns::cancel(app, first), "it is cancelled already");
        run(&mut network, base, app);
        assert_eq!(app.ends.iter().map(|end| end.0).collect::<Vec<_>>(), [second]);
        assert!(!dns::cancel(app, second), "it has ended");
        assert_eq!(network.received.len(), 1, "no query is sent for the other name");
        // Another look-up now uses the slot of the first look-up.
        let fourth = app.resolve(base, "c.example").unwrap();
        assert!(!dns::cancel(app, first) && dns::cancel(app, fourth));
    });
}

#[test]
fn only_simultaneous_look_ups_share_a_port() {
    with_base(|base, app| {
        let mut network = answering_server();
        for name in ["a.example", "b.example", "c.example"] {
            app.resolve(base, name).unwrap();
            run(&mut network, base, app);
        }
        let mut ports: Vec<_> = network.received.iter().map(|query| query.from_port).collect();
        ports.dedup();
        assert_eq!(ports.len(), 3);
        // Look-ups that run at the same time share the socket.
        app.names.as_mut().clear_cache();
        for name in ["a.example", "b.example", "c.example"] {
            app.resolve(base, name).unwrap();
        }
        run(&mut network, base, app);
        let ports: Vec<_> = network.received[3..].iter().map(|query| query.from_port).collect();
        assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
        assert_eq!(app.answers().len(), 6);
    });
}

#[test]
fn another_port_is_tried_if_a_port_is_in_use() {
    with_base(|base, app| {
        let mut network = answering_server();
        network.unavailable_ports = (0xC000..=0xFFFF).collect();
        app.resolve(base, "a.example").unwrap();
        network.run(base, app, seconds(0));
        assert_eq!(network.received.len(), 0);
        network.unavailable_ports.clear();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
    });
}

#[test]
fn a_port_in_use_does_not_delay_a_query() {
    with_base(|base, app| {
        let mut network = answering_server();
        network.unavailable_ports = (0xC000..=0xFFFF).step_by(2).collect();
        for number in 0..10 {
            app.resolve(base, &format!("n{number}.example")).unwrap();
            dns::resolve(app, base, &format!("n{number}.example"), None, App::found).unwrap();
            run(&mut network, base, app);
        }
        assert_eq!(network.received.len(), 20, "no query is sent twice");
        assert_eq!((app.answers().len(), network.now().as_micros()), (20, 10_000));
    });
}

#[test]
fn a_look_up_fails_in_the_usual_time_if_no_port_can_be_bound() {
    with_base(|base, app| {
        let mut network = answering_server();
        network.unavailable_ports = (0xC000..=0xFFFF).collect();
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.ends[0].2, seconds(7));
        assert_eq!(app.answers(), [Err(LookupError::NoAnswer)]);
    });
}

#[test]
fn a_callback_may_begin_the_next_look_up() {
    with_base(|base, app| {
        let mut network = answering_server();
        app.react = Some(|app, cx, _| {
            if app.ends.len() < 10 {
                app.resolve(cx, "example.org").unwrap();
            }
        });
        app.resolve(base, "example.org").unwrap();
        run(&mut network, base, app);
        assert_eq!((app.ends.len(), network.received.len()), (10, 1));
    });
}

#[test]
fn ten_thousand_look_ups_in_sequence_all_find_their_address() {
    with_base(|base, app| {
        let mut network = answering_server();
        for number in 0..10_000 {
            app.resolve(base, &format!("n{number}.example")).unwrap();
            run(&mut network, base, app);
        }
        assert_eq!((network.received.len(), app.ends.len()), (10_000, 10_000));
        assert!(app.answers().iter().all(|answer| *answer == Ok(vec![v4(7)])));
    });
}
