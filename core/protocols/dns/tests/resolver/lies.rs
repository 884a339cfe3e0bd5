//! Forged answers from servers and strangers: none of them gives the resolver an address.

use std::net::Ipv4Addr;

use picoevent_dns::wire::{Kind, Section};
use picoevent_peers::dns::LIES;

use crate::*;
use picoevent_scripted::{Heard, Reply, reply};

/// A forged answer. The true answer comes after it.
type Lie = fn(&Heard) -> (SocketAddr, Vec<u8>);

/// The address in forged answers.
const LIAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 66);

fn wrong(heard: &Heard) -> Vec<u8> {
    heard.addresses(60, &[66])
}

/// Messages that do not come from the server that was asked.
const STRANGERS: &[(&str, Lie)] = &[
    ("from a stranger", |heard| (addr("192.0.2.66:53"), wrong(heard))),
    ("from another port", |heard| (SocketAddr::new(heard.server.ip(), 54), wrong(heard))),
];

#[test]
fn a_lie_before_the_answer_changes_nothing() {
    for (what, lie) in STRANGERS {
        is_not_believed(what, *lie);
    }
    for (what, lie) in LIES {
        is_not_believed(what, |heard| (heard.server, lie(&heard.question(), LIAR)));
    }
}

fn is_not_believed(what: &str, lie: impl Fn(&Heard) -> (SocketAddr, Vec<u8>) + 'static) {
    with_base(|base, app| {
        let mut world = World::new(move |heard| {
            let (from, bytes) = lie(heard);
            let mut replies = vec![Reply { after: Duration::from_millis(1), from, bytes }];
            let bytes = heard.addresses(60, &[7]);
            replies.push(Reply { after: Duration::from_millis(2), from: heard.server, bytes });
            replies
        });
        app.resolve(base, "www.example.org").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])], "{what}");
        assert_eq!(world.heard.len(), 1, "{what}");
    });
}

#[test]
fn addresses_of_other_names_are_not_taken() {
    with_base(|base, app| {
        let mut world = World::new(|heard| {
            let bytes = heard.answer(0, |writer| {
                for name in ["example.org", "a.www.example.org"] {
                    writer.record(Section::Answer, name, Kind::A, 60, |writer| {
                        writer.bytes(&[192, 0, 2, 66])
                    });
                }
                writer.record(Section::Additional, &heard.name(), Kind::A, 60, |writer| {
                    writer.bytes(&[192, 0, 2, 66]);
                });
            });
            reply(heard, bytes)
        });
        app.resolve(base, "www.example.org").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Err(LookupError::NoAddress)]);
    });
}

#[test]
fn answers_that_nobody_asked_for_and_doubled_ones_are_dropped() {
    with_base(|base, app| {
        let mut world = World::new(|heard| {
            let answer = |last: u8, after: u64| Reply {
                after: Duration::from_millis(after),
                from: heard.server,
                bytes: heard.addresses(60, &[last]),
            };
            // The answer is sent twice. Then another answer follows, although the question is already answered.
            vec![answer(7, 1), answer(7, 1), answer(66, 2)]
        });
        app.resolve(base, "a.example").unwrap();
        run(&mut world, base, app);
        app.resolve(base, "a.example").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(7)])]);
    });
}

/// Changes bytes of true answers at random. The result is never an address that is not in the
/// answer, unless the bytes of the address itself were changed.
#[test]
fn changed_answers_give_no_other_address() {
    let mut random = fastrand::Rng::with_seed(11);
    let question = with_question();
    let good = question.addresses(60, &[7]);
    let [.., a, b, c, d] = good[..] else { panic!("an answer ends in its address") };
    assert_eq!([a, b, c, d], [192, 0, 2, 7]);
    let mut accepted = 0;
    // A longer run sets the number of messages.
    let runs = std::env::var("PICOEVENT_CHANGED").map_or(20_000, |runs| runs.parse().unwrap());
    for _ in 0..runs {
        let mut bytes = good.clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len() - 4);
            bytes[at] = random.u8(..);
        }
        with_base(|base, app| {
            let (answer, asked) = (bytes.clone(), question.bytes.clone());
            let mut world = World::new(move |heard| {
                // Keep the ID of this query and the case of its letters.
                let mut answer = answer.clone();
                for at in (0..2).chain(12..heard.bytes.len()) {
                    if answer[at] == asked[at] {
                        answer[at] = heard.bytes[at];
                    }
                }
                reply(heard, answer)
            });
            app.resolve(base, "example.org").unwrap();
            world.run(base, app, Instant::ZERO.after(Duration::from_millis(1)));
            for answer in app.answers() {
                let Ok(found) = answer else { continue };
                assert_eq!(found, [v4(7)], "{bytes:?}");
                accepted += 1;
            }
        });
    }
    assert!(accepted > 500, "{accepted} answers were accepted");
}

/// Random messages from the server that was asked. Half of them have the ID of the query. None of them is an answer.
///
/// The test takes one second for 10⁶ messages. `PICOEVENT_RANDOM` sets the number of messages.
#[test]
#[ignore = "takes long"]
fn random_messages_give_no_address() {
    let messages = std::env::var("PICOEVENT_RANDOM");
    let messages: u64 = messages.map_or(1_000_000, |messages| messages.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(13);
    with_base(|base, app| {
        let mut world = World::new(|_| Vec::new());
        app.resolve(base, "www.example.org").unwrap();
        world.run(base, app, Instant::ZERO.after(Duration::from_millis(1)));
        let id = world.heard[0].id().to_be_bytes();
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
fn with_question() -> Heard {
    let mut heard = None;
    with_base(|base, app| {
        let mut world = World::new(|_| Vec::new());
        app.resolve(base, "example.org").unwrap();
        world.run(base, app, seconds(1));
        world.heard.truncate(1);
        heard = world.heard.pop();
    });
    heard.unwrap()
}
