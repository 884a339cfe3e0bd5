//! Outgoing connections: results of a connect.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use picoevent::{Conn, ConnEnd, ConnError, ConnEvent, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PEER, PORT, World, address};

const SERVICE: u16 = 7000;

fn failed(error: ConnError) -> [ConnEvent; 1] {
    [ConnEvent::Ended(ConnEnd::Failed(error))]
}

fn connect(world: &mut World, peer: &str) -> Conn {
    let peer: SocketAddr = peer.parse().expect("an address");
    world.command(move |app, cx| app.connect(cx, peer))
}

/// The stack knows the state of its link only after it has run.
#[test]
fn a_connection_opened_before_the_stack_has_run_is_established() {
    let mut world =
        World::unsettled::<4, 8, 256, 256, 512, 512>(Config::default(), address(DEVICE));
    world.peer.listen(SERVICE);
    let place = Rc::new(Cell::new(None));
    let conn = place.clone();
    world.order(move |app, cx| conn.set(Some(app.connect(cx, (PEER, SERVICE).into()))));
    world.device.work();
    world.settle();
    let conn = place.get().expect("it was told to connect");
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn what_happened_before_the_loop_looked_is_told_in_order() {
    let mut world = World::new();
    let call = world.peer.listen(SERVICE);
    let place = Rc::new(Cell::new(None));
    let conn = place.clone();
    world.order(move |app, cx| conn.set(Some(app.connect(cx, (PEER, SERVICE).into()))));
    world.device.work();
    world.settle_network();
    world.peer.send(call, b"welcome and goodbye");
    world.peer.close(call);
    world.settle_network();
    world.settle();
    let conn = place.get().expect("it was told to connect");
    assert_eq!(world.events(conn), [ConnEvent::Opened, ConnEvent::Eof]);
    assert_eq!(world.received(conn), b"welcome and goodbye");
}

#[test]
fn an_address_to_which_no_gateway_leads_is_unreachable() {
    let mut world = World::new();
    let conn = connect(&mut world, "192.168.1.1:7000");
    assert_eq!(world.events(conn), failed(ConnError::Unreachable));
}

#[test]
fn an_address_that_names_no_single_host_is_invalid() {
    let mut world = World::with::<8, 2>(Config::default(), address(DEVICE));
    let frames = world.cable.borrow().frames;
    let broadcasts = ["255.255.255.255:7000", "10.0.0.255:7000", "224.0.0.1:7000"];
    for peer in broadcasts.into_iter().chain(["0.0.0.0:7000", "10.0.0.1:0"]) {
        let conn = connect(&mut world, peer);
        assert_eq!(world.events(conn), failed(ConnError::AddressInvalid), "{peer}");
    }
    world.pass(Duration::from_secs(5));
    assert_eq!(world.cable.borrow().frames, frames);
}

#[cfg(not(feature = "proto-ipv6"))]
#[test]
fn an_address_of_a_family_the_stack_does_not_have_is_invalid() {
    let mut world = World::new();
    let conn = connect(&mut world, "[fe80::1]:7000");
    assert_eq!(world.events(conn), failed(ConnError::AddressInvalid));
}

#[test]
fn a_peer_that_is_silent_is_given_up_after_the_timeout() {
    let config = Config { timeout: Some(Duration::from_secs(30)), ..Config::default() };
    let mut world = World::with::<4, 1>(config, address(DEVICE));
    world.peer.listen(SERVICE);
    world.lose(|_| true);
    let conn = world.connect(SERVICE);
    world.pass(Duration::from_millis(29_900));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(200));
    assert_eq!(world.events(conn), failed(ConnError::TimedOut));
    // The only socket is free again.
    world.lose(|_| false);
    let conn = world.connect(SERVICE);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn a_host_that_is_not_there_is_given_up_after_the_timeout() {
    let config = Config { timeout: Some(Duration::from_secs(30)), ..Config::default() };
    let mut world = World::with::<4, 1>(config, address(DEVICE));
    let conn = connect(&mut world, "10.0.0.77:7000");
    world.pass(Duration::from_millis(29_900));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(1_200));
    assert_eq!(world.events(conn), failed(ConnError::TimedOut));
}

#[test]
fn a_connect_the_application_gives_up_frees_its_socket() {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.peer.listen(SERVICE);
    world.lose(|_| true);
    let conn = world.connect(SERVICE);
    world.with_conn(conn, |conn| {
        conn.set_timeouts(None, Some(Duration::from_secs(3)));
    });
    world.pass(Duration::from_secs(3));
    assert_eq!(world.events(conn), [ConnEvent::Timeout(Direction::Write)]);
    world.with_conn(conn, |conn| conn.abort());
    world.lose(|_| false);
    world.pass(Duration::from_secs(1));
    let conn = world.connect(SERVICE);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn a_socket_that_listens_gives_way_to_a_connection() {
    let mut world = World::with::<4, 2>(Config::default(), address(DEVICE));
    world.listen(PORT);
    world.peer.listen(SERVICE);
    let conn = world.connect(SERVICE);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
    // One socket is left for listening.
    let calls = world.calls(2);
    assert_eq!(world.established(&calls), 1);
}

#[test]
fn a_connection_gives_its_socket_back_to_the_listener() {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let call = world.peer.listen(SERVICE);
    let conn = world.connect(SERVICE);
    world.with_conn(conn, |conn| conn.close());
    world.peer.close(call);
    world.settle();
    let call = world.call();
    assert_eq!(world.peer.state(call), State::Established);
}

#[test]
fn one_connection_more_than_sockets_is_told() {
    let mut world = World::with::<4, 2>(Config::default(), address(DEVICE));
    let conns = [(); 3].map(|()| {
        world.peer.listen(SERVICE);
        world.connect(SERVICE)
    });
    assert_eq!(world.events(conns[1]), [ConnEvent::Opened]);
    assert_eq!(world.events(conns[2]), failed(ConnError::NoSocket));
    world.with_conn(conns[0], |conn| conn.abort());
    let conn = world.connect(SERVICE);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}
