//! The resolver's questions: to which server, at which time, and in which form.

use picoevent_dns::wire::{Kind, Section};

use crate::*;
use picoevent_scripted::{Reply, reply};

/// A server that answers with `192.0.2.7`.
fn good() -> World {
    World::new(|heard| reply(heard, heard.addresses(60, &[7])))
}

fn silent() -> World {
    World::new(|_| Vec::new())
}

#[test]
fn a_name_is_asked_for_once_and_found() {
    with_base(|base, app| {
        let mut world = good();
        let lookup = app.resolve(base, "www.example.org.").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.ends.len(), 1);
        assert_eq!((app.ends[0].0, &app.ends[0].1), (lookup, &Ok(vec![v4(7)])));
        let [heard] = &world.heard[..] else { panic!("{:?}", world.heard) };
        assert_eq!((heard.server, heard.kind()), (addr(SERVER), Kind::A));
        assert!(heard.name().eq_ignore_ascii_case("www.example.org"));
        assert_ne!(heard.name(), "www.example.org", "the case of letters is random");
        assert!(heard.from_port >= 0xC000);
        assert_eq!(app.names.as_mut().lookups(), 0);
    });
}

#[test]
fn both_families_are_asked_for_unless_one_is_wanted() {
    with_base(|base, app| {
        let mut world = World::new(|heard| match heard.kind() {
            Kind::A => reply(heard, heard.addresses(60, &[7])),
            _ => reply(
                heard,
                heard.answer(0, |writer| {
                    writer.record(Section::Answer, &heard.name(), Kind::AAAA, 9, |writer| {
                        writer.bytes(&[1; 16]);
                    });
                }),
            ),
        });
        dns::resolve(app, base, "example.org", None, App::found).unwrap();
        run(&mut world, base, app);
        dns::resolve(app, base, "example.org", Some(Family::V6), App::found).unwrap();
        run(&mut world, base, app);
        let v6 = IpAddr::from([1; 16]);
        assert_eq!(app.answers(), [Ok(vec![v4(7), v6]), Ok(vec![v6])]);
        assert_eq!(world.heard.len(), 2, "what is known is not asked again");
    });
}

#[test]
fn one_address_is_enough_when_the_other_family_has_none() {
    with_base(|base, app| {
        let mut world = good();
        dns::resolve(app, base, "example.org", None, App::found).unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
    });
}

#[test]
fn a_silent_server_is_asked_three_times_with_growing_waits() {
    with_base(|base, app| {
        let mut world = silent();
        app.resolve(base, "example.org").unwrap();
        run(&mut world, base, app);
        let times: Vec<_> = world.heard.iter().map(|heard| heard.at.as_micros() / 1_000).collect();
        assert_eq!(times, [0, 1_000, 3_000]);
        assert_eq!(app.ends[0].2, seconds(7));
        assert_eq!(app.answers(), [Err(LookupError::NoAnswer)]);
        let ids: Vec<_> = world.heard.iter().map(|heard| heard.id()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "a late answer counts, too");
        assert_eq!(world.heard[2].name(), "example.org", "the last question is plain");
    });
}

#[test]
fn servers_are_asked_in_turn_and_the_one_that_answered_first_next_time() {
    with_base(|base, app| {
        app.names.set_servers(&[addr(SERVER), addr(SECOND)]);
        let mut world = World::new(|heard| match heard.server == addr(SERVER) {
            true => Vec::new(),
            false => reply(heard, heard.addresses(60, &[7])),
        });
        app.resolve(base, "a.example").unwrap();
        run(&mut world, base, app);
        app.resolve(base, "b.example").unwrap();
        run(&mut world, base, app);
        let servers: Vec<_> = world.heard.iter().map(|heard| heard.server).collect();
        assert_eq!(servers, [addr(SERVER), addr(SECOND), addr(SECOND)]);
        assert_eq!(world.heard[1].at, seconds(1), "after one wait");
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(7)])]);
    });
}

#[test]
fn a_server_that_fails_is_left_at_once() {
    with_base(|base, app| {
        app.names.set_servers(&[addr(SERVER), addr(SECOND)]);
        let mut world = World::new(|heard| match heard.server == addr(SERVER) {
            true => reply(heard, heard.answer(2, |_| {})),
            false => reply(heard, heard.addresses(60, &[7])),
        });
        app.resolve(base, "a.example").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.ends[0].2.as_micros(), 2_000);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
    });
}

#[test]
fn servers_that_all_fail_are_no_answer_after_three_rounds() {
    with_base(|base, app| {
        app.names.set_servers(&[addr(SERVER), addr(SECOND)]);
        let mut world = World::new(|heard| reply(heard, heard.answer(5, |_| {})));
        app.resolve(base, "a.example").unwrap();
        run(&mut world, base, app);
        assert_eq!(world.heard.len(), 6);
        assert_eq!(app.answers(), [Err(LookupError::NoAnswer)]);
    });
}

#[test]
fn without_a_server_there_is_no_answer_at_once() {
    with_base(|base, app| {
        app.names.set_servers(&[]);
        let mut world = silent();
        app.resolve(base, "example.org").unwrap();
        assert_eq!(app.ends.len(), 0, "the callback comes later");
        run(&mut world, base, app);
        assert_eq!((world.now(), world.heard.len()), (Instant::ZERO, 0));
        assert_eq!(app.answers(), [Err(LookupError::NoServer)]);
    });
}

#[test]
fn a_late_answer_to_an_earlier_try_counts() {
    with_base(|base, app| {
        let mut world = World::new(|heard| {
            let bytes = heard.addresses(60, &[7]);
            vec![Reply { after: Duration::from_millis(1_500), from: heard.server, bytes }]
        });
        app.resolve(base, "example.org").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.ends[0].2.as_micros(), 1_500_000);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
    });
}

#[test]
fn look_ups_of_one_name_share_a_question() {
    with_base(|base, app| {
        let mut world = good();
        for name in ["example.org", "EXAMPLE.org", "example.ORG."] {
            app.resolve(base, name).unwrap();
        }
        run(&mut world, base, app);
        assert_eq!((world.heard.len(), app.answers().len()), (1, 3));
    });
}

#[test]
fn a_cancelled_look_up_has_no_end() {
    with_base(|base, app| {
        let mut world = good();
        let first = app.resolve(base, "a.example").unwrap();
        let second = app.resolve(base, "a.example").unwrap();
        let third = app.resolve(base, "b.example").unwrap();
        assert!(dns::cancel(app, first) && dns::cancel(app, third));
        assert!(!dns::cancel(app, first), "it is cancelled already");
        run(&mut world, base, app);
        assert_eq!(app.ends.iter().map(|end| end.0).collect::<Vec<_>>(), [second]);
        assert!(!dns::cancel(app, second), "it has ended");
        assert_eq!(world.heard.len(), 1, "nobody waits for the other name");
        // Another look-up now uses the slot of the first one.
        let fourth = app.resolve(base, "c.example").unwrap();
        assert!(!dns::cancel(app, first) && dns::cancel(app, fourth));
    });
}

#[test]
fn each_group_of_questions_has_a_port_of_its_own() {
    with_base(|base, app| {
        let mut world = good();
        for name in ["a.example", "b.example", "c.example"] {
            app.resolve(base, name).unwrap();
            run(&mut world, base, app);
        }
        let mut ports: Vec<_> = world.heard.iter().map(|heard| heard.from_port).collect();
        ports.dedup();
        assert_eq!(ports.len(), 3);
        // Look-ups that run at the same time share the socket.
        app.names.as_mut().forget();
        for name in ["a.example", "b.example", "c.example"] {
            app.resolve(base, name).unwrap();
        }
        run(&mut world, base, app);
        let ports: Vec<_> = world.heard[3..].iter().map(|heard| heard.from_port).collect();
        assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
        assert_eq!(app.answers().len(), 6);
    });
}

#[test]
fn another_port_is_tried_when_one_is_taken() {
    with_base(|base, app| {
        let mut world = good();
        world.taken = (0xC000..=0xFFFF).collect();
        app.resolve(base, "a.example").unwrap();
        world.run(base, app, seconds(0));
        assert_eq!(world.heard.len(), 0);
        world.taken.clear();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
    });
}

#[test]
fn a_callback_may_begin_the_next_look_up() {
    with_base(|base, app| {
        let mut world = good();
        app.react = Some(|app, cx, _| {
            if app.ends.len() < 10 {
                app.resolve(cx, "example.org").unwrap();
            }
        });
        app.resolve(base, "example.org").unwrap();
        run(&mut world, base, app);
        assert_eq!((app.ends.len(), world.heard.len()), (10, 1));
    });
}

#[test]
fn ten_thousand_look_ups_use_one_socket_and_lose_none() {
    with_base(|base, app| {
        let mut world = good();
        for number in 0..10_000 {
            app.resolve(base, &format!("n{number}.example")).unwrap();
            run(&mut world, base, app);
        }
        assert_eq!((world.heard.len(), app.ends.len()), (10_000, 10_000));
        assert!(app.answers().iter().all(|answer| *answer == Ok(vec![v4(7)])));
    });
}
