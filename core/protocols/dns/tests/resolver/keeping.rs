//! The cache: how long answers are kept, and which are replaced.

use crate::*;
use picoevent_scripted::reply;

fn ask(world: &mut World, base: &mut Base<'_>, app: &mut App, name: &str) {
    app.resolve(base, name).unwrap();
    run(world, base, app);
}

/// A server whose answers have this time to live.
fn for_seconds(ttl: u32) -> World {
    World::new(move |heard| reply(heard, heard.addresses(ttl, &[7])))
}

/// Advances the time.
fn pass(world: &mut World, base: &mut Base<'_>, app: &mut App, seconds: u64) {
    base.after(Duration::from_secs(seconds), |_, _| ()).unwrap();
    run(world, base, app);
}

#[test]
fn an_answer_is_kept_as_long_as_it_says() {
    with_base(|base, app| {
        let mut world = for_seconds(60);
        ask(&mut world, base, app, "example.org");
        pass(&mut world, base, app, 59);
        ask(&mut world, base, app, "Example.org");
        assert_eq!(world.heard.len(), 1);
        pass(&mut world, base, app, 1);
        ask(&mut world, base, app, "example.org");
        assert_eq!((world.heard.len(), app.answers().len()), (2, 3));
    });
}

#[test]
fn an_answer_without_a_time_to_live_is_used_once() {
    with_base(|base, app| {
        let mut world = for_seconds(0);
        ask(&mut world, base, app, "example.org");
        ask(&mut world, base, app, "example.org");
        assert_eq!(world.heard.len(), 2);
        assert!(app.answers().iter().all(|answer| *answer == Ok(vec![v4(7)])));
    });
}

#[test]
fn that_there_is_nothing_is_kept_as_long_as_the_zone_says() {
    with_base(|base, app| {
        let mut world = World::new(|heard| {
            reply(
                heard,
                heard.answer(3, |writer| {
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
        ask(&mut world, base, app, "no.example");
        ask(&mut world, base, app, "no.example");
        assert_eq!(world.heard.len(), 1);
        pass(&mut world, base, app, 31);
        ask(&mut world, base, app, "no.example");
        assert_eq!(world.heard.len(), 2);
        assert_eq!(app.answers(), vec![Err(LookupError::NoSuchName); 3]);
    });
}

#[test]
fn a_failure_is_not_kept() {
    with_base(|base, app| {
        let mut world = World::new(|_| Vec::new());
        ask(&mut world, base, app, "example.org");
        ask(&mut world, base, app, "example.org");
        assert_eq!(world.heard.len(), 6);
    });
}

#[test]
fn the_answer_that_ends_first_makes_room() {
    with_base(|base, app| {
        let mut world = World::new(|heard| {
            let first = heard.name().to_ascii_lowercase().as_bytes()[0];
            reply(heard, heard.addresses(u32::from(first - b'a' + 1) * 60, &[7]))
        });
        for name in ["d.example", "a.example", "c.example", "b.example", "e.example"] {
            ask(&mut world, base, app, name);
        }
        assert_eq!(world.heard.len(), 5);
        for name in ["e.example", "d.example", "c.example", "b.example"] {
            ask(&mut world, base, app, name);
        }
        assert_eq!(world.heard.len(), 5, "these are kept");
        ask(&mut world, base, app, "a.example");
        assert_eq!(world.heard.len(), 6);
    });
}

#[test]
fn hosts_are_kept_for_ever_and_asked_from_nobody() {
    with_base(|base, app| {
        let mut world = for_seconds(60);
        dns::add_host(app, "Broker.local", v4(9)).unwrap();
        dns::add_host(app, "broker.local", IpAddr::from([2; 16])).unwrap();
        for name in ["a.example", "b.example", "c.example", "d.example"] {
            ask(&mut world, base, app, name);
        }
        app.names.as_mut().forget();
        app.answers();
        dns::resolve(app, base, "broker.LOCAL.", None, App::found).unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(9), [2; 16].into()])]);
        assert_eq!(world.heard.len(), 4);
        // A later entry replaces the address.
        dns::add_host(app, "broker.local", v4(10)).unwrap();
        ask(&mut world, base, app, "broker.local");
        assert_eq!(app.answers(), [Ok(vec![v4(10)])]);
    });
}

#[test]
fn literals_and_the_loopback_are_their_own_answers_and_come_later() {
    with_base(|base, app| {
        app.names.set_servers(&[]);
        let mut world = for_seconds(60);
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
            run(&mut world, base, app);
            assert_eq!(app.answers(), [answer], "{name}");
        }
    });
}
