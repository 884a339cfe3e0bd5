//! Accepting: clients are accepted, and wait while the base has no room.

use std::time::Duration;

use picoevent::{ConnError, ConnEvent};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{Call, DEVICE, PEER, PORT, World, address, failed};

fn serving() -> World {
    let mut world = World::new();
    world.listen(PORT);
    world
}

/// Returns the ports of the clients that were accepted and are held, the oldest first.
fn served(world: &mut World) -> Vec<u16> {
    let accepted = world.accepted();
    world.command(move |_, cx| {
        let held = accepted.into_iter().filter_map(|conn| cx.conn(conn).ok()?.peer());
        held.map(|peer| peer.port()).collect()
    })
}

fn port(world: &mut World, call: Call) -> u16 {
    world.peer.get(call).local_endpoint().expect("it is open").port
}

#[test]
fn as_many_clients_as_sockets_are_answered_though_the_base_has_fewer_slots() {
    let mut world = serving();
    let calls = world.calls(8);
    assert_eq!(world.established(&calls), 8);
    assert_eq!(world.accepted().len(), 4);
    assert_eq!(world.resets(), 0);
}

#[test]
fn more_clients_than_there_are_notes_of_news_are_served() {
    let mut world = World::with::<40, 40>(Config::default(), address(DEVICE));
    world.command(|app, cx| {
        app.call = App::echo;
        app.listen(cx, "0.0.0.0:9995")
    });
    let calls = world.calls(40);
    assert_eq!(world.established(&calls), 40);
    for call in calls {
        world.peer.send(call, b"echo");
        world.settle();
        assert_eq!(world.hear(call), b"echo");
    }
}

#[test]
fn none_of_those_who_wait_is_lost() {
    let mut world = serving();
    let calls = world.calls(8);
    for call in &calls {
        world.peer.send(*call, b"Hello");
    }
    for turn in 0..8 {
        let conn = world.accepted()[turn];
        world.pass(Duration::from_secs(1));
        assert_eq!(world.received(conn), b"Hello");
        world.with_conn(conn, |conn| conn.abort());
    }
    assert_eq!(world.accepted().len(), 8);
}

#[test]
fn those_who_wait_are_served_oldest_first() {
    let mut world = serving();
    world.calls(4);
    let second = Duration::from_secs(1);
    let first = world.call();
    world.pass(second);
    let older = world.call();
    world.pass(second);
    // The socket that becomes free now has a lower index than the socket whose client waits.
    let conns = world.accepted();
    let (one, other) = (conns[0], conns[1]);
    world.with_conn(one, |conn| conn.abort());
    assert_eq!(served(&mut world).last(), Some(&port(&mut world, first)));
    let younger = world.call();
    world.with_conn(other, |conn| conn.abort());
    assert_eq!(served(&mut world).last(), Some(&port(&mut world, older)));
    world.with_conn(conns[2], |conn| conn.abort());
    assert_eq!(served(&mut world).last(), Some(&port(&mut world, younger)));
}

#[test]
fn those_who_wait_are_served_oldest_first_whichever_listener_they_called() {
    let mut world = World::with::<1, 8>(Config::default(), address(DEVICE));
    let _listeners = [1, 2].map(|port| world.listen(port));
    let mut waiting = Vec::new();
    for called in [1, 2, 1, 2] {
        let call = world.calls_to(called, 1)[0];
        waiting.push(port(&mut world, call));
        world.pass(Duration::from_secs(1));
    }
    for (turn, client) in waiting.into_iter().enumerate() {
        assert_eq!(served(&mut world), [client]);
        let conn = world.accepted()[turn];
        world.with_conn(conn, |conn| conn.abort());
    }
}

#[test]
fn one_client_more_than_sockets_is_refused_and_may_try_again() {
    let mut world = serving();
    let calls = world.calls(9);
    assert_eq!(world.established(&calls), 8);
    assert_eq!(world.peer.state(calls[8]), State::Closed);
    assert_eq!(world.resets(), 1);
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.abort());
    let again = world.call();
    assert_eq!(world.peer.state(again), State::Established);
}

#[test]
fn a_client_that_resets_gives_its_slot_back() {
    let mut world = serving();
    let calls = world.calls(8);
    world.peer.abort(calls[0]);
    world.settle();
    let conn = world.accepted()[0];
    assert_eq!(world.events(conn), [failed(ConnError::Reset)]);
    // A slot of the base becomes free for the client that waits, and a socket becomes free for another client.
    assert_eq!(world.accepted().len(), 5);
    let another = world.call();
    assert_eq!(world.peer.state(another), State::Established);
}

#[test]
fn a_client_that_resets_while_it_waits_gives_its_socket_back() {
    let mut world = serving();
    let calls = world.calls(8);
    world.peer.abort(calls[6]);
    world.settle();
    let another = world.call();
    assert_eq!(world.peer.state(another), State::Established);
    assert_eq!(world.accepted().len(), 4);
}

#[test]
fn a_client_that_ends_while_it_waits_is_heard() {
    let mut world = serving();
    world.calls(4);
    let call = world.call();
    world.peer.send(call, b"last words");
    world.peer.close(call);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.abort());
    let waited = world.accepted()[4];
    assert_eq!(world.received(waited), b"last words");
    assert_eq!(world.events(waited), [ConnEvent::Eof]);
}

#[test]
fn a_handshake_that_is_not_completed_takes_no_slot_of_the_base() {
    let mut world = serving();
    // The third step of the handshake is lost.
    world.lose(|segment| segment.source.0 == PEER && !segment.syn);
    world.calls(6);
    assert_eq!(world.accepted().len(), 0);
    world.lose(|_| false);
    let call = world.call();
    assert_eq!(served(&mut world), [port(&mut world, call)]);
}
