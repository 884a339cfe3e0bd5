//! Half-closed connections: each direction ends independently.

use std::time::Duration;

use picoevent::{Conn, ConnEvent, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{Call, DEVICE, PORT, World, address};

fn serving() -> (World, Call, Conn) {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let call = world.call();
    let conn = world.accepted()[0];
    (world, call, conn)
}

#[test]
fn a_peer_that_has_ended_is_still_sent_to() {
    let (mut world, call, conn) = serving();
    world.peer.send(call, b"question");
    world.peer.close(call);
    world.settle();
    assert_eq!(world.received(conn), b"question");
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
    for _ in 0..10 {
        world.with_conn(conn, |conn| conn.write(&[7; 200])).expect("there is room");
        world.pass(Duration::from_secs(5));
    }
    assert_eq!(world.hear(call), [7; 2000]);
    world.with_conn(conn, |conn| conn.close());
    assert_eq!(world.resets(), 0);
    let next = world.call();
    assert_eq!(world.peer.state(next), State::Established);
}

#[test]
fn a_peer_that_was_told_our_end_is_still_heard() {
    let (mut world, call, conn) = serving();
    world.with_conn(conn, |conn| {
        conn.write(b"question").expect("there is room");
        conn.finish();
    });
    assert_eq!(world.hear(call), b"question");
    assert_eq!(world.peer.state(call), State::CloseWait);
    // This takes longer than the linger timeout of a closed connection.
    for _ in 0..10 {
        world.peer.send(call, &[7; 200]);
        world.pass(Duration::from_secs(5));
    }
    world.peer.close(call);
    world.settle();
    assert_eq!(world.received(conn), [7; 2000]);
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
    assert_eq!(world.resets(), 0);
}

#[test]
fn our_end_follows_what_was_written() {
    let mut world = World::sized::<1, 1, 64, 4000, 64, 64>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| {
        conn.write(&[7; 4000]).expect("there is room");
        conn.finish();
    });
    assert_eq!(world.peer.state(call), State::Established);
    assert_eq!(world.hear(call), [7; 4000]);
    assert_eq!(world.peer.state(call), State::CloseWait);
}

#[test]
fn a_connection_over_in_order_frees_its_socket_before_the_application_closes() {
    let (mut world, call, conn) = serving();
    world.with_conn(conn, |conn| conn.finish());
    world.peer.close(call);
    world.settle();
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
    let next = world.call();
    assert_eq!(world.peer.state(next), State::Established);
    assert_eq!(world.resets(), 0);
    world.with_conn(conn, |conn| conn.close());
    assert_eq!(world.peer.state(next), State::Established);
}

#[test]
fn both_may_end_at_once() {
    let (mut world, call, conn) = serving();
    world.peer.close(call);
    world.peer.poll(world.now());
    world.with_conn(conn, |conn| conn.finish());
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
    assert_eq!(world.resets(), 0);
    let next = world.call();
    assert_eq!(world.peer.state(next), State::Established);
}

#[test]
fn an_end_is_told_after_everything_before_it_was_read() {
    let (mut world, call, conn) = serving();
    world.with_conn(conn, |conn| {
        conn.disable(Direction::Read);
    });
    world.peer.send(call, &[7; 700]);
    world.peer.close(call);
    world.settle();
    assert_eq!(world.events(conn), []);
    world.with_conn(conn, |conn| {
        conn.enable(Direction::Read);
    });
    assert_eq!(world.received(conn), [7; 700]);
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
}

#[test]
fn what_came_is_read_after_both_have_ended() {
    let (mut world, call, conn) = serving();
    world.with_conn(conn, |conn| {
        conn.disable(Direction::Read);
    });
    world.peer.send(call, &[7; 400]);
    world.peer.close(call);
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
