//! Scenarios for the local address of a connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use picoevent::ConnEvent;
use picoevent_conformance::{Harness, Sizes};

/// Lets the application log the local address of the connection in each callback, except in the callbacks for input and
/// output.
fn log_local_address<S: Harness>(harness: &mut S) {
    harness.react(|app, conn, event| {
        if !matches!(event, ConnEvent::Readable | ConnEvent::Writable) {
            app.log.push(format!("at {:?}", conn.local_addr()));
        }
    });
}

fn at(address: SocketAddr) -> String {
    format!("at {:?}", Some(address))
}

fn an_accepted_connection_has_the_address_that_its_client_connected_to<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    log_local_address(&mut harness);
    let (_, address) = harness.listen();
    let peer = harness.connect_peer(address);
    harness.expect(["0 accepted", &at(address)]);
    assert_eq!(harness.conn(0).local_addr(), Some(address));
    harness.reset(peer);
    harness.expect(["0 Ended(Failed(Reset))", &at(address)]);
    harness.end();
}

fn a_listener_on_all_addresses_reports_the_address_that_the_client_connected_to<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    log_local_address(&mut harness);
    let mut unspecified = harness.free_address();
    unspecified.set_ip(match harness.own_address() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    });
    let (base, app) = harness.parts();
    let listener = app.listen(base, unspecified);
    harness.step();
    let address = SocketAddr::new(harness.own_address(), harness.address_of(listener).port());
    harness.connect_peer(address);
    harness.expect(["0 accepted", &at(address)]);
    harness.end();
}

fn an_outgoing_connection_has_an_address_while_it_is_connected<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let own = harness.own_address();
    let (first, host) = harness.listening_peer();
    let (second, _) = harness.listening_peer();
    harness.react(move |app, conn, event| match event {
        ConnEvent::Opened => {
            let local = conn.local_addr().expect("it is connected");
            // If there are several addresses, the stack chooses one of them.
            assert_eq!(local.is_ipv4(), own.is_ipv4());
            assert!(!local.ip().is_unspecified() && local.port() != 0);
            assert_ne!(Some(local), conn.peer_addr());
        }
        ConnEvent::Ended(_) => {
            assert!(conn.local_addr().is_some(), "it is still known");
            app.connect_again(conn, Duration::from_millis(60), second);
        }
        _ => {}
    });
    harness.connect(first);
    assert_eq!(harness.conn(0).local_addr(), None, "it is not connected yet");
    harness.expect(["0 Opened"]);
    harness.reset(host);
    harness.expect(["0 Ended(Failed(Reset))"]);
    assert!(harness.conn(0).is_resting());
    assert_eq!(harness.conn(0).local_addr(), None, "it is at rest");
    harness.expect(["0 Opened"]);
    harness.end();
}

on_every_back_end! {
    an_accepted_connection_has_the_address_that_its_client_connected_to,
    a_listener_on_all_addresses_reports_the_address_that_the_client_connected_to,
    an_outgoing_connection_has_an_address_while_it_is_connected,
}
