//! SYNs that arrive twice: only one socket serves a client's handshake.

use std::time::Duration;

use picoevent::{ConnError, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{DEVICE, PORT, PeerSocket, World, address, failed};

const MILLIS: Duration = Duration::from_millis(1);

/// Makes a device with four sockets, each with a client.
fn full() -> (World, Vec<PeerSocket>) {
    let mut world = World::with::<4, 4>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let clients = world.connect_clients(4);
    assert_eq!(world.accepted().len(), 4);
    (world, clients)
}

/// Resets the accepted connection with this index, so that its socket becomes free.
fn free(world: &mut World, clients: &[PeerSocket], index: usize) {
    let conn = world.accepted()[index];
    world.with_conn(conn, |conn| conn.abort());
    assert_eq!(world.peer.state(clients[index]), State::Closed);
}

/// Loses the next `amount` answers of the device to a SYN.
fn lose_answers(world: &mut World, mut amount: usize) {
    world.lose(move |segment| {
        let lost = segment.source.0 == DEVICE && segment.syn && amount > 0;
        amount -= usize::from(lost);
        lost
    });
}

/// The client's SYN reaches one socket, the answer is lost, and another socket becomes free before
/// the client retransmits the SYN.
#[test]
fn a_client_whose_syn_ack_was_lost_is_served_whichever_socket_is_free() {
    for first in 0..4 {
        for second in (0..4).filter(|second| *second != first) {
            for lost in 1..3 {
                for free_at in [0, 300, 499, 500, 700, 999, 1000, 1001, 2999, 3000] {
                    let (mut world, clients) = full();
                    free(&mut world, &clients, first);
                    lose_answers(&mut world, lost);
                    let resets = world.resets();
                    let client = world.connect_client();
                    world.pass(MILLIS * free_at);
                    free(&mut world, &clients, second);
                    world.pass(Duration::from_secs(8));
                    let order = (first, second, lost, free_at);
                    assert_eq!(world.peer.state(client), State::Established, "{order:?}");
                    // The only reset is for the client that held the second socket.
                    assert_eq!(world.resets(), resets + 1, "{order:?}");
                    assert_eq!(world.accepted().len(), 5, "{order:?}");
                }
            }
        }
    }
}

/// The SYN arrives again just before the device retransmits its answer. If another socket answered the repeated SYN,
/// two different answers would be under way. The client would accept the first answer and reset the socket that sent
/// the second answer.
#[test]
fn a_repeated_syn_that_crosses_the_repeated_syn_ack_does_no_harm() {
    for first in 0..4 {
        for second in (0..4).filter(|second| *second != first) {
            for repeated_at in [1, 100, 499, 500, 501, 900, 999] {
                let (mut world, clients) = full();
                free(&mut world, &clients, first);
                lose_answers(&mut world, 2);
                world.cable.borrow_mut().keep_syn = true;
                let client = world.connect_client();
                free(&mut world, &clients, second);
                let resets = world.resets();
                world.pass(MILLIS * repeated_at);
                world.cable.borrow_mut().repeat_syn();
                world.pass(Duration::from_secs(8));
                let order = (first, second, repeated_at);
                assert_eq!(world.peer.state(client), State::Established, "{order:?}");
                assert_eq!(world.resets(), resets, "{order:?}");
                assert_eq!(world.accepted().len(), 5, "{order:?}");
            }
        }
    }
}

/// Like the first test of this file, but the last segment of the handshake, the client's acknowledgement, is lost.
#[test]
fn a_client_whose_acknowledgement_was_lost_is_served_whichever_socket_is_free() {
    for first in 0..4 {
        for second in (0..4).filter(|second| *second != first) {
            let (mut world, clients) = full();
            free(&mut world, &clients, first);
            let mut amount = 1;
            world.lose(move |segment| {
                let lost = segment.source.0 != DEVICE && !segment.syn && amount > 0;
                amount -= usize::from(lost);
                lost
            });
            let client = world.connect_client();
            free(&mut world, &clients, second);
            world.pass(Duration::from_secs(8));
            assert_eq!(world.peer.state(client), State::Established, "{first} {second}");
            assert_eq!(world.accepted().len(), 5);
        }
    }
}

#[test]
fn other_clients_are_accepted_while_a_client_repeats_its_syn() {
    let (mut world, clients) = full();
    free(&mut world, &clients, 1);
    free(&mut world, &clients, 3);
    lose_answers(&mut world, 1);
    let slow = world.connect_client();
    free(&mut world, &clients, 0);
    world.pass(MILLIS * 700);
    // Socket 1 is in the handshake with `slow`. Socket 0 does not listen: it comes before socket 1, so it would get the
    // repeated SYN of `slow`. Socket 3 listens.
    let other = world.connect_client();
    assert_eq!(world.peer.state(other), State::Established);
    world.pass(Duration::from_secs(1));
    let next = world.connect_client();
    let states = [slow, next].map(|client| world.peer.state(client));
    assert_eq!(states, [State::Established; 2]);
}

#[test]
fn no_client_is_refused_during_a_handshake_of_usual_length() {
    let (mut world, clients) = full();
    free(&mut world, &clients, 3);
    lose_answers(&mut world, 1);
    world.connect_client();
    world.pass(MILLIS * 100);
    free(&mut world, &clients, 0);
    let other = world.connect_client();
    assert_eq!(world.peer.state(other), State::Established);
}

#[test]
fn a_client_that_vanished_in_its_handshake_blocks_other_clients_only_briefly() {
    let (mut world, clients) = full();
    free(&mut world, &clients, 3);
    world.lose(|segment| segment.source.0 == DEVICE && segment.syn);
    let gone = world.connect_client();
    world.peer.drop_silently(gone);
    free(&mut world, &clients, 0);
    world.pass(MILLIS * 3_900);
    world.lose(|_| false);
    let refused = world.connect_client();
    assert_eq!(world.peer.state(refused), State::Closed);
    world.pass(MILLIS * 100);
    let next = world.connect_client();
    assert_eq!(world.peer.state(next), State::Established);
}

/// A SYN that the cable has duplicated arrives when the connection is established.
#[test]
fn a_duplicate_syn_does_not_disturb_its_connection() {
    for first in 0..4 {
        for second in (0..4).filter(|second| *second != first) {
            let (mut world, clients) = full();
            free(&mut world, &clients, first);
            world.cable.borrow_mut().keep_syn = true;
            let client = world.connect_client();
            free(&mut world, &clients, second);
            assert_eq!(world.peer.state(client), State::Established);
            world.cable.borrow_mut().repeat_syn();
            world.settle();
            world.peer.send(client, b"still here");
            world.settle();
            let conn = world.accepted()[4];
            assert_eq!(world.received(conn), b"still here", "{first} {second}");
            assert_eq!(world.peer.state(client), State::Established);
            // The socket that the duplicate reached listens again.
            let next = world.connect_client();
            assert_eq!(world.peer.state(next), State::Established, "{first} {second}");
        }
    }
}

/// Drops the peer's side without sending anything, like a power failure, and connects again from
/// the same port.
fn restart(world: &mut World, client: PeerSocket) -> PeerSocket {
    let port = world.peer.get(client).local_endpoint().expect("it is open").port;
    world.peer.drop_silently(client);
    let again = world.peer.connect_from(DEVICE, PORT, port);
    world.settle();
    again
}

#[test]
fn a_peer_that_restarts_is_served_at_once_by_a_socket_before_the_dead_connection() {
    let (mut world, clients) = full();
    world.pass(Duration::from_secs(10));
    free(&mut world, &clients, 0);
    let dead = world.accepted()[2];
    let again = restart(&mut world, clients[2]);
    assert_eq!(world.peer.state(again), State::Established);
    assert_eq!(world.events(dead), [failed(ConnError::Reset)]);
    world.peer.send(again, b"hello again");
    world.settle();
    assert_eq!(world.received(world.accepted()[4]), b"hello again");
}

#[test]
fn a_peer_that_restarts_is_served_after_the_next_keep_alive() {
    let (mut world, clients) = full();
    world.pass(Duration::from_secs(10));
    free(&mut world, &clients, 3);
    let dead = world.accepted()[0];
    world.with_conn(dead, |conn| {
        conn.set_keep_alive(Some(Duration::from_secs(2)));
    });
    // The new keep-alive interval applies from the next segment on.
    world.peer.send(clients[0], b"x");
    world.settle();
    let again = restart(&mut world, clients[0]);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.peer.state(again), State::Established);
    assert_eq!(world.events(dead), [failed(ConnError::Reset)]);
}

#[test]
fn a_handshake_that_is_never_completed_does_not_end_an_idle_connection() {
    let (mut world, clients) = full();
    world.pass(Duration::from_secs(10));
    free(&mut world, &clients, 0);
    let idle = world.accepted()[2];
    // The SYN of the restarted peer is like a SYN with a forged source: the device's answer to the SYN gets no reply.
    world.lose(|segment| segment.source.0 == DEVICE && segment.syn);
    restart(&mut world, clients[2]);
    world.with_conn(idle, |conn| {
        conn.disable(Direction::Read);
    });
    assert_eq!(world.events(idle), []);
}
