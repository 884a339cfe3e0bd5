//! Answers that are truncated over UDP and fetched over TCP.

use picoevent_dns::wire::flag;

use crate::*;
use picoevent_scripted::{Heard, Reply, TcpServer, reply};

/// A server whose answers over UDP are truncated.
fn cut_off() -> World {
    World::new(|heard| reply(heard, heard.answer(flag::TRUNCATED, |_| {})))
}

/// Answers the question in `got` over TCP.
fn answer(got: &[u8], last: u8) -> Vec<u8> {
    let question =
        Heard { at: Instant::ZERO, server: addr(SERVER), from_port: 0, bytes: got[2..].to_vec() };
    let answer = question.addresses(60, &[last]);
    let mut bytes = (answer.len() as u16).to_be_bytes().to_vec();
    bytes.extend(answer);
    bytes
}

fn server(world: &mut World, server: impl FnMut(&[u8]) -> (Vec<u8>, bool) + 'static) {
    world.tcp = Some(Box::new(server) as TcpServer);
}

#[test]
fn an_answer_that_is_cut_off_is_fetched_over_tcp() {
    with_base(|base, app| {
        let pool = pool(base, 512);
        app.names.set_tcp_pool(pool);
        let mut world = cut_off();
        server(&mut world, |got| (answer(got, 9), false));
        for name in ["a.example", "b.example"] {
            app.resolve(base, name).unwrap();
        }
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(9)]), Ok(vec![v4(9)])]);
        assert_eq!(world.connects, [addr(SERVER); 2], "one after the other");
        assert_eq!(base.pool_held(pool), 0);
    });
}

#[test]
fn an_answer_is_fetched_from_the_server_that_truncated_it() {
    with_base(|base, app| {
        let pool = pool(base, 512);
        app.names.set_tcp_pool(pool);
        app.names.set_servers(&[addr(SERVER), addr(SECOND)]);
        // The first server truncates two answers, and is silent over TCP at first. Meanwhile the second server answers
        // another query.
        let mut world = World::new(|heard| {
            let is_first = heard.server == addr(SERVER);
            let truncated = |millis| {
                let bytes = heard.answer(flag::TRUNCATED, |_| {});
                vec![Reply { after: Duration::from_millis(millis), from: heard.server, bytes }]
            };
            match &*heard.name().to_ascii_lowercase() {
                "a.example" if is_first => truncated(1),
                "b.example" if is_first => truncated(900),
                "c.example" if is_first => Vec::new(),
                _ => reply(heard, heard.addresses(60, &[7])),
            }
        });
        let mut fetched = 0;
        server(&mut world, move |got| {
            fetched += 1;
            if fetched == 1 { (Vec::new(), false) } else { (answer(got, 9), false) }
        });
        for name in ["a.example", "b.example", "c.example"] {
            app.resolve(base, name).unwrap();
        }
        run(&mut world, base, app);
        // The first look-up is asked again, and fetched again.
        assert_eq!(world.connects, [addr(SERVER); 3]);
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(9)]), Ok(vec![v4(9)])]);
    });
}

#[test]
fn without_a_pool_it_is_too_long() {
    with_base(|base, app| {
        let mut world = cut_off();
        app.resolve(base, "a.example").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Err(LookupError::TooLong)]);
    });
}

#[test]
fn an_answer_longer_than_the_ring_is_too_long() {
    with_base(|base, app| {
        let pool = pool(base, 40);
        app.names.set_tcp_pool(pool);
        let mut world = cut_off();
        server(&mut world, |got| (answer(got, 9), false));
        app.resolve(base, "a.example").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Err(LookupError::TooLong)]);
        assert_eq!(base.pool_held(pool), 0);
    });
}

#[test]
fn a_server_that_is_silent_ends_or_lies_over_tcp_is_no_answer() {
    type Kind = fn(&[u8]) -> (Vec<u8>, bool);
    let kinds: [Kind; 4] = [
        |_| (Vec::new(), false),
        |_| (Vec::new(), true),
        |got| {
            let mut bytes = answer(got, 9);
            bytes[2] ^= 1;
            (bytes, false)
        },
        |got| (answer(got, 9)[..20].to_vec(), true),
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        with_base(|base, app| {
            let pool = pool(base, 512);
            app.names.set_tcp_pool(pool);
            let mut world = cut_off();
            server(&mut world, kind);
            app.resolve(base, "a.example").unwrap();
            run(&mut world, base, app);
            assert_eq!(app.answers(), [Err(LookupError::NoAnswer)], "kind {number}");
            assert_eq!(world.heard.len(), 3, "kind {number}");
            assert_eq!(base.pool_held(pool), 0);
        });
    }
}

#[test]
fn a_cancelled_look_up_drops_its_connection() {
    with_base(|base, app| {
        let pool = pool(base, 512);
        app.names.set_tcp_pool(pool);
        let mut world = cut_off();
        server(&mut world, |_| (Vec::new(), false));
        let lookup = app.resolve(base, "a.example").unwrap();
        world.run(base, app, Instant::ZERO.after(Duration::from_millis(1)));
        assert!(dns::cancel(app, lookup));
        let other = app.resolve(base, "b.example").unwrap();
        assert!(dns::cancel(app, other));
        run(&mut world, base, app);
        assert_eq!((app.answers().len(), base.pool_held(pool)), (0, 0));
    });
}
