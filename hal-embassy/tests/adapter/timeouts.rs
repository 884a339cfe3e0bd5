//! Timeouts of connections: they count from the last progress that the loop saw, even if the loop slept for a long time
//! before.

use std::time::Duration;

use picoevent::{Conn, ConnEvent, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PORT, PeerSocket, World, address, spend_time};

const SERVICE: u16 = 7000;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn serving(read: Option<Duration>, write: Option<Duration>) -> (World, PeerSocket, Conn) {
    let mut world = World::new();
    world.listen(PORT);
    let client = world.connect_client();
    let conn = world.accepted()[0];
    world.with_conn(conn, move |conn| {
        conn.set_timeouts(read, write);
    });
    (world, client, conn)
}

#[test]
fn a_client_that_sends_every_40_seconds_causes_no_idle_timeout_of_60() {
    let (mut world, client, conn) = serving(Some(seconds(60)), None);
    for _ in 0..10 {
        world.pass(seconds(40));
        world.peer.send(client, b"x");
        world.settle();
    }
    assert_eq!(world.events(conn), []);
    assert_eq!(world.received(conn), [b'x'; 10]);
    world.pass(Duration::from_millis(59_999));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.events(conn), [ConnEvent::Timeout(Direction::Read)]);
}

/// Another task has kept the executor busy. The byte has arrived before the deadline, but the stack has not run since.
#[test]
fn input_that_waits_in_the_driver_comes_before_the_timeout() {
    let (mut world, client, conn) = serving(Some(seconds(1)), None);
    world.pass(Duration::from_millis(900));
    world.peer.send(client, b"x");
    world.be_busy(Duration::from_millis(500));
    assert_eq!((world.received(conn), world.events(conn)), (b"x".to_vec(), vec![]));
    // Without input, the timeout comes.
    world.be_busy(seconds(2));
    assert_eq!(world.events(conn), [ConnEvent::Timeout(Direction::Read)]);
}

#[test]
fn an_idle_timeout_counts_from_the_last_byte_after_a_long_sleep() {
    let (mut world, client, conn) = serving(Some(seconds(1)), None);
    world.pass(Duration::from_millis(700));
    world.peer.send(client, b"x");
    world.pass(Duration::from_millis(999));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.events(conn), [ConnEvent::Timeout(Direction::Read)]);
}

#[test]
fn a_peer_that_accepts_output_every_700_ms_causes_no_write_timeout_of_1_s() {
    let mut world = World::sized::<1, 2, 64, 1024, 64, 64>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| {
        conn.set_timeouts(None, Some(seconds(1)));
        conn.write(&[7; 1024]).expect("there is room");
    });
    let mut received = 0;
    while received < 1024 {
        world.pass(Duration::from_millis(700));
        assert_eq!(world.events(conn), [], "after {received} bytes");
        received += world.peer.receive(client).len();
        world.settle();
    }
    assert_eq!(world.events(conn), []);
}

#[test]
fn a_read_timeout_begins_after_the_handshake() {
    let mut world = World::new();
    let server = world.peer.listen(SERVICE);
    world.lose(|_| true);
    let conn = world.connect(SERVICE);
    world.with_conn(conn, |conn| {
        conn.set_timeouts(Some(seconds(5)), None);
    });
    world.pass(Duration::from_millis(6_500));
    world.lose(|_| false);
    world.pass(Duration::from_millis(1_000));
    assert_eq!(world.peer.state(server), State::Established);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
    world.pass(Duration::from_millis(4_400));
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
    world.pass(seconds(1));
    let timeout = ConnEvent::Timeout(Direction::Read);
    assert_eq!(world.events(conn), [ConnEvent::Opened, timeout]);
}

#[test]
fn input_that_is_found_together_with_its_timeout_prevents_the_timeout() {
    let (mut world, client, conn) = serving(Some(seconds(1)), None);
    world.peer.send(client, b"in time");
    world.settle_network();
    // Another task uses the processor for longer than the timeout. So the loop finds the input and the timeout
    // together.
    spend_time(seconds(2));
    world.settle();
    assert_eq!(world.received(conn), b"in time");
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(999));
    assert_eq!(world.events(conn), []);
}
