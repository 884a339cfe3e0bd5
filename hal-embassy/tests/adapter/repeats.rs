//! SYNs that arrive twice: only one socket serves a client's handshake.

use std::time::Duration;

use picoevent::{ConnError, Direction};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::{Call, DEVICE, PORT, World, address, failed};

const MILLIS: Duration = Duration::from_millis(1);

/// Makes a device with four sockets, each with a client.
fn full() -> (World, Vec<Call>) {
    let mut world = World::with::<4, 4>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let calls = world.calls(4);
    assert_eq!(world.accepted().len(), 4);
    (world, calls)
}

/// Resets the accepted connection with this index, so that its socket becomes free.
fn free(world: &mut World, calls: &[Call], index: usize) {
    let conn = world.accepted()[index];
    world.with_conn(conn, |conn| conn.abort());
    assert_eq!(world.peer.state(calls[index]), State::Closed);
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
fn a_client_whose_answer_was_lost_is_served_whichever_socket_is_free_when_it_calls_again() {
    for first in 0..4 {
        for second in (0..4).filter(|second| *second != first) {
            for lost in 1..3 {
                for free_at in [0, 300, 499, 500, 700, 999, 1000, 1001, 2999, 3000] {
                    let (mut world, calls) = full();
                    free(&mut world, &calls, first);
                    lose_answers(&mut world, lost);
                    let resets = world.resets();
                    let call = world.call();
                    world.pass(MILLIS * free_at);
                    free(&mut world, &calls, second);
                    world.pass(Duration::from_secs(8));
                    let order = (first, second, lost, free_at);
                    assert_eq!(world.peer.state(call), State::Established, "{order:?}");
                    // The only reset is for the client that held the second socket.
                    assert_eq!(world.resets(), resets + 1, "{order:?}");
                    assert_eq!(world.accepted().len(), 5, "{order:?}");
                }
            }
        }
    }
}

/// The SYN arrives again just before the device retransmits its answer, so two answers are under way. The client
/// would accept the first answer and reset the socket that sent the second answer.
#[test]
fn a_repeated_syn_that_crosses_the_repeated_answer_does_no_harm_whichever_socket_is_free() {
    for first in 0..4 {
        for second in (0..4).filter(|second| *second != first) {
            for repeated_at in [1, 100, 499, 500, 501, 900, 999] {
                let (mut world, calls) = full();
                free(&mut world, &calls, first);
                lose_answers(&mut world, 2);
                world.cable.borrow_mut().keep_syn = true;
                let call = world.call();
                free(&mut world, &calls, second);
                let resets = world.resets();
                world.pass(MILLIS * repeated_at);
                world.cable.borrow_mut().repeat_syn();
                world.pass(Duration::from_secs(8));
                let order = (first, second, repeated_at);
                assert_eq!(world.peer.state(call), State::Established, "{order:?}");
                assert_eq!(world.resets(), resets, "{order:?}");
                assert_eq!(world.accepted().len(), 5, "{order:?}");
            }
        }
    }
}

/// As in the first test, but the last step of the handshake is lost.
#[test]
fn a_client_whose_acknowledgement_was_lost_is_served_whichever_socket_is_free() {
    for first in 0..4 {
        for second in (0..4).filter(|second| *second != first) {
            let (mut world, calls) = full();
            free(&mut world, &calls, first);
            let mut amount = 1;
            world.lose(move |segment| {
                let lost = segment.source.0 != DEVICE && !segment.syn && amount > 0;
                amount -= usize::from(lost);
                lost
            });
            let call = world.call();
            free(&mut world, &calls, second);
            world.pass(Duration::from_secs(8));
            assert_eq!(world.peer.state(call), State::Established, "{first} {second}");
            assert_eq!(world.accepted().len(), 5);
        }
    }
}

#[test]
fn others_are_answered_while_a_client_calls_again() {
    let (mut world, calls) = full();
    free(&mut world, &calls, 1);
    free(&mut world, &calls, 3);
    lose_answers(&mut world, 1);
    let slow = world.call();
    free(&mut world, &calls, 0);
    world.pass(MILLIS * 700);
    // The socket before the socket in handshake does not listen; the socket after it listens.
    let other = world.call();
    assert_eq!(world.peer.state(other), State::Established);
    world.pass(Duration::from_secs(1));
    let next = world.call();
    let states = [slow, next].map(|call| world.peer.state(call));
    assert_eq!(states, [State::Established; 2]);
}

#[test]
fn no_client_is_refused_while_a_handshake_takes_its_usual_time() {
    let (mut world, calls) = full();
    free(&mut world, &calls, 3);
    lose_answers(&mut world, 1);
    world.call();
    world.pass(MILLIS * 100);
    free(&mut world, &calls, 0);
    let other = world.call();
    assert_eq!(world.peer.state(other), State::Established);
}

#[test]
fn a_client_that_vanished_in_its_handshake_keeps_others_away_for_a_short_time_only() {
    let (mut world, calls) = full();
    free(&mut world, &calls, 3);
    world.lose(|segment| segment.source.0 == DEVICE && segment.syn);
    let gone = world.call();
    world.peer.forget(gone);
    free(&mut world, &calls, 0);
    world.pass(MILLIS * 3_900);
    world.lose(|_| false);
    let refused = world.call();
    assert_eq!(world.peer.state(refused), State::Closed);
    world.pass(MILLIS * 100);
    let next = world.call();
    assert_eq!(world.peer.state(next), State::Established);
}

/// A SYN that the cable has duplicated arrives when the connection is established.
#[test]
fn a_syn_that_comes_once_more_does_not_disturb_its_connection() {
    for first in 0..4 {
        for second in (0..4).filter(|second| *second != first) {
            let (mut world, calls) = full();
            free(&mut world, &calls, first);
            world.cable.borrow_mut().keep_syn = true;
            let call = world.call();
            free(&mut world, &calls, second);
            assert_eq!(world.peer.state(call), State::Established);
            world.cable.borrow_mut().repeat_syn();
            world.settle();
            world.peer.send(call, b"still here");
            world.settle();
            let conn = world.accepted()[4];
            assert_eq!(world.received(conn), b"still here", "{first} {second}");
            assert_eq!(world.peer.state(call), State::Established);
            // The socket that the duplicate reached listens again.
            let next = world.call();
            assert_eq!(world.peer.state(next), State::Established, "{first} {second}");
        }
    }
}

/// Drops the peer's side without sending anything, like a power failure, and connects again from
/// the same port.
fn restart(world: &mut World, call: Call) -> Call {
    let port = world.peer.get(call).local_endpoint().expect("it is open").port;
    world.peer.forget(call);
    let again = world.peer.call_from(DEVICE, PORT, port);
    world.settle();
    again
}

#[test]
fn a_peer_that_restarts_with_the_same_port_is_served_at_once_by_a_socket_before_the_dead_one() {
    let (mut world, calls) = full();
    world.pass(Duration::from_secs(10));
    free(&mut world, &calls, 0);
    let dead = world.accepted()[2];
    let again = restart(&mut world, calls[2]);
    assert_eq!(world.peer.state(again), State::Established);
    assert_eq!(world.events(dead), [failed(ConnError::Reset)]);
    world.peer.send(again, b"hello again");
    world.settle();
    assert_eq!(world.received(world.accepted()[4]), b"hello again");
}

#[test]
fn a_peer_that_restarts_with_the_same_port_is_served_after_the_next_keep_alive() {
    let (mut world, calls) = full();
    world.pass(Duration::from_secs(10));
    free(&mut world, &calls, 3);
    let dead = world.accepted()[0];
    world.with_conn(dead, |conn| {
        conn.set_keep_alive(Some(Duration::from_secs(2)));
    });
    // The new interval applies from the next segment on.
    world.peer.send(calls[0], b"x");
    world.settle();
    let again = restart(&mut world, calls[0]);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.peer.state(again), State::Established);
    assert_eq!(world.events(dead), [failed(ConnError::Reset)]);
}

#[test]
fn a_handshake_that_is_never_completed_does_not_end_an_idle_connection() {
    let (mut world, calls) = full();
    world.pass(Duration::from_secs(10));
    free(&mut world, &calls, 0);
    let idle = world.accepted()[2];
    // A SYN with a forged source: its answer gets no reply.
    world.lose(|segment| segment.source.0 == DEVICE && segment.syn);
    restart(&mut world, calls[2]);
    world.with_conn(idle, |conn| {
        conn.disable(Direction::Read);
    });
    assert_eq!(world.events(idle), []);
}
