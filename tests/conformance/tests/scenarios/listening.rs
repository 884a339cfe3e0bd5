//! Scenarios for listeners that are disabled, enabled again and freed while clients wait.

use picoevent::{ConnEvent, Listener};
use picoevent_conformance::{Ending, Harness, PeerConn, Sizes};

/// Makes a listener whose first client is accepted, and whose second client waits because the table is full.
fn waiting<S: Harness>() -> (S, Listener, [PeerConn; 2]) {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (listener, address) = harness.listen();
    let first = harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    let second = harness.connect_peer(address);
    harness.expect([]);
    (harness, listener, [first, second])
}

fn clients_of_a_disabled_listener_wait_until_it_is_enabled<S: Harness>() {
    let (mut harness, listener, [_, second]) = waiting::<S>();
    harness.base().listener(listener).unwrap().disable();
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_conns(0);
    harness.send(second, b"still here");
    harness.base().listener(listener).unwrap().enable();
    harness.expect(["1 accepted", "1 read still here"]);
    harness.expect_received(second, "", None);
    harness.end();
}

fn a_listener_that_is_disabled_and_enabled_at_once_goes_on<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (listener, address) = harness.listen();
    harness.base().listener(listener).unwrap().disable().enable();
    harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    harness.base().listener(listener).unwrap().enable().disable().enable();
    harness.step();
    harness.connect_peer(address);
    harness.expect(["1 accepted"]);
    harness.end();
}

fn clients_that_wait_for_a_freed_listener_are_reset<S: Harness>() {
    let (mut harness, listener, [first, second]) = waiting::<S>();
    harness.base().listener(listener).unwrap().free();
    harness.expect_reset(second);
    // Clients that were accepted stay connected.
    harness.conn(0).write(b"you stay").unwrap();
    harness.expect(["0 written"]);
    harness.expect_received(first, "you stay", None);
    harness.end();
}

fn clients_that_wait_for_a_disabled_listener_are_reset_when_it_is_freed<S: Harness>() {
    let (mut harness, listener, [_, second]) = waiting::<S>();
    harness.base().listener(listener).unwrap().disable();
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_conns(0);
    harness.base().listener(listener).unwrap().free();
    harness.expect_reset(second);
    harness.end();
}

fn no_client_is_accepted_at_the_address_of_a_freed_listener<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (listener, address) = harness.listen();
    harness.base().listener(listener).unwrap().free();
    assert!(harness.until(|harness| harness.base().counts().listeners == 0));
    let peer = harness.connect_peer(address);
    harness.expect_received(peer, "", Some(Ending::Reset));
    // The application can listen on the address again.
    let (base, app) = harness.parts();
    app.listen(base, address);
    harness.step();
    harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    harness.end();
}

fn a_listener_disabled_in_its_callback_keeps_the_next_client_waiting<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.react(|_, conn, event| {
        if event == ConnEvent::Opened {
            let listener = conn.listener().unwrap();
            conn.cx().listener(listener).unwrap().disable();
        }
    });
    let (listener, address) = harness.listen();
    let _calls = [
        harness.connect_peer(address),
        harness.connect_peer(address),
        harness.connect_peer(address),
    ];
    harness.expect(["0 accepted"]);
    harness.base().listener(listener).unwrap().enable();
    harness.expect(["1 accepted"]);
    harness.base().listener(listener).unwrap().enable();
    harness.expect(["2 accepted"]);
    harness.end();
}

fn a_listener_freed_in_its_callback_resets_the_next_client<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.react(|_, conn, event| {
        if event == ConnEvent::Opened {
            let listener = conn.listener().unwrap();
            conn.cx().listener(listener).unwrap().free();
        }
    });
    let (_, address) = harness.listen();
    let peers = [harness.connect_peer(address), harness.connect_peer(address)];
    harness.expect(["0 accepted"]);
    harness.expect_reset(peers[1]);
    harness.expect_received(peers[0], "", None);
    harness.expect_conns(1);
    harness.end();
}

fn a_listener_may_be_freed_when_it_has_failed<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (_, address) = harness.listen();
    let (base, app) = harness.parts();
    let second = app.listen(base, address);
    base.listener(second).unwrap().on_error(|app, listener, error| {
        app.log.push(format!("freed after {error:?}"));
        listener.free();
    });
    harness.expect(["freed after InUse"]);
    assert_eq!(harness.base().counts().listeners, 1);
    // The first listener still has the address.
    harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    harness.end();
}

on_every_back_end! {
    clients_of_a_disabled_listener_wait_until_it_is_enabled,
    a_listener_that_is_disabled_and_enabled_at_once_goes_on,
    clients_that_wait_for_a_freed_listener_are_reset,
    clients_that_wait_for_a_disabled_listener_are_reset_when_it_is_freed,
    no_client_is_accepted_at_the_address_of_a_freed_listener,
    a_listener_disabled_in_its_callback_keeps_the_next_client_waiting,
    a_listener_freed_in_its_callback_resets_the_next_client,
    a_listener_may_be_freed_when_it_has_failed,
}
