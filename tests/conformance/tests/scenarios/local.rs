//! The local address of a connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use picoevent::ConnEvent;
use picoevent_conformance::{Sizes, Stage};

/// Lets the application write down a connection's local address in each callback except those for input and output.
fn say_where<S: Stage>(stage: &mut S) {
    stage.react(|app, conn, event| {
        if !matches!(event, ConnEvent::Readable | ConnEvent::Writable) {
            app.log.push(format!("at {:?}", conn.local()));
        }
    });
}

fn at(address: SocketAddr) -> String {
    format!("at {:?}", Some(address))
}

fn an_accepted_connection_is_where_its_client_has_called<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    say_where(&mut stage);
    let (_, address) = stage.listen();
    let call = stage.call(address);
    stage.expect(["0 accepted", &at(address)]);
    assert_eq!(stage.conn(0).local(), Some(address));
    stage.reset(call);
    stage.expect(["0 Ended(Failed(Reset))", &at(address)]);
    stage.end();
}

fn of_all_addresses_it_is_the_one_that_was_called<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    say_where(&mut stage);
    let mut every = stage.free_address();
    every.set_ip(match stage.own_address() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    });
    let (base, app) = stage.parts();
    let listener = app.listen(base, every);
    stage.step();
    let called = SocketAddr::new(stage.own_address(), stage.address_of(listener).port());
    stage.call(called);
    stage.expect(["0 accepted", &at(called)]);
    stage.end();
}

fn an_outgoing_connection_has_an_address_while_it_is_connected<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let own = stage.own_address();
    let (first, host) = stage.host();
    let (second, _) = stage.host();
    stage.react(move |app, conn, event| match event {
        ConnEvent::Opened => {
            let local = conn.local().expect("it is connected");
            // If there are several addresses, the stack chooses one of them.
            assert_eq!(local.is_ipv4(), own.is_ipv4());
            assert!(!local.ip().is_unspecified() && local.port() != 0);
            assert_ne!(Some(local), conn.peer());
        }
        ConnEvent::Ended(_) => {
            assert!(conn.local().is_some(), "it is still known");
            app.connect_again(conn, Duration::from_millis(60), second);
        }
        _ => {}
    });
    stage.connect(first);
    assert_eq!(stage.conn(0).local(), None, "it is not connected yet");
    stage.expect(["0 Opened"]);
    stage.reset(host);
    stage.expect(["0 Ended(Failed(Reset))"]);
    assert!(stage.conn(0).is_resting());
    assert_eq!(stage.conn(0).local(), None, "it is at rest");
    stage.expect(["0 Opened"]);
    stage.end();
}

on_every_stage! {
    an_accepted_connection_is_where_its_client_has_called,
    of_all_addresses_it_is_the_one_that_was_called,
    an_outgoing_connection_has_an_address_while_it_is_connected,
}
