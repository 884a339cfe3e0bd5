//! Sleeping: the loop is polled only when something happened, and then only a few times.

use std::time::Duration;

use picoevent::Direction;
use picoevent_embassy::Config;

use crate::world::app::App;
use crate::world::{DEVICE, PORT, World, address};

/// Makes a device whose stack has neither a timeout nor keep-alive.
fn without_timeouts<const CONNS: usize, const SOCKETS: usize>() -> World {
    let config = Config { timeout: None, ..Config::default() };
    let mut world = World::with::<CONNS, SOCKETS>(config, address(DEVICE));
    world.command(|app, _| app.keep_alive = None);
    world
}

/// Returns how often the loop and the stack's runner were polled.
fn polls(world: &World) -> (usize, usize) {
    (world.device.polls, world.runner.polls)
}

/// Lets the stack's own timers expire, then checks that nothing is polled or woken for an hour.
#[track_caller]
fn assert_idle(world: &mut World) {
    world.pass(Duration::from_secs(60));
    let before = (polls(world), world.device.wakes(), world.runner.wakes());
    assert_eq!(world.next_wake(), None);
    world.pass(Duration::from_secs(3600));
    assert_eq!((polls(world), world.device.wakes(), world.runner.wakes()), before);
}

/// Lets an hour pass and checks that the loop is not polled. The stack may be polled.
#[track_caller]
fn assert_loop_idle(world: &mut World) {
    world.pass(Duration::from_secs(60));
    let before = (world.device.polls, world.device.wakes());
    world.pass(Duration::from_secs(3600));
    assert_eq!((world.device.polls, world.device.wakes()), before);
}

/// Makes a device with one open connection and other sockets that listen.
fn serving() -> World {
    let mut world = without_timeouts::<4, 8>();
    world.listen(PORT);
    world.connect_client();
    world
}

#[test]
fn a_loop_without_connections_sleeps() {
    let mut world = without_timeouts::<4, 8>();
    assert_idle(&mut world);
    world.listen(PORT);
    assert_idle(&mut world);
}

#[test]
fn a_loop_with_idle_connections_sleeps() {
    let mut world = serving();
    assert_idle(&mut world);
    world.connect_clients(3);
    assert_idle(&mut world);
    // The base has no room for these clients. The stack sends keep-alive probes to these clients, but the probes do not
    // wake the loop.
    world.connect_clients(4);
    assert_loop_idle(&mut world);
}

#[test]
fn a_loop_with_unread_input_sleeps() {
    let mut world = serving();
    let client = world.connect_client();
    let conn = world.accepted()[1];
    world.with_conn(conn, |conn| {
        conn.disable(Direction::Read);
    });
    world.peer.send(client, &[7; 100]);
    assert_idle(&mut world);
    assert_eq!(world.received(conn), []);
}

#[test]
fn a_loop_sleeps_after_a_peers_end_of_stream() {
    let mut world = serving();
    let client = world.connect_client();
    world.peer.close(client);
    assert_idle(&mut world);
}

#[test]
fn a_loop_sleeps_after_its_own_end_of_stream() {
    let mut world = serving();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.finish());
    assert_idle(&mut world);
}

#[test]
fn a_loop_whose_connection_has_failed_sleeps() {
    let mut world = serving();
    let client = world.connect_client();
    world.peer.abort(client);
    assert_idle(&mut world);
}

#[test]
fn a_loop_whose_listener_is_disabled_sleeps_while_a_client_waits() {
    let mut world = without_timeouts::<1, 4>();
    let listener = world.listen(PORT);
    world.connect_clients(2);
    world.command(move |_, cx| {
        cx.listener(listener).expect("it is held").disable();
    });
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.abort());
    assert_loop_idle(&mut world);
    assert_eq!(world.accepted().len(), 1);
}

#[test]
fn a_loop_without_a_link_or_an_address_sleeps() {
    let mut world = serving();
    world.plug(false);
    assert_idle(&mut world);
    world.set_address(None);
    assert_idle(&mut world);
}

#[test]
fn a_deadline_wakes_the_loop_once() {
    let mut world = serving();
    assert_idle(&mut world);
    world.command(|_, cx| cx.after(Duration::from_secs(1000), |_, _| ()).expect("room"));
    let (device, runner) = polls(&world);
    world.pass(Duration::from_secs(999));
    assert_eq!(polls(&world), (device, runner));
    world.pass(Duration::from_secs(1));
    // No socket was changed, so the runner has nothing to do.
    assert_eq!(polls(&world), (device + 1, runner));
}

#[test]
fn a_segment_polls_the_loop_and_the_runner_only_a_few_times() {
    let mut world = without_timeouts::<4, 8>();
    world.command(|app, cx| {
        app.callback = App::echo;
        app.listen(cx, "0.0.0.0:9995")
    });
    let client = world.connect_client();
    assert_idle(&mut world);
    let before = polls(&world);
    const SEGMENTS: usize = 100;
    for _ in 0..SEGMENTS {
        world.peer.send(client, b"echo");
        world.settle();
        assert_eq!(world.receive_at(client), b"echo");
    }
    let (device, runner) = polls(&world);
    // The loop is polled once for each segment, and once for the acknowledgement of the segment's echo.
    assert!(device - before.0 <= 2 * SEGMENTS, "{} polls", device - before.0);
    // The runner is polled for the segment and for the acknowledgement, and once more after each poll of the loop,
    // because the loop has used the socket.
    assert!(runner - before.1 <= 4 * SEGMENTS, "{} polls", runner - before.1);
}

/// Closing a connection changes the state of the socket, and so wakes the socket's wakers. The wake must not cause
/// another poll of the loop.
#[test]
fn the_loop_is_not_woken_by_its_own_calls() {
    let mut world = serving();
    let conn = world.accepted()[0];
    assert_idle(&mut world);
    let before = world.device.polls;
    world.with_conn(conn, |conn| conn.close());
    // One poll to carry out `close`, and one poll for the acknowledgement of the device's end of stream.
    assert_eq!(world.device.polls - before, 2);
}

#[test]
fn a_segment_for_no_connection_does_not_wake_the_loop() {
    let mut world = serving();
    assert_idle(&mut world);
    let before = world.device.polls;
    // No socket listens on the port, so the stack refuses the client without the loop.
    world.connect_clients_to(PORT + 1, 1);
    assert_eq!(world.resets(), 1);
    assert_eq!(world.device.polls, before);
}

#[test]
fn a_closed_connection_wakes_the_loop_only_for_its_end() {
    let mut world = serving();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.close());
    assert!(world.next_wake().is_some());
    // The peer never ends its stream, so the connection is reset. Nothing else happens.
    assert_idle(&mut world);
    assert_eq!(world.resets(), 1);
}
