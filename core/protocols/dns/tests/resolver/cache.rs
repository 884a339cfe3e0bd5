//! The cache: how long answers are kept, and which answers are replaced.

use crate::*;
use picoevent_scripted::reply;

fn look_up(network: &mut Network, base: &mut Base<'_>, app: &mut App, name: &str) {
    app.resolve(base, name).unwrap();
    run(network, base, app);
}

/// A server whose answers have a time to live of `ttl` seconds.
fn server_with_ttl(ttl: u32) -> Network {
    Network::new(move |query| reply(query, query.addresses(ttl, &[7])))
}

/// Advances the time.
fn advance(network: &mut Network, base: &mut Base<'_>, app: &mut App, seconds: u64) {
    base.after(Duration::from_secs(seconds), |_, _| ()).unwrap();
    run(network, base, app);
}

#[test]
fn an_answer_is_cached_for_its_time_to_live() {
    with_base(|base, app| {
        let mut network = server_with_ttl(60);
        look_up(&mut network, base, app, "example.org");
        advance(&mut network, base, app, 59);
        look_up(&mut network, base, app, "Example.org");
        assert_eq!(network.received.len(), 1);
        advance(&mut network, base, app, 1);
        look_up(&mut network, base, app, "example.org");
        assert_eq!((network.received.len(), app.answers().len()), (2, 3));
    });
}

#[test]
fn an_answer_with_a_time_to_live_of_zero_is_used_once() {
    with_base(|base, app| {
        let mut network = server_with_ttl(0);
        look_up(&mut network, base, app, "example.org");
        look_up(&mut network, base, app, "example.org");
        assert_eq!(network.received.len(), 2);
        assert!(app.answers().iter().all(|answer| *answer == Ok(vec![v4(7)])));
    });
}

#[test]
fn a_negative_answer_is_cached_as_long_as_the_zone_states() {
    with_base(|base, app| {
        let mut network = Network::new(|query| {
            reply(
                query,
                query.answer(3, |writer| {
                    use picoevent_dns::wire::{Kind, Section};
                    writer.record(Section::Authority, "example", Kind::SOA, 30, |writer| {
                        writer.name("a");
                        writer.name("b");
                        writer.bytes(&[0; 16]);
                        writer.bytes(&30_u32.to_be_bytes());
                    });
                }),
            )
        });
        look_up(&mut network, base, app, "no.example");
        look_up(&mut network, base, app, "no.example");
        assert_eq!(network.received.len(), 1);
        advance(&mut network, base, app, 31);
        look_up(&mut network, base, app, "no.example");
        assert_eq!(network.received.len(), 2);
        assert_eq!(app.answers(), vec![Err(LookupError::NoSuchName); 3]);
    });
}

#[test]
fn a_failure_is_not_cached() {
    with_base(|base, app| {
        let mut network = Network::new(|_| Vec::new());
        look_up(&mut network, base, app, "example.org");
        look_up(&mut network, base, app, "example.org");
        assert_eq!(network.received.len(), 6);
    });
}

#[test]
fn the_answer_that_expires_first_is_replaced() {
    with_base(|base, app| {
        let mut network = Network::new(|query| {
            let first = query.name().to_ascii_lowercase().as_bytes()[0];
            reply(query, query.addresses(u32::from(first - b'a' + 1) * 60, &[7]))
        });
        for name in ["d.example", "a.example", "c.example", "b.example", "e.example"] {
            look_up(&mut network, base, app, name);
        }
        assert_eq!(network.received.len(), 5);
        for name in ["e.example", "d.example", "c.example", "b.example"] {
            look_up(&mut network, base, app, name);
        }
        assert_eq!(network.received.len(), 5, "these names are cached");
        look_up(&mut network, base, app, "a.example");
        assert_eq!(network.received.len(), 6);
    });
}

#[test]
fn the_hosts_list_never_expires_and_needs_no_query() {
    with_base(|base, app| {
        let mut network = server_with_ttl(60);
        dns::add_host(app, "Broker.local", v4(9)).unwrap();
        dns::add_host(app, "broker.local", IpAddr::from([2; 16])).unwrap();
        for name in ["a.example", "b.example", "c.example", "d.example"] {
            look_up(&mut network, base, app, name);
        }
        app.names.as_mut().clear_cache();
        app.answers();
        dns::resolve(app, base, "broker.LOCAL.", None, App::found).unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(9), [2; 16].into()])]);
        assert_eq!(network.received.len(), 4);
        // A later entry replaces the address.
        dns::add_host(app, "broker.local", v4(10)).unwrap();
        look_up(&mut network, base, app, "broker.local");
        assert_eq!(app.answers(), [Ok(vec![v4(10)])]);
    });
}

#[test]
fn the_hosts_list_comes_before_a_cached_answer_and_before_a_look_up_in_progress() {
    with_base(|base, app| {
        let mut network = server_with_ttl(60);
        look_up(&mut network, base, app, "cached.example");
        app.resolve(base, "running.example").unwrap();
        for name in ["cached.example", "running.example"] {
            dns::add_host(app, name, v4(9)).unwrap();
        }
        // The second look-up gets the address of the list at once. The first look-up gets the answer of the server.
        look_up(&mut network, base, app, "running.example");
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(9)]), Ok(vec![v4(7)])]);
        for name in ["cached.example", "running.example"] {
            look_up(&mut network, base, app, name);
            assert_eq!(app.answers(), [Ok(vec![v4(9)])], "{name}");
        }
        assert_eq!(network.received.len(), 2);
    });
}

#[test]
fn literal_addresses_and_localhost_need_no_server_and_are_reported_later() {
    with_base(|base, app| {
        app.names.set_servers(&[]);
        let mut network = server_with_ttl(60);
        for (name, family, answer) in [
            ("192.0.2.1", None, Ok(vec![v4(1)])),
            ("::1", None, Ok(vec!["::1".parse().unwrap()])),
            ("::1", Some(Family::V4), Err(LookupError::NoAddress)),
            ("localhost", Some(Family::V4), Ok(vec![[127, 0, 0, 1].into()])),
            ("Localhost.", None, Ok(vec![[127, 0, 0, 1].into(), "::1".parse().unwrap()])),
            (
                "2001:db8:1:2:3:4:5:6",
                Some(Family::V6),
                Ok(vec!["2001:db8:1:2:3:4:5:6".parse().unwrap()]),
            ),
        ] {
            dns::resolve(app, base, name, family, App::found).unwrap();
            assert_eq!(app.ends.len(), 0);
            // These answers are not from the cache.
            app.names.as_mut().clear_cache();
            run(&mut network, base, app);
            assert_eq!(app.answers(), [answer], "{name}");
        }
    });
}
