//! Scenarios for accepting, reading and writing.

use picoevent::{ConnEvent, ListenError};
use picoevent_conformance::{Harness, Sizes, pattern};

fn a_client_is_accepted_and_its_bytes_are_read<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.send(peer, b"hello");
    harness.expect(["0 read hello"]);
    harness.send(peer, b"again");
    harness.expect(["0 read again"]);
    harness.expect_received(peer, "", None);
    harness.end();
}

fn output_reaches_the_peer_and_is_reported_once<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).write(b"one").unwrap();
    harness.conn(0).write(b"two").unwrap();
    harness.expect(["0 written"]);
    harness.expect_received(peer, "onetwo", None);
    harness.conn(0).write(b"three").unwrap();
    harness.expect(["0 written"]);
    harness.expect_received(peer, "onetwothree", None);
    harness.end();
}

fn output_written_in_the_accept_callback_reaches_the_peer<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.react(|_, conn, event| {
        if event == ConnEvent::Opened {
            conn.write(b"welcome").unwrap();
        }
    });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer(address);
    harness.expect(["0 accepted", "0 written"]);
    harness.expect_received(peer, "welcome", None);
    harness.end();
}

fn input_that_does_not_fit_the_ring_waits_for_room<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 7, ..Sizes::default() });
    let peer = harness.accepted_peer();
    let text = "a text that takes several rings of seven bytes, and one that is not full";
    harness.send(peer, text.as_bytes());
    harness.expect([format!("0 read {text}").as_str()]);
    harness.end();
}

fn output_that_is_longer_than_the_ring_arrives_complete<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 97, ..Sizes::default() });
    let peer = harness.accepted_peer();
    harness.react(|app, conn, event| {
        if event == ConnEvent::Writable && app.flooded < 97 * 20 {
            app.flood(conn);
        }
    });
    let (base, app) = harness.parts();
    app.flood(&mut base.conn(app.conns[0]).unwrap());
    harness.expect_received(peer, pattern(0, 97 * 20), None);
    harness.end();
}

fn each_connection_names_its_listener<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let ((first, first_address), (second, second_address)) = (harness.listen(), harness.listen());
    harness.connect_peer(second_address);
    harness.expect(["0 accepted"]);
    harness.connect_peer(first_address);
    harness.expect(["1 accepted"]);
    assert_eq!(harness.conn(0).listener(), Some(second));
    assert_eq!(harness.conn(1).listener(), Some(first));
    harness.end();
}

fn a_second_listener_on_the_same_address_fails<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (_, address) = harness.listen();
    let (base, app) = harness.parts();
    let second = app.listen(base, address);
    harness.expect([format!("listen {:?}", ListenError::InUse).as_str()]);
    assert!(!harness.base().listener(second).unwrap().is_enabled());
    harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    harness.end();
}

on_every_back_end! {
    a_client_is_accepted_and_its_bytes_are_read,
    output_reaches_the_peer_and_is_reported_once,
    output_written_in_the_accept_callback_reaches_the_peer,
    input_that_does_not_fit_the_ring_waits_for_room,
    output_that_is_longer_than_the_ring_arrives_complete,
    each_connection_names_its_listener,
    a_second_listener_on_the_same_address_fails,
}
