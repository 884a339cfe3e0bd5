//! Settings of a connection's socket: Nagle's algorithm and keep-alive.

use std::time::Duration;

use picoevent::{Conn, KEEP_ALIVE};
use picoevent_embassy::Config;

use crate::world::{DEVICE, PEER, PORT, World, address};

/// Makes a device with one socket.
fn serving() -> World {
    let config = Config { timeout: None, ..Config::default() };
    let mut world = World::with::<2, 1>(config, address(DEVICE));
    world.listen(PORT);
    world
}

fn accepted(world: &mut World) -> Conn {
    world.connect_client();
    *world.accepted().last().expect("it was accepted")
}

/// Returns the number of segments that the device sends for two bytes. The bytes are written one after the other,
/// while the peer acknowledges nothing.
fn segments_of_two_writes(world: &mut World, conn: Conn) -> usize {
    world.lose(|segment| segment.source.0 == PEER);
    let before = world.sent().len();
    for byte in [b"a", b"b"] {
        world.with_conn(conn, move |conn| conn.write(byte)).expect("there is room");
    }
    let segments = world.sent().len() - before;
    world.lose(|_| false);
    segments
}

/// Returns the number of keep-alive probes sent in `seconds` seconds without traffic.
fn probes(world: &mut World, seconds: u64) -> usize {
    let before = world.sent().len();
    world.pass(Duration::from_secs(seconds));
    world.sent().len() - before
}

#[test]
fn output_is_sent_when_it_is_written() {
    let mut world = serving();
    let conn = accepted(&mut world);
    assert_eq!(segments_of_two_writes(&mut world, conn), 2);
}

#[test]
fn nagles_algorithm_can_be_turned_on_and_off() {
    let mut world = serving();
    let conn = accepted(&mut world);
    for (on, segments) in [(true, 1), (false, 2)] {
        world.with_conn(conn, move |conn| {
            conn.set_nagle(on);
        });
        assert_eq!(segments_of_two_writes(&mut world, conn), segments);
        world.pass(Duration::from_secs(5));
    }
}

#[test]
fn a_silent_peer_is_probed_every_20_seconds() {
    let mut world = serving();
    accepted(&mut world);
    assert_eq!(probes(&mut world, 10 * KEEP_ALIVE.as_secs()), 10);
}

#[test]
fn the_interval_of_keep_alives_applies_from_the_next_segment_on() {
    let mut world = serving();
    let conn = accepted(&mut world);
    world.with_conn(conn, |conn| {
        conn.set_keep_alive(Some(Duration::from_secs(5)));
        conn.write(b"x").expect("there is room");
    });
    assert_eq!(probes(&mut world, 50), 10);
    world.with_conn(conn, |conn| {
        conn.set_keep_alive(None);
        conn.write(b"x").expect("there is room");
    });
    assert_eq!(probes(&mut world, 500), 0);
}

#[test]
fn the_next_connection_of_a_socket_begins_with_the_defaults() {
    let mut world = serving();
    let conn = accepted(&mut world);
    world.with_conn(conn, |conn| {
        conn.set_nagle(true).set_keep_alive(None);
    });
    world.with_conn(conn, |conn| conn.abort());
    let next = accepted(&mut world);
    assert_eq!(segments_of_two_writes(&mut world, next), 2);
    world.pass(Duration::from_secs(5));
    assert_eq!(probes(&mut world, 100), 5);
    world.with_conn(next, |conn| {
        conn.set_nagle(true).set_keep_alive(None);
    });
    world.with_conn(next, |conn| conn.abort());
    world.peer.listen(7000);
    let outgoing = world.connect(7000);
    assert_eq!(segments_of_two_writes(&mut world, outgoing), 2);
}

#[test]
fn settings_made_before_a_connection_is_established_apply() {
    let mut world = serving();
    world.peer.listen(7000);
    let conn = world.command(|app, cx| {
        let conn = app.connect(cx, (PEER, 7000).into());
        cx.conn(conn).expect("it is there").set_nagle(true);
        conn
    });
    assert_eq!(segments_of_two_writes(&mut world, conn), 1);
}
