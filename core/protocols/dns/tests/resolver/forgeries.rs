//! Forged answers, from servers and from other hosts. The resolver takes no address from a forged answer.

use std::net::Ipv4Addr;

use picoevent_dns::wire::{Kind, Section};
use picoevent_peers::dns::FORGERIES;

use crate::*;
use picoevent_scripted::{Datagram, Reply, reply};

/// Makes a forged answer to a query. Returns the source and the bytes of the forged answer.
type Forgery = fn(&Datagram) -> (SocketAddr, Vec<u8>);

/// The address in forged answers.
const FORGED_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 66);

fn forged_answer(query: &Datagram) -> Vec<u8> {
    query.addresses(60, &[66])
}

/// Messages that do not come from the server that was queried.
const FORGED_SOURCES: &[(&str, Forgery)] = &[
    ("from another host", |query| (addr("192.0.2.66:53"), forged_answer(query))),
    ("from another port", |query| (SocketAddr::new(query.server.ip(), 54), forged_answer(query))),
];

#[test]
fn a_forged_answer_before_the_true_answer_is_ignored() {
    for (what, forgery) in FORGED_SOURCES {
        check_ignored(what, *forgery);
    }
    for (what, forgery) in FORGERIES {
        check_ignored(what, |query| (query.server, forgery(&query.question(), FORGED_ADDRESS)));
    }
}

fn check_ignored(what: &str, forgery: impl Fn(&Datagram) -> (SocketAddr, Vec<u8>) + 'static) {
    with_base(|base, app| {
        let mut network = Network::new(move |query| {
            let (from, bytes) = forgery(query);
            let mut replies = vec![Reply { after: Duration::from_millis(1), from, bytes }];
            let bytes = query.addresses(60, &[7]);
            replies.push(Reply { after: Duration::from_millis(2), from: query.server, bytes });
            replies
        });
        app.resolve(base, "www.example.org").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])], "{what}");
        assert_eq!(network.received.len(), 1, "{what}");
    });
}

#[test]
fn addresses_of_other_names_are_ignored() {
    with_base(|base, app| {
        let mut network = Network::new(|query| {
            let bytes = query.answer(0, |writer| {
                for name in ["example.org", "a.www.example.org"] {
                    writer.record(Section::Answer, name, Kind::A, 60, |writer| {
                        writer.bytes(&[192, 0, 2, 66])
                    });
                }
                writer.record(Section::Additional, &query.name(), Kind::A, 60, |writer| {
                    writer.bytes(&[192, 0, 2, 66]);
                });
            });
            reply(query, bytes)
        });
        app.resolve(base, "www.example.org").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Err(LookupError::NoAddress)]);
    });
}

#[test]
fn unsolicited_and_duplicate_answers_are_dropped() {
    with_base(|base, app| {
        let mut network = Network::new(|query| {
            let answer = |last: u8, after: u64| Reply {
                after: Duration::from_millis(after),
                from: query.server,
                bytes: query.addresses(60, &[last]),
            };
            // The answer is sent twice. Then another answer follows, although the question is already answered.
            vec![answer(7, 1), answer(7, 1), answer(66, 2)]
        });
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(7)])]);
    });
}

/// Changes bytes of true answers at random, but not the bytes of the address. The resolver finds either this address or
/// no address.
#[test]
fn corrupted_answers_give_no_other_address() {
    let mut random = fastrand::Rng::with_seed(11);
    let question = sent_query();
    let good = question.addresses(60, &[7]);
    let [.., a, b, c, d] = good[..] else { panic!("the answer does not end with its address") };
    assert_eq!([a, b, c, d], [192, 0, 2, 7]);
    let mut accepted = 0;
    // `PICOEVENT_CHANGED` sets the number of messages, for a longer run.
    let runs = std::env::var("PICOEVENT_CHANGED").map_or(20_000, |runs| runs.parse().unwrap());
    for _ in 0..runs {
        let mut bytes = good.clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len() - 4);
            bytes[at] = random.u8(..);
        }
        with_base(|base, app| {
            let (answer, sent) = (bytes.clone(), question.bytes.clone());
            let mut network = Network::new(move |query| {
                // Keep the ID of this query and the case of its letters.
                let mut answer = answer.clone();
                for at in (0..2).chain(12..query.bytes.len()) {
                    if answer[at] == sent[at] {
                        answer[at] = query.bytes[at];
                    }
                }
                reply(query, answer)
            });
            app.resolve(base, "example.org").unwrap();
            network.run(base, app, Instant::ZERO.after(Duration::from_millis(1)));
            for answer in app.answers() {
                let Ok(found) = answer else { continue };
                assert_eq!(found, [v4(7)], "{bytes:?}");
                accepted += 1;
            }
        });
    }
    assert!(accepted > 500, "{accepted} answers were accepted");
}

/// Random messages from the server that was queried. Half of these messages have the ID of the query. None of the
/// messages is an answer.
///
/// The test takes one second for 10⁶ messages. `PICOEVENT_RANDOM` sets the number of messages.
#[test]
#[ignore = "takes long"]
fn random_messages_give_no_address() {
    let messages = std::env::var("PICOEVENT_RANDOM");
    let messages: u64 = messages.map_or(1_000_000, |messages| messages.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(13);
    with_base(|base, app| {
        let mut network = Network::new(|_| Vec::new());
        app.resolve(base, "www.example.org").unwrap();
        network.run(base, app, Instant::ZERO.after(Duration::from_millis(1)));
        let id = network.received[0].id().to_be_bytes();
        let socket = base.udp_sockets().next().unwrap();
        let mut bytes = [0; 96];
        for number in 0..messages {
            random.fill(&mut bytes);
            if number % 2 == 0 {
                bytes[..2].copy_from_slice(&id);
                // An answer to one question, with few records, so that more of the message is parsed.
                bytes[2..6].copy_from_slice(&[0x81, 0x80, 0, 1]);
                (6..12).for_each(|at| bytes[at] &= if at % 2 == 0 { 0 } else { 3 });
            }
            let length = random.usize(..bytes.len());
            assert!(base.received_from(socket, addr(SERVER), &bytes[..length]));
            base.dispatch(app);
            assert_eq!(app.ends.len(), 0, "{:?}", &bytes[..length]);
        }
    });
}

/// Returns a question as the resolver sends it.
fn sent_query() -> Datagram {
    let mut query = None;
    with_base(|base, app| {
        let mut network = Network::new(|_| Vec::new());
        app.resolve(base, "example.org").unwrap();
        network.run(base, app, seconds(1));
        network.received.truncate(1);
        query = network.received.pop();
    });
    query.unwrap()
}
