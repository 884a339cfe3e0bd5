//! Accepting, reading and writing.

use picoevent::{ConnEvent, ListenError};
use picoevent_conformance::{Sizes, Stage, pattern};

fn a_client_is_accepted_and_its_bytes_are_read<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.send(call, b"hello");
    stage.expect(["0 read hello"]);
    stage.send(call, b"again");
    stage.expect(["0 read again"]);
    stage.expect_heard(call, "", None);
    stage.end();
}

fn what_is_written_reaches_the_peer_and_is_reported_once<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).write(b"one").unwrap();
    stage.conn(0).write(b"two").unwrap();
    stage.expect(["0 written"]);
    stage.expect_heard(call, "onetwo", None);
    stage.conn(0).write(b"three").unwrap();
    stage.expect(["0 written"]);
    stage.expect_heard(call, "onetwothree", None);
    stage.end();
}

fn what_is_written_in_the_accept_callback_reaches_the_peer<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.react(|_, conn, event| {
        if event == ConnEvent::Opened {
            conn.write(b"welcome").unwrap();
        }
    });
    let (_, address) = stage.listen();
    let call = stage.call(address);
    stage.expect(["0 accepted", "0 written"]);
    stage.expect_heard(call, "welcome", None);
    stage.end();
}

fn input_that_does_not_fit_the_ring_waits_for_room<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 7, ..Sizes::default() });
    let call = stage.accepted_call();
    let text = "a text that takes several rings of seven bytes, and one that is not full";
    stage.send(call, text.as_bytes());
    stage.expect([format!("0 read {text}").as_str()]);
    stage.end();
}

fn output_of_many_rings_arrives_whole<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 97, ..Sizes::default() });
    let call = stage.accepted_call();
    stage.react(|app, conn, event| {
        if event == ConnEvent::Writable && app.flooded < 97 * 20 {
            app.flood(conn);
        }
    });
    let (base, app) = stage.parts();
    app.flood(&mut base.conn(app.conns[0]).unwrap());
    stage.expect_heard(call, pattern(0, 97 * 20), None);
    stage.end();
}

fn clients_of_two_listeners_are_told_apart<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let ((first, first_address), (second, second_address)) = (stage.listen(), stage.listen());
    stage.call(second_address);
    stage.expect(["0 accepted"]);
    stage.call(first_address);
    stage.expect(["1 accepted"]);
    assert_eq!(stage.conn(0).listener(), Some(second));
    assert_eq!(stage.conn(1).listener(), Some(first));
    stage.end();
}

fn a_second_listener_on_the_same_address_fails<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (_, address) = stage.listen();
    let (base, app) = stage.parts();
    let second = app.listen(base, address);
    stage.expect([format!("listen {:?}", ListenError::InUse).as_str()]);
    assert!(!stage.base().listener(second).unwrap().is_enabled());
    stage.call(address);
    stage.expect(["0 accepted"]);
    stage.end();
}

on_every_stage! {
    a_client_is_accepted_and_its_bytes_are_read,
    what_is_written_reaches_the_peer_and_is_reported_once,
    what_is_written_in_the_accept_callback_reaches_the_peer,
    input_that_does_not_fit_the_ring_waits_for_room,
    output_of_many_rings_arrives_whole,
    clients_of_two_listeners_are_told_apart,
    a_second_listener_on_the_same_address_fails,
}
