//! A peer that has vanished holds its socket for a limited time. A peer that is alive holds its socket without a limit.

use std::time::Duration;

use picoevent::{ConnEnd, ConnError, ConnEvent, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PEER, PORT, World, address, failed};

fn serving(timeout: Option<u64>, keep_alive: Option<u64>) -> World {
    let config = Config { timeout: timeout.map(Duration::from_secs), ..Config::default() };
    let mut world = World::with::<1, 2>(config, address(DEVICE));
    world.command(move |app, _| app.keep_alive = keep_alive.map(Duration::from_secs));
    world.listen(PORT);
    world
}

const TIMED_OUT: [ConnEvent; 1] = [failed(ConnError::TimedOut)];

#[test]
fn the_connection_of_a_vanished_peer_is_dropped_and_its_socket_is_used_again() {
    let mut world = serving(Some(30), Some(10));
    world.connect_clients(2);
    let conn = world.accepted()[0];
    world.lose(|_| true);
    world.pass(Duration::from_secs(29));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_secs(12));
    assert!(matches!(world.events(conn)[..], [ConnEvent::Ended(ConnEnd::Failed(_))]));
    world.lose(|_| false);
    // Neither the accepted client nor the waiting client still holds a socket.
    let clients = world.connect_clients(2);
    assert_eq!(world.established(&clients), 2);
    assert_eq!(world.accepted().len(), 2);
}

#[test]
fn the_connection_of_a_vanished_peer_is_dropped_though_input_is_disabled() {
    let mut world = serving(Some(30), Some(10));
    world.connect_client();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| {
        conn.disable(Direction::Read);
    });
    world.lose(|_| true);
    world.pass(Duration::from_secs(41));
    assert!(matches!(world.events(conn)[..], [ConnEvent::Ended(ConnEnd::Failed(_))]));
}

#[test]
fn a_connection_with_unsent_output_is_dropped_when_its_peer_has_vanished() {
    let mut world = serving(Some(30), None);
    world.connect_client();
    let conn = world.accepted()[0];
    world.lose(|_| true);
    world.with_conn(conn, |conn| conn.write(b"hello?")).expect("there is room");
    world.pass(Duration::from_secs(29));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.events(conn), TIMED_OUT);
}

#[test]
fn connections_time_out_while_the_cable_is_unplugged() {
    let mut world = World::new();
    world.listen(PORT);
    world.connect_client();
    let conn = world.accepted()[0];
    world.plug(false);
    world.pass(Duration::from_secs(59));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_secs(22));
    assert_eq!(world.events(conn), TIMED_OUT);
}

#[test]
fn a_reset_with_unsent_output_is_reported_as_a_reset() {
    let mut world = serving(Some(30), Some(10));
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.pass(Duration::from_secs(300));
    world.with_conn(conn, |conn| conn.write(&[7; 256])).expect("there is room");
    world.pass(Duration::from_secs(20));
    world.peer.abort(client);
    world.settle();
    assert_eq!(world.events(conn), [failed(ConnError::Reset)]);
}

#[test]
fn a_reset_after_a_long_silence_is_reported_as_a_reset() {
    let mut world = serving(Some(30), Some(10));
    let client = world.connect_client();
    let conn = world.accepted()[0];
    world.pass(Duration::from_secs(300));
    world.peer.abort(client);
    world.settle();
    assert_eq!(world.events(conn), [failed(ConnError::Reset)]);
}

#[test]
fn the_connection_of_a_silent_peer_stays_open() {
    let mut world = serving(Some(30), Some(10));
    let client = world.connect_client();
    let conn = world.accepted()[0];
    world.pass(Duration::from_secs(24 * 3600));
    assert_eq!(world.events(conn), []);
    world.peer.send(client, b"still here");
    world.settle();
    assert_eq!(world.received(conn), b"still here");
}

#[test]
fn the_connection_of_a_silent_peer_stays_open_by_default() {
    let mut world = World::new();
    world.listen(PORT);
    world.connect_client();
    world.pass(Duration::from_secs(24 * 3600));
    assert_eq!(world.events(world.accepted()[0]), []);
}

#[test]
fn keep_alives_are_sent_at_the_configured_interval() {
    let mut world = serving(None, Some(10));
    world.connect_client();
    // When the interval of 10 s was set, the stack had already started to wait for the default interval.
    world.pass(Duration::from_secs(21));
    let before = world.sent().len();
    world.pass(Duration::from_secs(100));
    assert_eq!(world.sent().len() - before, 10);
}

#[test]
fn the_connection_of_a_vanished_peer_stays_open_without_a_timeout() {
    let mut world = serving(None, None);
    world.connect_client();
    let conn = world.accepted()[0];
    world.lose(|_| true);
    world.pass(Duration::from_secs(24 * 3600));
    assert_eq!(world.events(conn), []);
}

#[test]
fn a_client_that_vanishes_in_the_handshake_frees_its_socket() {
    let mut world = serving(Some(30), Some(10));
    world.lose(|segment| segment.source.0 == PEER && !segment.syn);
    let clients = world.connect_clients(2);
    clients.iter().for_each(|client| world.peer.abort(*client));
    let late = world.connect_client();
    assert_eq!(world.peer.state(late), State::Closed);
    world.lose(|segment| segment.source.0 == PEER);
    world.pass(Duration::from_secs(31));
    world.lose(|_| false);
    let clients = world.connect_clients(2);
    assert_eq!(world.established(&clients), 2);
}
