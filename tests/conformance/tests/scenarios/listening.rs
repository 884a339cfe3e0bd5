//! Listeners that are disabled, enabled again and freed while clients wait.

use picoevent::{ConnEvent, Listener};
use picoevent_conformance::{Call, Ending, Sizes, Stage};

/// Makes a listener whose first client is accepted, and whose second client waits because the table is full.
fn waiting<S: Stage>() -> (S, Listener, [Call; 2]) {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (listener, address) = stage.listen();
    let first = stage.call(address);
    stage.expect(["0 accepted"]);
    let second = stage.call(address);
    stage.expect([]);
    (stage, listener, [first, second])
}

fn clients_of_a_disabled_listener_wait_until_it_is_enabled<S: Stage>() {
    let (mut stage, listener, [_, second]) = waiting::<S>();
    stage.base().listener(listener).unwrap().disable();
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_conns(0);
    stage.send(second, b"still here");
    stage.base().listener(listener).unwrap().enable();
    stage.expect(["1 accepted", "1 read still here"]);
    stage.expect_heard(second, "", None);
    stage.end();
}

fn a_listener_that_is_disabled_and_enabled_at_once_goes_on<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (listener, address) = stage.listen();
    stage.base().listener(listener).unwrap().disable().enable();
    stage.call(address);
    stage.expect(["0 accepted"]);
    stage.base().listener(listener).unwrap().enable().disable().enable();
    stage.step();
    stage.call(address);
    stage.expect(["1 accepted"]);
    stage.end();
}

fn clients_that_wait_for_a_freed_listener_are_reset<S: Stage>() {
    let (mut stage, listener, [first, second]) = waiting::<S>();
    stage.base().listener(listener).unwrap().free();
    stage.expect_reset(second);
    // Clients that were accepted stay connected.
    stage.conn(0).write(b"you stay").unwrap();
    stage.expect(["0 written"]);
    stage.expect_heard(first, "you stay", None);
    stage.end();
}

fn clients_that_wait_for_a_disabled_listener_are_reset_when_it_is_freed<S: Stage>() {
    let (mut stage, listener, [_, second]) = waiting::<S>();
    stage.base().listener(listener).unwrap().disable();
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_conns(0);
    stage.base().listener(listener).unwrap().free();
    stage.expect_reset(second);
    stage.end();
}

fn no_client_is_accepted_at_the_address_of_a_freed_listener<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (listener, address) = stage.listen();
    stage.base().listener(listener).unwrap().free();
    assert!(stage.until(|stage| stage.base().counts().listeners == 0));
    let call = stage.call(address);
    stage.expect_heard(call, "", Some(Ending::Reset));
    // The address can be listened on again.
    let (base, app) = stage.parts();
    app.listen(base, address);
    stage.step();
    stage.call(address);
    stage.expect(["0 accepted"]);
    stage.end();
}

fn a_listener_disabled_in_its_callback_keeps_the_next_client_waiting<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.react(|_, conn, event| {
        if event == ConnEvent::Opened {
            let listener = conn.listener().unwrap();
            conn.cx().listener(listener).unwrap().disable();
        }
    });
    let (listener, address) = stage.listen();
    let _calls = [stage.call(address), stage.call(address), stage.call(address)];
    stage.expect(["0 accepted"]);
    stage.base().listener(listener).unwrap().enable();
    stage.expect(["1 accepted"]);
    stage.base().listener(listener).unwrap().enable();
    stage.expect(["2 accepted"]);
    stage.end();
}

fn a_listener_freed_in_its_callback_resets_the_next_client<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.react(|_, conn, event| {
        if event == ConnEvent::Opened {
            let listener = conn.listener().unwrap();
            conn.cx().listener(listener).unwrap().free();
        }
    });
    let (_, address) = stage.listen();
    let calls = [stage.call(address), stage.call(address)];
    stage.expect(["0 accepted"]);
    stage.expect_reset(calls[1]);
    stage.expect_heard(calls[0], "", None);
    stage.expect_conns(1);
    stage.end();
}

fn a_listener_may_be_freed_when_it_has_failed<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (_, address) = stage.listen();
    let (base, app) = stage.parts();
    let second = app.listen(base, address);
    base.listener(second).unwrap().on_error(|app, listener, error| {
        app.log.push(format!("freed after {error:?}"));
        listener.free();
    });
    stage.expect(["freed after InUse"]);
    assert_eq!(stage.base().counts().listeners, 1);
    // The first listener still has the address.
    stage.call(address);
    stage.expect(["0 accepted"]);
    stage.end();
}

on_every_stage! {
    clients_of_a_disabled_listener_wait_until_it_is_enabled,
    a_listener_that_is_disabled_and_enabled_at_once_goes_on,
    clients_that_wait_for_a_freed_listener_are_reset,
    clients_that_wait_for_a_disabled_listener_are_reset_when_it_is_freed,
    no_client_is_accepted_at_the_address_of_a_freed_listener,
    a_listener_disabled_in_its_callback_keeps_the_next_client_waiting,
    a_listener_freed_in_its_callback_resets_the_next_client,
    a_listener_may_be_freed_when_it_has_failed,
}
