//! Peers that vanish hold a socket for a limited time. Peers that are alive hold it without a
//! limit.

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
fn a_peer_that_vanished_is_given_up_and_its_socket_serves_others() {
    let mut world = serving(Some(30), Some(10));
    world.calls(2);
    let conn = world.accepted()[0];
    world.lose(|_| true);
    world.pass(Duration::from_secs(29));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_secs(12));
    assert!(matches!(world.events(conn)[..], [ConnEvent::Ended(ConnEnd::Failed(_))]));
    world.lose(|_| false);
    // Neither the accepted client nor the waiting one holds a socket.
    let calls = world.calls(2);
    assert_eq!(world.established(&calls), 2);
    assert_eq!(world.accepted().len(), 2);
}

#[test]
fn a_peer_that_vanished_is_given_up_though_nothing_is_read_from_it() {
    let mut world = serving(Some(30), Some(10));
    world.call();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| {
        conn.disable(Direction::Read);
    });
    world.lose(|_| true);
    world.pass(Duration::from_secs(41));
    assert!(matches!(world.events(conn)[..], [ConnEvent::Ended(ConnEnd::Failed(_))]));
}

#[test]
fn a_peer_that_vanished_with_something_unsent_is_given_up() {
    let mut world = serving(Some(30), None);
    world.call();
    let conn = world.accepted()[0];
    world.lose(|_| true);
    world.with_conn(conn, |conn| conn.write(b"hello?")).expect("there is room");
    world.pass(Duration::from_secs(29));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.events(conn), TIMED_OUT);
}

#[test]
fn a_cable_that_stays_out_times_connections_out() {
    let mut world = World::new();
    world.listen(PORT);
    world.call();
    let conn = world.accepted()[0];
    world.plug(false);
    world.pass(Duration::from_secs(59));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_secs(22));
    assert_eq!(world.events(conn), TIMED_OUT);
}

#[test]
fn a_peer_that_resets_while_something_is_unsent_is_not_taken_for_one_that_vanished() {
    let mut world = serving(Some(30), Some(10));
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.pass(Duration::from_secs(300));
    world.with_conn(conn, |conn| conn.write(&[7; 256])).expect("there is room");
    world.pass(Duration::from_secs(20));
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), [failed(ConnError::Reset)]);
}

#[test]
fn a_peer_that_resets_after_a_long_silence_is_not_taken_for_one_that_vanished() {
    let mut world = serving(Some(30), Some(10));
    let call = world.call();
    let conn = world.accepted()[0];
    world.pass(Duration::from_secs(300));
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), [failed(ConnError::Reset)]);
}

#[test]
fn a_peer_that_is_silent_but_there_is_kept() {
    let mut world = serving(Some(30), Some(10));
    let call = world.call();
    let conn = world.accepted()[0];
    world.pass(Duration::from_secs(24 * 3600));
    assert_eq!(world.events(conn), []);
    world.peer.send(call, b"still here");
    world.settle();
    assert_eq!(world.received(conn), b"still here");
}

#[test]
fn a_peer_that_is_silent_but_there_is_kept_by_default() {
    let mut world = World::new();
    world.listen(PORT);
    world.call();
    world.pass(Duration::from_secs(24 * 3600));
    assert_eq!(world.events(world.accepted()[0]), []);
}

#[test]
fn keep_alives_are_sent_at_the_configured_interval() {
    let mut world = serving(None, Some(10));
    world.call();
    // When the interval was set, the stack had already started to wait for the default interval.
    world.pass(Duration::from_secs(21));
    let before = world.sent().len();
    world.pass(Duration::from_secs(100));
    assert_eq!(world.sent().len() - before, 10);
}

#[test]
fn a_peer_that_vanished_is_kept_for_ever_if_that_is_configured() {
    let mut world = serving(None, None);
    world.call();
    let conn = world.accepted()[0];
    world.lose(|_| true);
    world.pass(Duration::from_secs(24 * 3600));
    assert_eq!(world.events(conn), []);
}

#[test]
fn a_client_that_vanishes_in_the_handshake_gives_its_socket_back() {
    let mut world = serving(Some(30), Some(10));
    world.lose(|segment| segment.source.0 == PEER && !segment.syn);
    let calls = world.calls(2);
    calls.iter().for_each(|call| world.peer.abort(*call));
    let late = world.call();
    assert_eq!(world.peer.state(late), State::Closed);
    world.lose(|segment| segment.source.0 == PEER);
    world.pass(Duration::from_secs(31));
    world.lose(|_| false);
    let calls = world.calls(2);
    assert_eq!(world.established(&calls), 2);
}
