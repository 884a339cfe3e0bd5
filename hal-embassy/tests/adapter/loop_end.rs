//! The end of the loop: open connections deliver their output and are closed.

use std::time::Duration;

use picoevent::{ConnEvent, End};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PORT, World, address};

#[test]
fn the_loop_ends_at_the_requested_time() {
    let mut world = World::new();
    world.command(|_, cx| cx.exit_after(Duration::from_secs(5)));
    world.pass(Duration::from_micros(4_999_999));
    assert_eq!(world.device.output, None);
    world.pass(Duration::from_micros(1));
    assert_eq!(world.device.output, Some(End::Exit));
}

#[test]
fn the_loop_returns_the_reason_for_its_end() {
    let mut world = World::new();
    world.command(|_, cx| cx.loop_break());
    assert_eq!(world.device.output, Some(End::Break));
}

#[test]
fn an_open_connection_delivers_its_output_and_is_closed() {
    let mut world = World::sized::<1, 2, 64, 4000, 64, 64>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.write(&[7; 4000])).expect("there is room");
    world.command(|_, cx| cx.exit());
    assert_eq!(world.device.output, None);
    assert_eq!(world.receive_at(client), [7; 4000]);
    assert_eq!(world.peer.state(client), State::CloseWait);
    assert_eq!(world.resets(), 0);
    assert_eq!(world.device.output, Some(End::Exit));
    // No callback ran after the exit.
    assert_eq!(world.events(conn), Vec::<ConnEvent>::new());
}

#[test]
fn a_peer_that_does_not_read_delays_the_end_at_most_by_the_linger_timeout() {
    let mut world = World::sized::<1, 2, 64, 4000, 64, 64>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.write(&[7; 4000])).expect("there is room");
    world.command(|_, cx| cx.exit());
    world.pass(Duration::from_millis(9_999));
    assert_eq!(world.device.output, None);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.device.output, Some(End::Exit));
    assert_eq!(world.peer.state(client), State::Closed);
    assert_eq!(world.resets(), 1);
}

#[test]
fn a_client_that_was_not_accepted_is_reset() {
    let mut world = World::with::<1, 3>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let clients = world.connect_clients(2);
    world.command(|_, cx| cx.exit());
    assert_eq!(world.peer.state(clients[0]), State::CloseWait);
    assert_eq!(world.peer.state(clients[1]), State::Closed);
    assert_eq!(world.device.output, Some(End::Exit));
    let late = world.connect_client();
    assert_eq!(world.peer.state(late), State::Closed);
}
