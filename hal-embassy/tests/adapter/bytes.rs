//! Bytes: all arrive in order, and none is accepted without room for it.

use std::time::Duration;

use picoevent::{ConnEnd, ConnEvent, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{Call, DEVICE, PORT, World, address};

const MUCH: usize = 100_000;

fn pattern(amount: usize) -> Vec<u8> {
    (0..amount).map(|index| (index.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
}

/// Makes an echo server whose rings and sockets are much smaller than the data that goes through
/// them.
fn echo() -> World {
    let mut world = World::sized::<2, 3, 48, 32, 128, 96>(Config::default(), address(DEVICE));
    world.command(|app, cx| {
        app.call = App::echo;
        app.listen(cx, "0.0.0.0:9995")
    });
    world
}

/// Sends `data` and receives until all of it has come back. Lets the time `step` pass after each attempt.
fn converse(world: &mut World, call: Call, data: &[u8], step: Duration) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut left = data;
    for _ in 0..100_000 {
        if world.peer.get(call).may_send() {
            let amount = world.peer.get(call).send_slice(left).expect("it is open");
            left = &left[amount..];
        }
        world.settle();
        heard.extend(world.hear(call));
        if heard.len() >= data.len() {
            break;
        }
        world.pass(step);
    }
    heard
}

#[test]
fn an_echo_gives_back_every_byte_in_order() {
    let mut world = echo();
    let call = world.call();
    let data = pattern(MUCH);
    let heard = converse(&mut world, call, &data, Duration::ZERO);
    assert!(heard == data, "{} bytes of {MUCH}", heard.len());
}

#[test]
fn an_echo_gives_back_every_byte_though_every_tenth_segment_is_lost() {
    let mut world = echo();
    let mut count = 0;
    world.lose(move |_| {
        count += 1;
        count % 10 == 0
    });
    let call = world.call();
    world.pass(Duration::from_secs(3));
    let data = pattern(MUCH);
    let heard = converse(&mut world, call, &data, Duration::from_millis(50));
    assert!(heard == data, "{} bytes of {MUCH}", heard.len());
}

#[test]
fn connections_do_not_mix() {
    let mut world = echo();
    let calls = world.calls(2);
    let data = [pattern(5000), vec![7; 5000]];
    let mut heard = [Vec::new(), Vec::new()];
    for part in 0..50 {
        for (call, data) in calls.iter().zip(&data) {
            world.peer.send(*call, &data[part * 100..][..100]);
        }
        world.settle();
        for (call, heard) in calls.iter().zip(&mut heard) {
            heard.extend(world.hear(*call));
        }
    }
    assert!(heard == data);
}

#[test]
fn a_ring_that_is_full_makes_the_peer_wait() {
    let mut world = World::new();
    world.command(|app, cx| {
        app.call = App::ignore_input;
        app.listen(cx, "0.0.0.0:9995")
    });
    let call = world.call();
    let conn = world.accepted()[0];
    let data = pattern(4000);
    world.peer.send(call, &data);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.sent().last().expect("an acknowledgement").window, 0);
    // The ring holds 256 bytes and the socket 512.
    assert_eq!(world.peer.get(call).send_queue(), 4000 - 256 - 512);
    let mut received = Vec::new();
    while received.len() < data.len() {
        let part = world.with_conn(conn, |conn| {
            let mut part = vec![0; 100];
            let amount = conn.read(&mut part);
            part.truncate(amount);
            part
        });
        assert!(!part.is_empty(), "{} bytes of 4000", received.len());
        received.extend(part);
    }
    assert!(received == data);
}

#[test]
fn a_connection_that_is_not_read_makes_the_peer_wait() {
    let mut world = World::new();
    world.command(|app, cx| {
        app.reads = false;
        app.listen(cx, "0.0.0.0:9995")
    });
    let call = world.call();
    let conn = world.accepted()[0];
    let data = pattern(4000);
    world.peer.send(call, &data);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.received(conn), []);
    assert_eq!(world.peer.get(call).send_queue(), 4000 - 512);
    world.with_conn(conn, |conn| {
        conn.enable(Direction::Read);
    });
    world.pass(Duration::from_secs(60));
    assert!(world.received(conn) == data);
}

#[test]
fn a_peer_that_does_not_read_makes_the_application_wait() {
    let mut world = World::new();
    world.listen(PORT);
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    let data = pattern(4000);
    let (mut left, mut heard) = (&data[..], Vec::new());
    loop {
        let part = left.to_vec();
        let amount = world.with_conn(conn, move |conn| conn.write_some(&part));
        left = &left[amount..];
        if amount == 0 {
            break;
        }
    }
    // The ring holds 256 bytes, the socket 512, the peer 64.
    assert_eq!(left.len(), 4000 - 256 - 512 - 64);
    assert_eq!(world.peer.state(call), State::Established);
    while !left.is_empty() {
        let before = heard.len();
        heard.extend(world.hear(call));
        assert!(heard.len() > before, "{} bytes heard", heard.len());
        let part = left.to_vec();
        let amount = world.with_conn(conn, move |conn| conn.write_some(&part));
        left = &left[amount..];
    }
    heard.extend(world.hear(call));
    assert!(heard == data);
}

#[test]
fn the_application_hears_when_everything_it_wrote_is_sent() {
    let mut world = World::new();
    world.listen(PORT);
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    for _ in 0..3 {
        world.with_conn(conn, |conn| conn.write(&[7; 256])).expect("there is room");
    }
    // The third part does not fit into the socket and the peer's window.
    assert_eq!(world.seen.borrow().flushed, [conn, conn]);
    world.hear(call);
    assert_eq!(world.seen.borrow().flushed, [conn, conn, conn]);
}

#[test]
fn a_peer_that_resets_in_the_middle_is_reported_after_what_it_sent() {
    let mut world = World::new();
    world.listen(PORT);
    let call = world.call();
    let conn = world.accepted()[0];
    world.peer.send(call, b"words");
    world.settle();
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.received(conn), b"words");
    assert!(matches!(world.events(conn)[..], [ConnEvent::Ended(ConnEnd::Failed(_))]));
}
