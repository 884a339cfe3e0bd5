//! Timeouts of connections: they count from the last progress that the loop saw, however long it
//! slept before.

use std::time::Duration;

use picoevent::{Conn, ConnEvent, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{Call, DEVICE, PORT, World, address, spend};

const SERVICE: u16 = 7000;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn serving(read: Option<Duration>, write: Option<Duration>) -> (World, Call, Conn) {
    let mut world = World::new();
    world.listen(PORT);
    let call = world.call();
    let conn = world.accepted()[0];
    world.with_conn(conn, move |conn| {
        conn.set_timeouts(read, write);
    });
    (world, call, conn)
}

#[test]
fn a_client_that_speaks_every_40_seconds_meets_no_idle_timeout_of_60() {
    let (mut world, call, conn) = serving(Some(seconds(60)), None);
    for _ in 0..10 {
        world.pass(seconds(40));
        world.peer.send(call, b"x");
        world.settle();
    }
    assert_eq!(world.events(conn), []);
    assert_eq!(world.received(conn), [b'x'; 10]);
    world.pass(Duration::from_millis(59_999));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.events(conn), [ConnEvent::Timeout(Direction::Read)]);
}

#[test]
fn an_idle_timeout_counts_from_the_last_byte_though_the_loop_slept_before_it() {
    let (mut world, call, conn) = serving(Some(seconds(1)), None);
    world.pass(Duration::from_millis(700));
    world.peer.send(call, b"x");
    world.pass(Duration::from_millis(999));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.events(conn), [ConnEvent::Timeout(Direction::Read)]);
}

#[test]
fn a_peer_that_takes_output_every_700_ms_meets_no_write_timeout_of_1_s() {
    let mut world = World::sized::<1, 2, 64, 1024, 64, 64>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| {
        conn.set_timeouts(None, Some(seconds(1)));
        conn.write(&[7; 1024]).expect("there is room");
    });
    let mut heard = 0;
    while heard < 1024 {
        world.pass(Duration::from_millis(700));
        assert_eq!(world.events(conn), [], "after {heard} bytes");
        heard += world.peer.receive(call).len();
        world.settle();
    }
    assert_eq!(world.events(conn), []);
}

#[test]
fn a_read_timeout_begins_when_a_slow_handshake_is_over() {
    let mut world = World::new();
    let call = world.peer.listen(SERVICE);
    world.lose(|_| true);
    let conn = world.connect(SERVICE);
    world.with_conn(conn, |conn| {
        conn.set_timeouts(Some(seconds(5)), None);
    });
    world.pass(Duration::from_millis(6_500));
    world.lose(|_| false);
    world.pass(Duration::from_millis(1_000));
    assert_eq!(world.peer.state(call), State::Established);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
    world.pass(Duration::from_millis(4_400));
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
    world.pass(seconds(1));
    let timeout = ConnEvent::Timeout(Direction::Read);
    assert_eq!(world.events(conn), [ConnEvent::Opened, timeout]);
}

#[test]
fn input_that_is_found_together_with_its_timeout_is_no_timeout() {
    let (mut world, call, conn) = serving(Some(seconds(1)), None);
    world.peer.send(call, b"in time");
    world.settle_network();
    // Another task uses the processor until the timeout has passed, too.
    spend(seconds(2));
    world.settle();
    assert_eq!(world.received(conn), b"in time");
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(999));
    assert_eq!(world.events(conn), []);
}
