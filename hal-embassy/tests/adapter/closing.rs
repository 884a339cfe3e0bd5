//! Closing: the output arrives, then the end of stream, within a time limit.

use std::time::Duration;

use picoevent::{Conn, ConnEvent, ConnMut, FIN_WAIT};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{Call, DEVICE, PORT, World, address};

const ANSWER: usize = 4000;

fn answer() -> Vec<u8> {
    (0..ANSWER).map(|index| index as u8 ^ (index >> 8) as u8).collect()
}

fn answer_and_close(_: &mut App, conn: &mut ConnMut<'_, '_, App>) {
    conn.write(&answer()).expect("there is room");
    conn.close();
}

/// Makes a device with one connection. It answers at once with much more than its socket holds, and
/// closes.
fn answering<const SOCKETS: usize>(config: Config) -> World {
    let mut world = World::sized::<1, SOCKETS, 64, ANSWER, 128, 128>(config, address(DEVICE));
    world.command(|app, cx| {
        app.reads = false;
        app.then = Some(answer_and_close);
        app.listen(cx, "0.0.0.0:9995")
    });
    world
}

fn call_with_window(world: &mut World, window: usize) -> Call {
    let call = world.peer.call_with_window(DEVICE, PORT, window);
    world.settle();
    call
}

#[test]
fn a_long_answer_arrives_whole_though_the_peer_has_little_room() {
    let mut world = answering::<2>(Config::default());
    let call = call_with_window(&mut world, 64);
    assert_eq!(world.peer.state(call), State::Established);
    assert_eq!(world.hear(call), answer());
    assert_eq!(world.peer.state(call), State::CloseWait);
    world.peer.close(call);
    world.settle();
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_long_answer_arrives_whole_though_segments_are_lost() {
    let mut world = answering::<2>(Config::default());
    world.command(|_, cx| cx.set_close_limits(Duration::from_secs(600), FIN_WAIT));
    let mut count = 0;
    world.lose(move |_| {
        count += 1;
        count % 7 == 0
    });
    let call = world.call();
    let mut heard = Vec::new();
    for _ in 0..6000 {
        heard.extend(world.hear(call));
        if world.peer.state(call) == State::CloseWait {
            break;
        }
        world.pass(Duration::from_millis(100));
    }
    assert_eq!(heard, answer());
    assert_eq!(world.peer.state(call), State::CloseWait);
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_peer_that_says_more_than_anybody_reads_still_gets_its_answer() {
    let mut world = answering::<2>(Config::default());
    let call = call_with_window(&mut world, 64);
    // The peer reads nothing before it has sent everything.
    world.peer.send(call, &[7; 10_000]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.peer.get(call).send_queue(), 0);
    assert_eq!(world.hear(call), answer());
    world.peer.close(call);
    world.settle();
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_peer_that_says_more_after_its_answer_still_ends_in_order() {
    let mut world = answering::<1>(Config::default());
    let call = world.call();
    assert_eq!(world.hear(call), answer());
    world.peer.send(call, &[7; 10_000]);
    world.peer.close(call);
    world.settle();
    let next = world.call();
    assert_eq!(world.hear(next), answer());
    assert_eq!(world.resets(), 0);
}

#[test]
fn an_end_of_the_peer_that_is_repeated_is_acknowledged_again() {
    let config = Config { backlog: 1, ..Config::default() };
    let mut world = answering::<3>(config);
    let call = world.call();
    assert_eq!(world.hear(call), answer());
    // Our acknowledgement of the peer's end of stream is lost.
    world.lose(|segment| segment.source.0 == DEVICE);
    world.peer.close(call);
    world.settle();
    world.lose(|_| false);
    assert_eq!(world.peer.state(call), State::LastAck);
    // Meanwhile, this socket need not listen: other sockets are free to listen.
    let next = world.call();
    world.pass(Duration::from_secs(1));
    assert_eq!(world.hear(next), answer());
    assert_eq!(world.peer.state(call), State::Closed);
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_peer_that_never_reads_is_reset_after_the_linger_time() {
    let mut world = answering::<2>(Config::default());
    call_with_window(&mut world, 64);
    let next = world.call();
    world.pass(Duration::from_millis(9_999));
    assert_eq!((world.resets(), world.accepted().len()), (0, 1));
    world.pass(Duration::from_millis(2));
    assert_eq!((world.resets(), world.accepted().len()), (1, 2));
    assert_eq!(world.hear(next), answer());
    let again = world.call();
    assert_eq!(world.hear(again), answer());
}

#[test]
fn a_peer_that_never_ends_is_reset_after_the_time_for_that() {
    let mut world = answering::<2>(Config::default());
    let call = world.call();
    assert_eq!(world.hear(call), answer());
    assert_eq!(world.peer.state(call), State::CloseWait);
    world.pass(Duration::from_millis(1_998));
    assert_eq!(world.resets(), 0);
    world.pass(Duration::from_millis(4));
    assert_eq!(world.resets(), 1);
    let again = world.call();
    assert_eq!(world.hear(again), answer());
}

/// All sockets wait for their peers' end of stream, and none listens.
#[test]
fn a_client_is_served_though_all_sockets_wait_for_peers_to_end() {
    let mut world = answering::<2>(Config::default());
    let silent = [world.call(), world.call()];
    for call in silent {
        assert_eq!(world.hear(call), answer());
    }
    // No socket is taken at once: an end of stream that is on its way arrives in order.
    world.pass(Duration::from_millis(249));
    let refused = world.call();
    assert_eq!(world.peer.state(refused), State::Closed);
    world.pass(Duration::from_millis(1));
    let next = world.call();
    assert_eq!(world.hear(next), answer());
    // The peer that lost its socket is not disturbed: it has received everything, and may still
    // read it.
    assert_eq!(silent.map(|call| world.peer.state(call)), [State::CloseWait; 2]);
}

#[test]
fn the_oldest_of_those_that_only_have_to_end_is_given_up_first() {
    let mut world = answering::<2>(Config::default());
    let old = world.call();
    assert_eq!(world.hear(old), answer());
    world.pass(Duration::from_millis(200));
    let young = world.call();
    assert_eq!(world.hear(young), answer());
    world.pass(Duration::from_millis(50));
    let next = world.call();
    assert_eq!(world.hear(next), answer());
    // The old connection has lost its socket; the young one ends in order.
    let resets = world.resets();
    world.peer.close(young);
    world.settle();
    assert_eq!((world.peer.state(young), world.resets()), (State::Closed, resets));
    world.peer.close(old);
    world.settle();
    assert_eq!(world.resets(), resets + 1);
}

#[test]
fn no_peer_is_given_up_while_a_socket_listens() {
    let mut world = answering::<2>(Config::default());
    let silent = world.call();
    assert_eq!(world.hear(silent), answer());
    world.pass(Duration::from_millis(1_990));
    world.peer.close(silent);
    world.settle();
    assert_eq!((world.peer.state(silent), world.resets()), (State::Closed, 0));
}

#[test]
fn a_connection_with_something_undelivered_is_never_given_up_for_another() {
    let mut world = answering::<2>(Config::default());
    let slow = [(); 2].map(|()| call_with_window(&mut world, 64));
    world.pass(Duration::from_millis(5_000));
    let refused = world.call();
    assert_eq!(world.peer.state(refused), State::Closed);
    for call in slow {
        assert_eq!(world.hear(call), answer());
        world.peer.close(call);
        world.settle();
    }
}

#[test]
fn an_outgoing_connection_takes_the_socket_of_a_peer_that_only_has_to_end() {
    let mut world = answering::<1>(Config::default());
    let silent = world.call();
    assert_eq!(world.hear(silent), answer());
    world.peer.listen(7000);
    let conn = world.connect(7000);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn a_socket_whose_peer_ends_serves_the_next_at_once() {
    let mut world = answering::<1>(Config::default());
    for _ in 0..3 {
        let call = world.call();
        assert_eq!(world.hear(call), answer());
        world.peer.close(call);
        world.settle();
    }
    assert_eq!((world.resets(), world.accepted().len()), (0, 3));
}

#[test]
fn a_slot_of_the_base_is_free_while_the_peer_takes_its_time_to_end() {
    let mut world = answering::<2>(Config::default());
    for _ in 0..2 {
        let call = world.call();
        assert_eq!(world.hear(call), answer());
    }
    assert_eq!(world.accepted().len(), 2);
}

#[test]
fn a_peer_that_resets_while_it_is_answered_frees_socket_and_slot() {
    let mut world = answering::<1>(Config::default());
    let call = call_with_window(&mut world, 64);
    world.peer.abort(call);
    world.settle();
    let next = world.call();
    assert_eq!(world.hear(next), answer());
}

/// Makes a device that only listens, with one client.
fn serving() -> (World, Call, Conn) {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let call = world.call();
    let conn = world.accepted()[0];
    (world, call, conn)
}

#[test]
fn aborting_a_connection_with_something_unread_resets_it() {
    let (mut world, call, conn) = serving();
    // More than the ring holds, so that some bytes stay in the stack.
    world.command(|app, _| app.call = App::ignore_input);
    world.peer.send(call, &[7; 500]);
    world.peer.close(call);
    world.settle();
    world.with_conn(conn, |conn| conn.abort());
    assert_eq!(world.resets(), 1);
}

#[test]
fn aborting_a_connection_whose_peer_has_ended_delivers_what_was_sent() {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let call = call_with_window(&mut world, 64);
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.write(&[7; 200])).expect("there is room");
    world.peer.close(call);
    world.settle();
    world.with_conn(conn, |conn| conn.abort());
    let mut heard = world.hear(call);
    while heard.len() < 200 {
        world.pass(Duration::from_secs(1));
        heard.extend(world.hear(call));
    }
    assert_eq!((heard, world.resets()), (vec![7; 200], 0));
}
