//! The end of the loop: open connections deliver their output and are closed.

use std::time::Duration;

use picoevent::{ConnEvent, End};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PORT, World, address};

#[test]
fn the_loop_ends_when_it_was_asked_to() {
    let mut world = World::new();
    world.command(|_, cx| cx.exit_after(Duration::from_secs(5)));
    world.pass(Duration::from_micros(4_999_999));
    assert_eq!(world.device.output, None);
    world.pass(Duration::from_micros(1));
    assert_eq!(world.device.output, Some(End::Exit));
}

#[test]
fn the_reason_for_the_end_is_told() {
    let mut world = World::new();
    world.command(|_, cx| cx.loop_break());
    assert_eq!(world.device.output, Some(End::Break));
}

#[test]
fn an_open_connection_is_delivered_and_ended() {
    let mut world = World::sized::<1, 2, 64, 4000, 64, 64>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.write(&[7; 4000])).expect("there is room");
    world.command(|_, cx| cx.exit());
    assert_eq!(world.device.output, None);
    assert_eq!(world.hear(call), [7; 4000]);
    assert_eq!(world.peer.state(call), State::CloseWait);
    assert_eq!(world.resets(), 0);
    assert_eq!(world.device.output, Some(End::Exit));
    // No more callbacks were called.
    assert_eq!(world.events(conn), Vec::<ConnEvent>::new());
}

#[test]
fn a_peer_that_does_not_read_delays_the_end_no_longer_than_the_linger_time() {
    let mut world = World::sized::<1, 2, 64, 4000, 64, 64>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.write(&[7; 4000])).expect("there is room");
    world.command(|_, cx| cx.exit());
    world.pass(Duration::from_millis(9_999));
    assert_eq!(world.device.output, None);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.device.output, Some(End::Exit));
    assert_eq!(world.peer.state(call), State::Closed);
    assert_eq!(world.resets(), 1);
}

#[test]
fn who_was_not_accepted_is_reset() {
    let mut world = World::with::<1, 3>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let calls = world.calls(2);
    world.command(|_, cx| cx.exit());
    assert_eq!(world.peer.state(calls[0]), State::CloseWait);
    assert_eq!(world.peer.state(calls[1]), State::Closed);
    assert_eq!(world.device.output, Some(End::Exit));
    let late = world.call();
    assert_eq!(world.peer.state(late), State::Closed);
}
