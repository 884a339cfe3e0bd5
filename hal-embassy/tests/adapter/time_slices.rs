//! The time slices of connects: a host that does not answer does not delay a connect to another host.

use std::collections::HashSet;
use std::time::Duration;

use picoevent::{Conn, ConnError, ConnEvent, ConnMut, Settings};

use crate::world::app::App;
use crate::world::{DEVICE, PEER, World, failed};

const SERVICE: u16 = 7000;
const CONNECTED: [ConnEvent; 1] = [ConnEvent::Opened];
const TIMED_OUT: [ConnEvent; 1] = [failed(ConnError::TimedOut)];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Connects to `dead` hosts that do not exist, then `live` times to a host that exists, all in one callback.
fn connect(world: &mut World, dead: u8, live: usize) -> (Vec<Conn>, Vec<Conn>) {
    (0..live).for_each(|_| {
        world.peer.listen(SERVICE);
    });
    world.command(move |app, cx| {
        let dead = (0..dead).map(|host| app.connect(cx, ([10, 0, 0, 77 + host], 7000).into()));
        let dead = dead.collect();
        let live = (0..live).map(|_| app.connect(cx, (PEER, SERVICE).into())).collect();
        (dead, live)
    })
}

#[test]
fn a_missing_host_does_not_delay_a_later_connect() {
    let mut world = World::new();
    let (dead, _) = connect(&mut world, 1, 0);
    world.pass(seconds(10));
    let (_, live) = connect(&mut world, 0, 1);
    world.pass(Duration::from_millis(1_100));
    assert_eq!(world.events(live[0]), CONNECTED);
    assert_eq!(world.events(dead[0]), []);
}

#[test]
fn a_missing_host_does_not_delay_a_connect_of_the_same_callback() {
    let mut world = World::new();
    let (_, live) = connect(&mut world, 1, 1);
    world.pass(seconds(8));
    assert_eq!(world.events(live[0]), CONNECTED);
}

#[test]
fn each_of_many_connects_gets_a_time_slice() {
    let mut world = World::new();
    let (dead, live) = connect(&mut world, 3, 1);
    world.pass(seconds(3 + 4 * 3 + 1));
    assert_eq!(world.events(live[0]), CONNECTED);
    world.pass(seconds(60 - 16) - Duration::from_millis(1));
    dead.iter().for_each(|conn| assert_eq!(world.events(*conn), []));
    world.pass(Duration::from_millis(1));
    dead.iter().for_each(|conn| assert_eq!(world.events(*conn), TIMED_OUT));
}

#[test]
fn a_host_that_comes_back_is_reached_though_connects_share_time_slices() {
    let mut world = World::new();
    world.lose(|_| true);
    let (_, live) = connect(&mut world, 2, 1);
    world.pass(seconds(25));
    world.lose(|_| false);
    world.pass(seconds(10));
    assert_eq!(world.events(live[0]), CONNECTED);
}

#[test]
fn a_single_connect_is_not_interrupted() {
    let mut world = World::new();
    world.peer.listen(SERVICE);
    world.lose(|_| true);
    let conn = world.connect(SERVICE);
    world.pass(seconds(50));
    let ports: HashSet<_> = world.sent().iter().map(|segment| segment.source.1).collect();
    assert_eq!(ports.len(), 1);
    world.lose(|_| false);
    world.pass(seconds(10));
    assert_eq!(world.events(conn).len(), 1);
}

#[test]
fn output_of_a_connect_that_was_closed_without_a_time_slice_is_delivered() {
    let mut world = World::new();
    let server = world.peer.listen(SERVICE);
    world.lose(|_| true);
    let conn = world.connect(SERVICE);
    world.pass(seconds(5));
    // The new connect has only just begun, so the new connect uses the stack first. The connect of `conn` has been
    // unanswered for longer than a time slice (4.2 s), and has to wait now.
    connect(&mut world, 1, 0);
    world.with_conn(conn, |conn| {
        conn.write(b"last words").expect("there is room");
        conn.close();
    });
    world.lose(|_| false);
    world.pass(seconds(9));
    assert_eq!(world.receive_at(server), b"last words");
}

#[test]
fn a_connect_that_is_aborted_without_a_time_slice_frees_its_socket() {
    let mut world =
        World::with::<4, 2>(picoevent_embassy::Config::default(), crate::world::address(DEVICE));
    let (first, _) = connect(&mut world, 1, 0);
    world.pass(seconds(5));
    let (second, _) = connect(&mut world, 1, 0);
    world.with_conn(first[0], |conn| conn.abort());
    world.with_conn(second[0], |conn| conn.abort());
    let (_, live) = connect(&mut world, 0, 2);
    world.pass(Duration::from_millis(1_100));
    live.iter().for_each(|conn| assert_eq!(world.events(*conn), CONNECTED));
}

#[test]
fn a_connect_beside_newer_connects_times_out() {
    let mut world = World::new();
    let (dead, _) = connect(&mut world, 1, 0);
    let mut newest = None;
    for _ in 0..60 {
        // Each second another connect begins, and the connect before it is aborted. So one connect is always younger
        // than a time slice, and the first connect gets only one of four time slices.
        world.pass(seconds(1));
        let (conns, _) = connect(&mut world, 1, 0);
        if let Some(older) = newest.replace(conns[0]) {
            world.with_conn(older, |conn| conn.abort());
        }
    }
    world.pass(seconds(1));
    assert_eq!(world.events(dead[0]), TIMED_OUT);
}

#[test]
fn a_connect_without_a_socket_does_not_delay_other_connects() {
    let mut world =
        World::with::<4, 2>(picoevent_embassy::Config::default(), crate::world::address(DEVICE));
    world.lose(|_| true);
    let (_, live) = connect(&mut world, 1, 1);
    // Now the connect to the missing host has the time slice.
    world.pass(seconds(9));
    let without_socket = world.connect(SERVICE);
    assert_eq!(world.events(without_socket), [failed(ConnError::NoSocket)]);
    world.lose(|_| false);
    world.pass(seconds(10));
    assert_eq!(world.events(live[0]), CONNECTED);
}

static SHORT: Settings = Settings::new().connect(Duration::from_secs(2));

#[test]
fn a_connect_is_not_blocked_by_a_connect_that_is_begun_again_and_again() {
    let mut world = World::new();
    world.peer.listen(SERVICE);
    // The host does not exist, and the connect never lasts for a whole time slice.
    world.command(|app, cx| {
        let retries = cx.connect_with(([10, 0, 0, 77], 7000).into(), app.pool, &SHORT, retry);
        retries.expect("the pool has a free connection");
    });
    world.pass(Duration::from_millis(100));
    let conn = world.connect(SERVICE);
    world.pass(seconds(50));
    assert_eq!(world.events(conn), CONNECTED);
}

/// Aborts a connect that was not answered, and begins it again at once.
fn retry(_: &mut App, conn: &mut ConnMut<App>, event: ConnEvent) {
    match event {
        ConnEvent::Timeout(_) => conn.abort_with(ConnError::TimedOut),
        ConnEvent::Ended(_) => {
            conn.connect(([10, 0, 0, 77], 7000).into()).expect("it has ended");
        }
        _ => {}
    }
}
