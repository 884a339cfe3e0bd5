//! Bytes: all bytes arrive in order, and no byte is accepted if there is no room for it.

use std::time::Duration;

use picoevent::{ConnEnd, ConnEvent, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{DEVICE, PORT, PeerSocket, World, address};

const TOTAL: usize = 100_000;

fn pattern(amount: usize) -> Vec<u8> {
    (0..amount).map(|index| (index.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
}

/// Makes an echo server whose rings and sockets are much smaller than the data that goes through
/// them.
fn echo() -> World {
    let mut world = World::sized::<2, 3, 48, 32, 128, 96>(Config::default(), address(DEVICE));
    world.command(|app, cx| {
        app.callback = App::echo;
        app.listen(cx, "0.0.0.0:9995")
    });
    world
}

/// Sends `data` and receives until all bytes of `data` have come back. Lets the time `step` pass after each attempt.
fn exchange(world: &mut World, client: PeerSocket, data: &[u8], step: Duration) -> Vec<u8> {
    let mut received = Vec::new();
    let mut left = data;
    for _ in 0..100_000 {
        if world.peer.get(client).may_send() {
            let amount = world.peer.get(client).send_slice(left).expect("it is open");
            left = &left[amount..];
        }
        world.settle();
        received.extend(world.receive_at(client));
        if received.len() >= data.len() {
            break;
        }
        world.pass(step);
    }
    received
}

#[test]
fn an_echo_returns_every_byte_in_order() {
    let mut world = echo();
    let client = world.connect_client();
    let data = pattern(TOTAL);
    let received = exchange(&mut world, client, &data, Duration::ZERO);
    assert!(received == data, "{} bytes of {TOTAL}", received.len());
}

#[test]
fn an_echo_returns_every_byte_though_every_tenth_segment_is_lost() {
    let mut world = echo();
    let mut count = 0;
    world.lose(move |_| {
        count += 1;
        count % 10 == 0
    });
    let client = world.connect_client();
    world.pass(Duration::from_secs(3));
    let data = pattern(TOTAL);
    let received = exchange(&mut world, client, &data, Duration::from_millis(50));
    assert!(received == data, "{} bytes of {TOTAL}", received.len());
}

#[test]
fn bytes_of_two_connections_are_not_mixed() {
    let mut world = echo();
    let clients = world.connect_clients(2);
    let data = [pattern(5000), vec![7; 5000]];
    let mut received = [Vec::new(), Vec::new()];
    for part in 0..50 {
        for (client, data) in clients.iter().zip(&data) {
            world.peer.send(*client, &data[part * 100..][..100]);
        }
        world.settle();
        for (client, received) in clients.iter().zip(&mut received) {
            received.extend(world.receive_at(*client));
        }
    }
    assert!(received == data);
}

#[test]
fn a_full_input_ring_stops_the_peer() {
    let mut world = World::new();
    world.command(|app, cx| {
        app.callback = App::ignore_input;
        app.listen(cx, "0.0.0.0:9995")
    });
    let client = world.connect_client();
    let conn = world.accepted()[0];
    let data = pattern(4000);
    world.peer.send(client, &data);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.sent().last().expect("an acknowledgement").window, 0);
    // The ring holds 256 bytes and the socket 512.
    assert_eq!(world.peer.get(client).send_queue(), 4000 - 256 - 512);
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
fn a_connection_with_disabled_input_stops_the_peer() {
    let mut world = World::new();
    world.command(|app, cx| {
        app.reads_input = false;
        app.listen(cx, "0.0.0.0:9995")
    });
    let client = world.connect_client();
    let conn = world.accepted()[0];
    let data = pattern(4000);
    world.peer.send(client, &data);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.received(conn), []);
    assert_eq!(world.peer.get(client).send_queue(), 4000 - 512);
    world.with_conn(conn, |conn| {
        conn.enable(Direction::Read);
    });
    world.pass(Duration::from_secs(60));
    assert!(world.received(conn) == data);
}

#[test]
fn a_peer_that_does_not_read_stops_the_application() {
    let mut world = World::new();
    world.listen(PORT);
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    let data = pattern(4000);
    let (mut left, mut received) = (&data[..], Vec::new());
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
    assert_eq!(world.peer.state(client), State::Established);
    while !left.is_empty() {
        let before = received.len();
        received.extend(world.receive_at(client));
        assert!(received.len() > before, "{} bytes received", received.len());
        let part = left.to_vec();
        let amount = world.with_conn(conn, move |conn| conn.write_some(&part));
        left = &left[amount..];
    }
    received.extend(world.receive_at(client));
    assert!(received == data);
}

#[test]
fn writable_is_called_when_all_output_is_sent() {
    let mut world = World::new();
    world.listen(PORT);
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    for _ in 0..3 {
        world.with_conn(conn, |conn| conn.write(&[7; 256])).expect("there is room");
    }
    // The third part does not fit into the socket and the peer's window.
    assert_eq!(world.seen.borrow().flushed, [conn, conn]);
    world.receive_at(client);
    assert_eq!(world.seen.borrow().flushed, [conn, conn, conn]);
}

#[test]
fn a_reset_is_reported_after_the_received_bytes() {
    let mut world = World::new();
    world.listen(PORT);
    let client = world.connect_client();
    let conn = world.accepted()[0];
    world.peer.send(client, b"words");
    world.settle();
    world.peer.abort(client);
    world.settle();
    assert_eq!(world.received(conn), b"words");
    assert!(matches!(world.events(conn)[..], [ConnEvent::Ended(ConnEnd::Failed(_))]));
}
