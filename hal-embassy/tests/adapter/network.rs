//! Changes of the network: the link, and the device's address.

use std::net::Ipv4Addr;
use std::time::Duration;

use embassy_net::{Config as NetConfig, ConfigV4};
use picoevent::{ConnError, ConnEvent};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PORT, Task, World, address, failed};

const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
const SERVICE: u16 = 7000;

fn serving() -> World {
    let mut world = World::new();
    world.listen(PORT);
    world
}

#[test]
fn a_connection_stays_open_while_the_cable_is_unplugged_for_a_short_time() {
    let mut world = serving();
    let client = world.connect_client();
    let conn = world.accepted()[0];
    world.plug(false);
    world.with_conn(conn, |conn| conn.write(b"are you there?")).expect("there is room");
    world.peer.send(client, b"and you?");
    world.pass(Duration::from_secs(10));
    assert_eq!(world.events(conn), []);
    world.plug(true);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.receive_at(client), b"are you there?");
    assert_eq!(world.received(conn), b"and you?");
    assert_eq!(world.events(conn), []);
}

#[test]
fn a_listener_stays_open_while_the_cable_is_unplugged() {
    let mut world = serving();
    world.plug(false);
    world.pass(Duration::from_secs(3600));
    world.plug(true);
    let client = world.connect_client();
    assert_eq!(world.peer.state(client), State::Established);
}

#[test]
fn connections_fail_at_once_when_their_address_is_lost() {
    let mut world = serving();
    world.connect_client();
    let accepted = world.accepted()[0];
    world.peer.listen(SERVICE);
    let established = world.connect(SERVICE);
    world.lose(|_| true);
    let connecting = world.connect(SERVICE);
    world.set_address(None);
    let lost = failed(ConnError::AddressLost);
    assert_eq!(world.events(accepted), [lost]);
    assert_eq!(world.events(established), [ConnEvent::Opened, lost]);
    assert_eq!(world.events(connecting), [lost]);
}

#[test]
fn waiting_clients_are_not_accepted_after_the_address_is_lost() {
    let mut world = serving();
    world.connect_clients(5);
    world.set_address(None);
    world.pass(Duration::from_secs(1));
    world.set_address(Some(DEVICE));
    assert_eq!(world.accepted().len(), 4);
}

#[test]
fn all_sockets_listen_again_at_once_on_another_address() {
    let mut world = serving();
    // One connection is closed and lingers, four are accepted, and three wait.
    world.connect_clients(1);
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.close());
    world.connect_clients(7);
    world.set_address(Some(OTHER));
    let clients: Vec<_> = (0..8).map(|_| world.peer.connect(OTHER, PORT)).collect();
    // The peer sends at most one request for a hardware address per second.
    world.pass(Duration::from_secs(2));
    assert_eq!(world.established(&clients), 8);
}

#[test]
fn a_socket_that_lingers_listens_at_once_on_another_address() {
    let mut world = World::with::<1, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    world.connect_client();
    world.pass(Duration::from_secs(1));
    let conn = world.accepted()[0];
    // Without the change of the network, this connection would linger.
    world.with_conn(conn, |conn| conn.close());
    world.set_address(Some(OTHER));
    let client = world.peer.connect(OTHER, PORT);
    world.settle();
    assert_eq!(world.peer.state(client), State::Established);
}

#[test]
fn a_socket_that_waits_listens_at_once_on_another_address() {
    let mut world = World::with::<1, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let client = world.connect_client();
    let conn = world.accepted()[0];
    world.peer.close(client);
    world.with_conn(conn, |conn| conn.finish());
    // Both sides have ended their streams, but the application has not closed the connection. So the base has no room
    // for another connection.
    let waiting = world.connect_client();
    assert_eq!(world.peer.state(waiting), State::Established);
    world.pass(Duration::from_secs(1));
    world.set_address(Some(OTHER));
    let client = world.peer.connect(OTHER, PORT);
    world.settle();
    assert_eq!(world.peer.state(client), State::Established);
    assert_eq!(world.accepted().len(), 1);
}

#[test]
fn a_lost_address_is_reported_though_the_stack_has_dropped_the_connection() {
    let mut world = serving();
    let client = world.connect_client();
    let conn = world.accepted()[0];
    world.stack.set_config_v4(ConfigV4::None);
    world.peer.send(client, b"too late");
    world.settle_network();
    world.settle();
    assert_eq!(world.events(conn), [failed(ConnError::AddressLost)]);
}

#[test]
fn a_lost_address_is_reported_while_the_link_is_down() {
    let mut world = serving();
    world.connect_client();
    let conn = world.accepted()[0];
    world.plug(false);
    world.set_address(None);
    assert_eq!(world.events(conn), [failed(ConnError::AddressLost)]);
}

#[test]
fn a_listener_can_start_without_an_address() {
    let mut world = World::with::<4, 8>(Config::default(), NetConfig::default());
    world.listen(PORT);
    world.pass(Duration::from_secs(60));
    world.set_address(Some(DEVICE));
    let clients = world.connect_clients(8);
    assert_eq!(world.established(&clients), 8);
    assert!(world.seen.borrow().errors.is_empty());
}

/// Makes a device without an address, whose connects fail after twenty seconds.
fn without_address() -> World {
    let config = Config { timeout: Some(Duration::from_secs(20)), ..Config::default() };
    World::with::<4, 4>(config, NetConfig::default())
}

#[test]
fn a_connect_waits_for_an_address() {
    let mut world = without_address();
    let server = world.peer.listen(SERVICE);
    let conn = world.connect(SERVICE);
    world.with_conn(conn, |conn| conn.write(b"early")).expect("there is room");
    world.pass(Duration::from_secs(19));
    assert_eq!(world.events(conn), []);
    assert_eq!(world.sent().len(), 0);
    world.set_address(Some(DEVICE));
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
    assert_eq!(world.receive_at(server), b"early");
}

#[test]
fn a_connect_waits_for_the_link() {
    let mut world = World::new();
    world.plug(false);
    world.peer.listen(SERVICE);
    let conn = world.connect(SERVICE);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.events(conn), []);
    world.plug(true);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn a_connect_at_the_start_waits_for_the_address_and_the_link() {
    let (config, net) = (Config::default(), NetConfig::default());
    let mut world = World::unsettled::<4, 8, 256, 256, 512, 512>(config, net);
    world.cable.borrow_mut().plug(false);
    world.peer.listen(SERVICE);
    let conn = world.connect(SERVICE);
    world.pass(Duration::from_secs(3));
    world.set_address(Some(DEVICE));
    world.pass(Duration::from_secs(3));
    assert_eq!(world.events(conn), []);
    world.plug(true);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn a_connect_that_waits_for_an_address_fails_after_the_timeout() {
    let mut world = without_address();
    let conns = [(); 4].map(|()| world.connect(SERVICE));
    world.pass(Duration::from_millis(19_999));
    assert_eq!(world.events(conns[3]), []);
    world.pass(Duration::from_millis(2));
    for conn in conns {
        assert_eq!(world.events(conn), [failed(ConnError::Unreachable)]);
    }
    // All sockets are free again.
    world.set_address(Some(DEVICE));
    for _ in 0..4 {
        world.peer.listen(SERVICE);
        let conn = world.connect(SERVICE);
        assert_eq!(world.events(conn), [ConnEvent::Opened]);
    }
}

#[test]
fn connects_that_have_waited_for_an_address_do_not_wait_for_each_other() {
    let mut world = without_address();
    let conns = [(); 4].map(|()| {
        world.peer.listen(SERVICE);
        world.connect(SERVICE)
    });
    world.pass(Duration::from_secs(15));
    world.set_address(Some(DEVICE));
    for conn in conns {
        assert_eq!(world.events(conn), [ConnEvent::Opened]);
    }
}

#[test]
fn the_timeout_of_a_handshake_begins_after_the_wait_for_the_address() {
    let mut world = without_address();
    world.lose(|_| true);
    let conn = world.connect(SERVICE);
    world.pass(Duration::from_secs(15));
    world.set_address(Some(DEVICE));
    world.pass(Duration::from_millis(19_900));
    assert_eq!(world.events(conn), []);
    world.pass(Duration::from_millis(1_200));
    assert_eq!(world.events(conn), [failed(ConnError::TimedOut)]);
}

#[test]
fn a_connect_without_a_route_from_the_new_address_fails_at_once() {
    let mut world = without_address();
    let connect = |world: &mut World, peer: &str| {
        let peer = peer.parse().expect("an address");
        world.command(move |app, cx| app.connect(cx, peer))
    };
    let [far, everyone] =
        ["192.168.1.1:7000", "10.0.0.255:7000"].map(|peer| connect(&mut world, peer));
    world.pass(Duration::from_secs(1));
    world.set_address(Some(DEVICE));
    assert_eq!(world.events(far), [failed(ConnError::Unreachable)]);
    assert_eq!(world.events(everyone), [failed(ConnError::AddressInvalid)]);
}

#[test]
fn a_connect_that_waits_for_an_address_can_be_aborted_or_closed() {
    let mut world = without_address();
    let conns = [(); 2].map(|()| world.connect(SERVICE));
    world.with_conn(conns[0], |conn| conn.set_timeouts(None, Some(Duration::from_secs(3))).abort());
    world.with_conn(conns[1], |conn| conn.write(b"never sent")).expect("there is room");
    world.with_conn(conns[1], |conn| conn.close());
    world.pass(Duration::from_secs(30));
    let counts = world.command(|_, cx| cx.counts());
    assert_eq!(counts.conns, 0);
    world.set_address(Some(DEVICE));
    for _ in 0..4 {
        world.peer.listen(SERVICE);
        let conn = world.connect(SERVICE);
        assert_eq!(world.events(conn), [ConnEvent::Opened]);
    }
}

#[test]
fn a_connect_waits_for_the_address_together_with_another_task() {
    let mut world = without_address();
    let stack = world.stack;
    let mut other = Task::new(async move { stack.wait_config_up().await });
    world.peer.listen(SERVICE);
    let conn = world.connect(SERVICE);
    for _ in 0..100 {
        if !other.poll_if_woken() {
            break;
        }
        world.settle();
    }
    world.pass(Duration::from_secs(2));
    world.set_address(Some(DEVICE));
    world.pass(Duration::from_secs(5));
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn a_closed_connection_frees_its_socket_when_the_address_is_lost() {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    world.connect_client();
    let conn = world.accepted()[0];
    world.lose(|_| true);
    world.with_conn(conn, |conn| conn.write(b"never sent")).expect("there is room");
    world.with_conn(conn, |conn| conn.close());
    world.set_address(None);
    world.lose(|_| false);
    world.set_address(Some(DEVICE));
    world.pass(Duration::from_secs(10));
    let client = world.connect_client();
    assert_eq!(world.peer.state(client), State::Established);
}

#[test]
fn the_loop_leaves_the_stacks_waker_to_another_task() {
    let mut world = serving();
    let stack = world.stack;
    let mut other = Task::new(async move { stack.wait_config_down().await });
    // The stack stores one waker. Each task that sets its waker wakes the other task.
    for _ in 0..100 {
        world.settle();
        if !other.poll_if_woken() {
            break;
        }
    }
    let polls = (world.device.polls, other.polls);
    world.settle();
    assert!(!other.poll_if_woken(), "the two keep waking each other");
    assert_eq!((world.device.polls, other.polls), polls);
    world.connect_client();
    for _ in 0..100 {
        if !other.poll_if_woken() {
            break;
        }
        world.settle();
    }
    assert!(!other.poll_if_woken(), "the two keep waking each other");
    assert_eq!(world.accepted().len(), 1);
}

#[test]
fn the_loop_notices_network_changes_again_after_the_other_task_has_ended() {
    let mut world = serving();
    let stack = world.stack;
    let mut other = Task::new(async move { stack.wait_config_down().await });
    for _ in 0..100 {
        world.settle();
        if !other.poll_if_woken() {
            break;
        }
    }
    drop(other);
    world.connect_client();
    let conn = world.accepted()[0];
    world.set_address(None);
    assert_eq!(world.events(conn), [failed(ConnError::AddressLost)]);
}
