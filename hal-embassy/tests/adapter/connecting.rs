//! Outgoing connections: results of a connect.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use picoevent::{Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{DEVICE, PEER, PORT, World, address};

const SERVICE: u16 = 7000;

fn failed(error: ConnError) -> [ConnEvent; 1] {
    [ConnEvent::Ended(ConnEnd::Failed(error))]
}

fn connect(world: &mut World, peer: &str) -> Conn {
    let peer: SocketAddr = peer.parse().expect("an address");
    world.command(move |app, cx| app.connect(cx, peer))
}

/// The stack knows the state of its link only after the stack has run.
#[test]
fn a_connect_before_the_stack_has_run_succeeds() {
    let mut world =
        World::unsettled::<4, 8, 256, 256, 512, 512>(Config::default(), address(DEVICE));
    world.peer.listen(SERVICE);
    let slot = Rc::new(Cell::new(None));
    let conn = slot.clone();
    world.queue_command(move |app, cx| conn.set(Some(app.connect(cx, (PEER, SERVICE).into()))));
    world.device.poll_if_woken();
    world.settle();
    let conn = slot.get().expect("the command has run");
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn events_before_the_next_iteration_are_reported_in_order() {
    let mut world = World::new();
    let server = world.peer.listen(SERVICE);
    let slot = Rc::new(Cell::new(None));
    let conn = slot.clone();
    world.queue_command(move |app, cx| conn.set(Some(app.connect(cx, (PEER, SERVICE).into()))));
    world.device.poll_if_woken();
    world.settle_network();
    world.peer.send(server, b"welcome and goodbye");
    world.peer.close(server);
    world.settle_network();
    world.settle();
    let conn = slot.get().expect("the command has run");
    assert_eq!(world.events(conn), [ConnEvent::Opened, ConnEvent::Eof]);
    assert_eq!(world.received(conn), b"welcome and goodbye");
}

#[test]
fn an_address_without_a_route_is_unreachable() {
    let mut world = World::new();
    let conn = connect(&mut world, "192.168.1.1:7000");
    assert_eq!(world.events(conn), failed(ConnError::Unreachable));
}

#[test]
fn an_address_that_is_not_one_host_and_port_is_invalid() {
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
fn an_address_of_an_unsupported_family_is_invalid() {
    let mut world = World::new();
    let conn = connect(&mut world, "[fe80::1]:7000");
    assert_eq!(world.events(conn), failed(ConnError::AddressInvalid));
}

#[test]
fn a_connect_without_an_answer_fails_after_the_timeout() {
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
fn a_connect_to_a_missing_host_fails_after_the_timeout() {
    let config = Config { timeout: Some(Duration::from_secs(30)), ..Config::default() };
    let mut world = World::with::<4, 1>(config, address(DEVICE));
    let conn = connect(&mut world, "10.0.0.77:7000");
    world.pass(Duration::from_millis(29_900));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(1_200));
    assert_eq!(world.events(conn), failed(ConnError::TimedOut));
}

#[test]
fn an_aborted_connect_frees_its_socket() {
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
fn an_outgoing_connection_uses_a_listening_socket() {
    let mut world = World::with::<4, 2>(Config::default(), address(DEVICE));
    world.listen(PORT);
    world.peer.listen(SERVICE);
    let conn = world.connect(SERVICE);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
    // One socket is left for listening.
    let clients = world.connect_clients(2);
    assert_eq!(world.established(&clients), 1);
}

#[test]
fn a_socket_listens_again_after_an_outgoing_connection() {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let server = world.peer.listen(SERVICE);
    let conn = world.connect(SERVICE);
    world.with_conn(conn, |conn| conn.close());
    world.peer.close(server);
    world.settle();
    let client = world.connect_client();
    assert_eq!(world.peer.state(client), State::Established);
}

#[test]
fn a_connect_without_a_free_socket_fails() {
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

/// Reconnects an outgoing connection in `ended`, after `delay`.
fn reconnect(app: &mut App, conn: &mut ConnMut<App>, event: ConnEvent, delay: Duration) {
    app.record(conn, event);
    if matches!(event, ConnEvent::Ended(_)) && conn.listener().is_none() {
        conn.connect_after(delay, (PEER, SERVICE).into()).expect("it has ended");
    }
}

#[test]
fn an_aborted_connection_reconnects_with_its_own_socket() {
    let mut world = World::with::<1, 1>(Config::default(), address(DEVICE));
    (0..2).for_each(|_| {
        world.peer.listen(SERVICE);
    });
    world.pass(Duration::from_secs(1));
    let conn = world.command(|app, cx| {
        app.callback = |app, conn, event| reconnect(app, conn, event, Duration::ZERO);
        app.connect(cx, (PEER, SERVICE).into())
    });
    world.with_conn(conn, |conn| conn.abort());
    world.pass(Duration::from_secs(20));
    let aborted = ConnEvent::Ended(ConnEnd::Aborted);
    assert_eq!(world.events(conn), [ConnEvent::Opened, aborted, ConnEvent::Opened]);
}

#[test]
fn clients_that_wait_do_not_keep_an_outgoing_connection_from_reconnecting() {
    let mut world = World::with::<4, 6>(Config::default(), address(DEVICE));
    let server = world.peer.listen(SERVICE);
    world.pass(Duration::from_secs(1));
    let conn = world.command(|app, cx| {
        app.callback = |app, conn, event| reconnect(app, conn, event, Duration::from_secs(5));
        app.connect(cx, (PEER, SERVICE).into())
    });
    world.listen(PORT);
    // Three clients are accepted, and the others wait in the remaining sockets.
    for _ in 0..8 {
        world.connect_client();
        world.pass(Duration::from_millis(10));
    }
    assert_eq!(world.accepted().len(), 3);
    world.peer.abort(server);
    world.pass(Duration::from_secs(1));
    for _ in 0..3 {
        world.connect_client();
        world.pass(Duration::from_millis(10));
    }
    world.peer.listen(SERVICE);
    world.pass(Duration::from_secs(10));
    let [reset] = failed(ConnError::Reset);
    assert_eq!(world.events(conn), [ConnEvent::Opened, reset, ConnEvent::Opened]);
}
