//! Answers that are truncated over UDP and fetched over TCP.

use picoevent_dns::wire::flag;

use crate::*;
use picoevent_scripted::{Datagram, Reply, TcpServer, reply};

/// A server whose answers over UDP are truncated.
fn truncating_server() -> Network {
    Network::new(|query| reply(query, query.answer(flag::TRUNCATED, |_| {})))
}

/// Returns the answer over TCP to the question in `received`. `last` is the last byte of the address in the answer.
fn answer(received: &[u8], last: u8) -> Vec<u8> {
    let question = Datagram {
        at: Instant::ZERO,
        server: addr(SERVER),
        from_port: 0,
        bytes: received[2..].to_vec(),
    };
    let answer = question.addresses(60, &[last]);
    let mut bytes = (answer.len() as u16).to_be_bytes().to_vec();
    bytes.extend(answer);
    bytes
}

fn set_tcp_server(network: &mut Network, server: impl FnMut(&[u8]) -> (Vec<u8>, bool) + 'static) {
    network.tcp = Some(Box::new(server) as TcpServer);
}

#[test]
fn a_truncated_answer_is_fetched_over_tcp() {
    with_base(|base, app| {
        let pool = pool(base, 512);
        app.names.set_tcp_pool(pool);
        let mut network = truncating_server();
        set_tcp_server(&mut network, |received| (answer(received, 9), false));
        for name in ["a.example", "b.example"] {
            app.resolve(base, name).unwrap();
        }
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(9)]), Ok(vec![v4(9)])]);
        assert_eq!(network.connects, [addr(SERVER); 2], "one connection after the other");
        assert_eq!(base.conns_in_use(pool), 0);
    });
}

#[test]
fn an_answer_is_fetched_from_the_server_that_truncated_it() {
    with_base(|base, app| {
        let pool = pool(base, 512);
        app.names.set_tcp_pool(pool);
        app.names.set_servers(&[addr(SERVER), addr(SECOND_SERVER)]);
        // The first server truncates two answers, and is silent over TCP at first. Meanwhile the second server answers
        // another query.
        let mut network = Network::new(|query| {
            let is_first = query.server == addr(SERVER);
            let truncated = |millis| {
                let bytes = query.answer(flag::TRUNCATED, |_| {});
                vec![Reply { after: Duration::from_millis(millis), from: query.server, bytes }]
            };
            match &*query.name().to_ascii_lowercase() {
                "a.example" if is_first => truncated(1),
                "b.example" if is_first => truncated(900),
                "c.example" if is_first => Vec::new(),
                _ => reply(query, query.addresses(60, &[7])),
            }
        });
        let mut fetched = 0;
        set_tcp_server(&mut network, move |received| {
            fetched += 1;
            if fetched == 1 { (Vec::new(), false) } else { (answer(received, 9), false) }
        });
        for name in ["a.example", "b.example", "c.example"] {
            app.resolve(base, name).unwrap();
        }
        run(&mut network, base, app);
        // The first fetch of `a.example` fails. Then its query is sent over UDP again, and its answer is fetched again.
        assert_eq!(network.connects, [addr(SERVER); 3]);
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(9)]), Ok(vec![v4(9)])]);
    });
}

#[test]
fn an_answer_that_is_cut_within_a_record_is_fetched_over_tcp() {
    with_base(|base, app| {
        let pool = pool(base, 512);
        app.names.set_tcp_pool(pool);
        let mut network = Network::new(|query| {
            let mut bytes = query.addresses(60, &[7, 8]);
            bytes[2] |= (flag::TRUNCATED >> 8) as u8;
            bytes.truncate(bytes.len() - 3);
            reply(query, bytes)
        });
        set_tcp_server(&mut network, |received| (answer(received, 9), false));
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(9)])]);
        assert_eq!(network.received.len(), 1);
    });
}

#[test]
fn a_fetch_without_an_answer_does_not_end_the_next_one() {
    with_base(|base, app| {
        let pool = pool(base, 512);
        app.names.set_tcp_pool(pool);
        let mut network = truncating_server();
        set_tcp_server(&mut network, |received| {
            match received.windows(2).any(|two| two.eq_ignore_ascii_case(b"n1")) {
                true => (Vec::new(), false),
                false => (answer(received, 9), false),
            }
        });
        for name in ["n1.example", "n2.example"] {
            app.resolve(base, name).unwrap();
        }
        run(&mut network, base, app);
        assert_eq!(
            app.ends[0].2.as_micros() / 1_000_000,
            5,
            "after the time limit of the first fetch"
        );
        assert_eq!(app.answers(), [Ok(vec![v4(9)]), Err(LookupError::NoAnswer)]);
    });
}

#[test]
fn without_a_pool_a_truncated_answer_is_too_long() {
    with_base(|base, app| {
        let mut network = truncating_server();
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Err(LookupError::TooLong)]);
    });
}

#[test]
fn an_answer_longer_than_the_ring_is_too_long() {
    with_base(|base, app| {
        let pool = pool(base, 40);
        app.names.set_tcp_pool(pool);
        let mut network = truncating_server();
        set_tcp_server(&mut network, |received| (answer(received, 9), false));
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Err(LookupError::TooLong)]);
        assert_eq!(base.conns_in_use(pool), 0);
    });
}

#[test]
fn a_silent_or_faulty_server_over_tcp_gives_no_answer() {
    type Behaviour = fn(&[u8]) -> (Vec<u8>, bool);
    let behaviours: [Behaviour; 4] = [
        |_| (Vec::new(), false),
        |_| (Vec::new(), true),
        |received| {
            let mut bytes = answer(received, 9);
            bytes[2] ^= 1;
            (bytes, false)
        },
        |received| (answer(received, 9)[..20].to_vec(), true),
    ];
    for (number, behaviour) in behaviours.into_iter().enumerate() {
        with_base(|base, app| {
            let pool = pool(base, 512);
            app.names.set_tcp_pool(pool);
            let mut network = truncating_server();
            set_tcp_server(&mut network, behaviour);
            app.resolve(base, "a.example").unwrap();
            run(&mut network, base, app);
            assert_eq!(app.answers(), [Err(LookupError::NoAnswer)], "behaviour {number}");
            assert_eq!(network.received.len(), 3, "behaviour {number}");
            assert_eq!(base.conns_in_use(pool), 0);
        });
    }
}

#[test]
fn cancelling_a_look_up_ends_its_connection() {
    with_base(|base, app| {
        let pool = pool(base, 512);
        app.names.set_tcp_pool(pool);
        let mut network = truncating_server();
        set_tcp_server(&mut network, |_| (Vec::new(), false));
        let lookup = app.resolve(base, "a.example").unwrap();
        network.run(base, app, Instant::ZERO.after(Duration::from_millis(1)));
        assert!(dns::cancel(app, lookup));
        let other = app.resolve(base, "b.example").unwrap();
        assert!(dns::cancel(app, other));
        run(&mut network, base, app);
        assert_eq!((app.answers().len(), base.conns_in_use(pool)), (0, 0));
    });
}
