//! Half-closed connections: each direction ends independently.

use std::time::Duration;

use picoevent::{Conn, ConnEvent, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PORT, PeerSocket, World, address};

fn serving() -> (World, PeerSocket, Conn) {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let client = world.connect_client();
    let conn = world.accepted()[0];
    (world, client, conn)
}

#[test]
fn output_is_sent_after_the_peers_end_of_stream() {
    let (mut world, client, conn) = serving();
    world.peer.send(client, b"question");
    world.peer.close(client);
    world.settle();
    assert_eq!(world.received(conn), b"question");
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
    for _ in 0..10 {
        world.with_conn(conn, |conn| conn.write(&[7; 200])).expect("there is room");
        world.pass(Duration::from_secs(5));
    }
    assert_eq!(world.receive_at(client), [7; 2000]);
    world.with_conn(conn, |conn| conn.close());
    assert_eq!(world.resets(), 0);
    let next = world.connect_client();
    assert_eq!(world.peer.state(next), State::Established);
}

#[test]
fn input_is_received_after_our_end_of_stream() {
    let (mut world, client, conn) = serving();
    world.with_conn(conn, |conn| {
        conn.write(b"question").expect("there is room");
        conn.finish();
    });
    assert_eq!(world.receive_at(client), b"question");
    assert_eq!(world.peer.state(client), State::CloseWait);
    // The ten rounds take 50 s, which is longer than the linger timeout of a closed connection.
    for _ in 0..10 {
        world.peer.send(client, &[7; 200]);
        world.pass(Duration::from_secs(5));
    }
    world.peer.close(client);
    world.settle();
    assert_eq!(world.received(conn), [7; 2000]);
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
    assert_eq!(world.resets(), 0);
}

#[test]
fn our_end_of_stream_follows_the_output() {
    let mut world = World::sized::<1, 1, 64, 4000, 64, 64>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| {
        conn.write(&[7; 4000]).expect("there is room");
        conn.finish();
    });
    assert_eq!(world.peer.state(client), State::Established);
    assert_eq!(world.receive_at(client), [7; 4000]);
    assert_eq!(world.peer.state(client), State::CloseWait);
}

#[test]
fn a_connection_that_has_ended_in_order_frees_its_socket_before_the_close() {
    let (mut world, client, conn) = serving();
    world.with_conn(conn, |conn| conn.finish());
    world.peer.close(client);
    world.settle();
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
    let next = world.connect_client();
    assert_eq!(world.peer.state(next), State::Established);
    assert_eq!(world.resets(), 0);
    world.with_conn(conn, |conn| conn.close());
    assert_eq!(world.peer.state(next), State::Established);
}

#[test]
fn both_sides_can_end_their_streams_at_once() {
    let (mut world, client, conn) = serving();
    world.peer.close(client);
    world.peer.poll(world.now());
    world.with_conn(conn, |conn| conn.finish());
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
    assert_eq!(world.resets(), 0);
    let next = world.connect_client();
    assert_eq!(world.peer.state(next), State::Established);
}

#[test]
fn an_end_of_stream_is_reported_after_all_input_is_read() {
    let (mut world, client, conn) = serving();
    world.with_conn(conn, |conn| {
        conn.disable(Direction::Read);
    });
    world.peer.send(client, &[7; 700]);
    world.peer.close(client);
    world.settle();
    assert_eq!(world.events(conn), []);
    world.with_conn(conn, |conn| {
        conn.enable(Direction::Read);
    });
    assert_eq!(world.received(conn), [7; 700]);
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
}

#[test]
fn input_is_read_after_both_sides_have_ended_their_streams() {
    let (mut world, client, conn) = serving();
    world.with_conn(conn, |conn| {
        conn.disable(Direction::Read);
    });
    world.peer.send(client, &[7; 400]);
    world.peer.close(client);
    world.settle();
    world.with_conn(conn, |conn| conn.finish());
    world.pass(Duration::from_secs(60));
    assert_eq!(world.events(conn), []);
    world.with_conn(conn, |conn| {
        conn.enable(Direction::Read);
    });
    assert_eq!(world.received(conn), [7; 400]);
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
}
