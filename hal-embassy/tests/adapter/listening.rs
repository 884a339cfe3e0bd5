//! Listeners: how they share the pool, and how they are disabled and enabled.

use picoevent::{ListenError, Listener};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PORT, World, address};

fn disable(world: &mut World, listener: Listener) {
    world.command(move |_, cx| {
        cx.listener(listener).expect("it is held").disable();
    });
}

fn enable(world: &mut World, listener: Listener) {
    world.command(move |_, cx| {
        cx.listener(listener).expect("it is held").enable();
    });
}

fn free(world: &mut World, listener: Listener) {
    world.command(move |_, cx| cx.listener(listener).expect("it is held").free());
}

fn errors(world: &World) -> Vec<(Listener, ListenError)> {
    world.seen.borrow().errors.clone()
}

fn listen(world: &mut World, address: &'static str) -> Listener {
    world.command(move |app, cx| app.listen(cx, address))
}

#[test]
fn the_backlog_limits_the_clients_that_can_connect_at_once() {
    let config = Config { backlog: 2, ..Config::default() };
    let mut world = World::with::<4, 8>(config, address(DEVICE));
    world.listen(PORT);
    let clients = world.connect_clients(3);
    assert_eq!(world.established(&clients), 2);
    // Now other sockets listen instead of the sockets that have clients, so the next two clients are accepted, too.
    let clients = world.connect_clients(2);
    assert_eq!(world.established(&clients), 2);
}

#[test]
fn listeners_share_the_pool() {
    let mut world = World::new();
    // The first listener has all sockets before the other listeners are added.
    let ports = [1, 2, 3].map(|port| {
        world.listen(port);
        port
    });
    let clients = ports.map(|port| [(); 8].map(|()| world.peer.connect(DEVICE, port)));
    world.settle();
    let mut shares = clients.map(|clients| world.established(&clients));
    shares.sort();
    assert_eq!(shares, [2, 3, 3]);
}

#[test]
fn a_listener_that_is_freed_leaves_its_sockets_to_the_others() {
    let mut world = World::new();
    let one = world.listen(1);
    world.listen(2);
    free(&mut world, one);
    let clients = world.connect_clients_to(2, 8);
    assert_eq!(world.established(&clients), 8);
}

#[test]
fn a_disabled_listener_refuses_and_an_enabled_one_accepts() {
    let mut world = World::new();
    let listener = world.listen(PORT);
    disable(&mut world, listener);
    let client = world.connect_client();
    assert_eq!(world.peer.state(client), State::Closed);
    enable(&mut world, listener);
    let client = world.connect_client();
    assert_eq!(world.peer.state(client), State::Established);
    assert_eq!(world.accepted().len(), 1);
    assert_eq!(errors(&world), []);
}

#[test]
fn waiting_clients_stay_connected_while_the_listener_is_disabled() {
    let mut world = World::new();
    let listener = world.listen(PORT);
    let clients = world.connect_clients(5);
    disable(&mut world, listener);
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.abort());
    assert_eq!(world.accepted().len(), 4);
    assert_eq!(world.peer.state(clients[4]), State::Established);
    enable(&mut world, listener);
    assert_eq!(world.accepted().len(), 5);
}

#[test]
fn a_freed_listener_resets_waiting_clients_and_not_accepted_clients() {
    let mut world = World::new();
    let listener = world.listen(PORT);
    let clients = world.connect_clients(6);
    free(&mut world, listener);
    assert_eq!(world.established(&clients), 4);
    assert_eq!(world.resets(), 2);
    for client in &clients[..4] {
        world.peer.send(*client, b"still here");
    }
    world.settle();
    for conn in world.accepted() {
        assert_eq!(world.received(conn), b"still here");
    }
    let late = world.connect_client();
    assert_eq!(world.peer.state(late), State::Closed);
}

#[test]
fn a_port_can_be_listened_on_once() {
    let mut world = World::new();
    world.listen(PORT);
    let again = world.listen(PORT);
    let narrower = listen(&mut world, "10.0.0.2:9995");
    let in_use = ListenError::InUse;
    assert_eq!(errors(&world), [(again, in_use), (narrower, in_use)]);
    let client = world.connect_client();
    assert_eq!(world.peer.state(client), State::Established);
}

#[test]
fn a_listener_that_failed_can_be_enabled_when_the_port_is_free() {
    let mut world = World::new();
    let first = world.listen(PORT);
    let second = world.listen(PORT);
    free(&mut world, first);
    enable(&mut world, second);
    let client = world.connect_client();
    assert_eq!(world.peer.state(client), State::Established);
}

#[test]
fn two_addresses_may_have_the_same_port() {
    let mut world = World::new();
    listen(&mut world, "10.0.0.2:9995");
    listen(&mut world, "10.0.0.3:9995");
    assert_eq!(errors(&world), []);
    let clients = world.connect_clients(5);
    // Only the four sockets that listen on the clients' destination address can answer.
    assert_eq!(world.established(&clients), 4);
}

#[test]
fn port_0_cannot_be_listened_on() {
    let mut world = World::new();
    let listener = world.listen(0);
    assert_eq!(errors(&world), [(listener, ListenError::Invalid)]);
}

#[cfg(not(feature = "proto-ipv6"))]
#[test]
fn an_unsupported_address_family_cannot_be_listened_on() {
    let mut world = World::new();
    let any = listen(&mut world, "[::]:9995");
    let one = listen(&mut world, "[fe80::2]:9995");
    assert_eq!(errors(&world), [(any, ListenError::Invalid), (one, ListenError::Invalid)]);
}

#[test]
fn a_listener_without_a_socket_fails() {
    let mut world = World::with::<4, 2>(Config::default(), address(DEVICE));
    let listeners = [1, 2, 3].map(|port| world.listen(port));
    assert_eq!(errors(&world), [(listeners[2], ListenError::NoSocket)]);
    let ones = world.connect_clients_to(1, 1);
    let twos = world.connect_clients_to(2, 1);
    assert_eq!(world.established(&ones) + world.established(&twos), 2);
}
