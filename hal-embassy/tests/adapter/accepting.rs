//! Accepting: clients are accepted, and wait while the base has no room.

use std::time::Duration;

use picoevent::{ConnError, ConnEvent};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{DEVICE, PEER, PORT, PeerSocket, World, address, failed};

fn serving() -> World {
    let mut world = World::new();
    world.listen(PORT);
    world
}

/// Returns the ports of the accepted clients whose connections the base still has, the oldest first.
fn held_client_ports(world: &mut World) -> Vec<u16> {
    let accepted = world.accepted();
    world.command(move |_, cx| {
        let held = accepted.into_iter().filter_map(|conn| cx.conn(conn).ok()?.peer_addr());
        held.map(|peer| peer.port()).collect()
    })
}

fn port(world: &mut World, client: PeerSocket) -> u16 {
    world.peer.get(client).local_endpoint().expect("it is open").port
}

#[test]
fn handshakes_succeed_for_as_many_clients_as_there_are_sockets() {
    let mut world = serving();
    let clients = world.connect_clients(8);
    assert_eq!(world.established(&clients), 8);
    assert_eq!(world.accepted().len(), 4);
    assert_eq!(world.resets(), 0);
}

#[test]
fn more_clients_than_there_are_bits_are_served() {
    let mut world = World::with::<40, 40>(Config::default(), address(DEVICE));
    world.command(|app, cx| {
        app.callback = App::echo;
        app.listen(cx, "0.0.0.0:9995")
    });
    let clients = world.connect_clients(40);
    assert_eq!(world.established(&clients), 40);
    for client in clients {
        world.peer.send(client, b"echo");
        world.settle();
        assert_eq!(world.receive_at(client), b"echo");
    }
}

#[test]
fn waiting_clients_are_accepted_with_their_data() {
    let mut world = serving();
    let clients = world.connect_clients(8);
    for client in &clients {
        world.peer.send(*client, b"Hello");
    }
    for iteration in 0..8 {
        let conn = world.accepted()[iteration];
        world.pass(Duration::from_secs(1));
        assert_eq!(world.received(conn), b"Hello");
        world.with_conn(conn, |conn| conn.abort());
    }
    assert_eq!(world.accepted().len(), 8);
}

#[test]
fn waiting_clients_are_accepted_oldest_first() {
    let mut world = serving();
    world.connect_clients(4);
    let second = Duration::from_secs(1);
    let first = world.connect_client();
    world.pass(second);
    let older = world.connect_client();
    world.pass(second);
    // The socket that becomes free now has a lower index than the socket whose client waits.
    let conns = world.accepted();
    let (one, other) = (conns[0], conns[1]);
    world.with_conn(one, |conn| conn.abort());
    assert_eq!(held_client_ports(&mut world).last(), Some(&port(&mut world, first)));
    let younger = world.connect_client();
    world.with_conn(other, |conn| conn.abort());
    assert_eq!(held_client_ports(&mut world).last(), Some(&port(&mut world, older)));
    world.with_conn(conns[2], |conn| conn.abort());
    assert_eq!(held_client_ports(&mut world).last(), Some(&port(&mut world, younger)));
}

#[test]
fn waiting_clients_of_several_listeners_are_accepted_oldest_first() {
    let mut world = World::with::<1, 8>(Config::default(), address(DEVICE));
    let _listeners = [1, 2].map(|port| world.listen(port));
    let mut waiting = Vec::new();
    for listener_port in [1, 2, 1, 2] {
        let client = world.connect_clients_to(listener_port, 1)[0];
        waiting.push(port(&mut world, client));
        world.pass(Duration::from_secs(1));
    }
    for (iteration, client) in waiting.into_iter().enumerate() {
        assert_eq!(held_client_ports(&mut world), [client]);
        let conn = world.accepted()[iteration];
        world.with_conn(conn, |conn| conn.abort());
    }
}

#[test]
fn a_client_without_a_socket_is_refused_and_can_connect_later() {
    let mut world = serving();
    let clients = world.connect_clients(9);
    assert_eq!(world.established(&clients), 8);
    assert_eq!(world.peer.state(clients[8]), State::Closed);
    assert_eq!(world.resets(), 1);
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.abort());
    let again = world.connect_client();
    assert_eq!(world.peer.state(again), State::Established);
}

#[test]
fn a_reset_frees_the_slot_and_the_socket() {
    let mut world = serving();
    let clients = world.connect_clients(8);
    world.peer.abort(clients[0]);
    world.settle();
    let conn = world.accepted()[0];
    assert_eq!(world.events(conn), [failed(ConnError::Reset)]);
    // A slot of the base becomes free for the client that has waited longest, and a socket becomes free for another
    // client.
    assert_eq!(world.accepted().len(), 5);
    let another = world.connect_client();
    assert_eq!(world.peer.state(another), State::Established);
}

#[test]
fn a_reset_of_a_waiting_client_frees_its_socket() {
    let mut world = serving();
    let clients = world.connect_clients(8);
    world.peer.abort(clients[6]);
    world.settle();
    let another = world.connect_client();
    assert_eq!(world.peer.state(another), State::Established);
    assert_eq!(world.accepted().len(), 4);
}

#[test]
fn a_client_that_ends_its_stream_while_it_waits_is_accepted_with_its_data() {
    let mut world = serving();
    world.connect_clients(4);
    let client = world.connect_client();
    world.peer.send(client, b"last words");
    world.peer.close(client);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.abort());
    let waited = world.accepted()[4];
    assert_eq!(world.received(waited), b"last words");
    assert_eq!(world.events(waited), [ConnEvent::Eof]);
}

#[test]
fn an_incomplete_handshake_uses_no_slot_of_the_base() {
    let mut world = serving();
    // The last segment of each handshake, the client's acknowledgement, is lost.
    world.lose(|segment| segment.source.0 == PEER && !segment.syn);
    world.connect_clients(6);
    assert_eq!(world.accepted().len(), 0);
    world.lose(|_| false);
    let client = world.connect_client();
    assert_eq!(held_client_ports(&mut world), [port(&mut world, client)]);
}
