//! Closing: the output arrives, then the end of stream, within a time limit.

use std::time::Duration;

use picoevent::{Conn, ConnEvent, ConnMut, FIN_WAIT};
use picoevent_embassy::Config;
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{DEVICE, PORT, PeerSocket, World, address};

const ANSWER: usize = 4000;

fn answer() -> Vec<u8> {
    (0..ANSWER).map(|index| index as u8 ^ (index >> 8) as u8).collect()
}

fn answer_and_close(_: &mut App, conn: &mut ConnMut<'_, '_, App>) {
    conn.write(&answer()).expect("there is room");
    conn.close();
}

/// Makes a device with one connection. The device answers each client at once with many more bytes than its socket
/// holds, and closes the connection.
fn answering<const SOCKETS: usize>(config: Config) -> World {
    let mut world = World::sized::<1, SOCKETS, 64, ANSWER, 128, 128>(config, address(DEVICE));
    world.command(|app, cx| {
        app.reads_input = false;
        app.on_accept = Some(answer_and_close);
        app.listen(cx, "0.0.0.0:9995")
    });
    world
}

fn connect_with_window(world: &mut World, window: usize) -> PeerSocket {
    let client = world.peer.connect_with_window(DEVICE, PORT, window);
    world.settle();
    client
}

#[test]
fn a_long_answer_arrives_completely_at_a_peer_with_a_small_window() {
    let mut world = answering::<2>(Config::default());
    let client = connect_with_window(&mut world, 64);
    assert_eq!(world.peer.state(client), State::Established);
    assert_eq!(world.receive_at(client), answer());
    assert_eq!(world.peer.state(client), State::CloseWait);
    world.peer.close(client);
    world.settle();
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_long_answer_arrives_completely_though_segments_are_lost() {
    let mut world = answering::<2>(Config::default());
    world.command(|_, cx| cx.set_close_limits(Duration::from_secs(600), FIN_WAIT));
    let mut count = 0;
    world.lose(move |_| {
        count += 1;
        count % 7 == 0
    });
    let client = world.connect_client();
    let mut received = Vec::new();
    for _ in 0..6000 {
        received.extend(world.receive_at(client));
        if world.peer.state(client) == State::CloseWait {
            break;
        }
        world.pass(Duration::from_millis(100));
    }
    assert_eq!(received, answer());
    assert_eq!(world.peer.state(client), State::CloseWait);
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_peer_whose_bytes_are_not_read_still_gets_its_answer() {
    let mut world = answering::<2>(Config::default());
    let client = connect_with_window(&mut world, 64);
    // The peer reads nothing before the peer has sent everything.
    world.peer.send(client, &[7; 10_000]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.peer.get(client).send_queue(), 0);
    assert_eq!(world.receive_at(client), answer());
    world.peer.close(client);
    world.settle();
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_peer_that_sends_more_after_its_answer_is_closed_without_a_reset() {
    let mut world = answering::<1>(Config::default());
    let client = world.connect_client();
    assert_eq!(world.receive_at(client), answer());
    world.peer.send(client, &[7; 10_000]);
    world.peer.close(client);
    world.settle();
    let next = world.connect_client();
    assert_eq!(world.receive_at(next), answer());
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_repeated_end_of_stream_is_acknowledged_again() {
    let config = Config { backlog: 1, ..Config::default() };
    let mut world = answering::<3>(config);
    let client = world.connect_client();
    assert_eq!(world.receive_at(client), answer());
    // Our acknowledgement of the peer's end of stream is lost.
    world.lose(|segment| segment.source.0 == DEVICE);
    world.peer.close(client);
    world.settle();
    world.lose(|_| false);
    assert_eq!(world.peer.state(client), State::LastAck);
    // The socket of `client` waits for the repeated end of stream. This socket does not have to listen, because two
    // other sockets are free.
    let next = world.connect_client();
    world.pass(Duration::from_secs(1));
    assert_eq!(world.receive_at(next), answer());
    assert_eq!(world.peer.state(client), State::Closed);
    assert_eq!(world.resets(), 0);
}

#[test]
fn a_peer_that_never_reads_is_reset_after_the_linger_timeout() {
    let mut world = answering::<2>(Config::default());
    connect_with_window(&mut world, 64);
    let next = world.connect_client();
    world.pass(Duration::from_millis(9_999));
    assert_eq!((world.resets(), world.accepted().len()), (0, 1));
    world.pass(Duration::from_millis(2));
    assert_eq!((world.resets(), world.accepted().len()), (1, 2));
    assert_eq!(world.receive_at(next), answer());
    let again = world.connect_client();
    assert_eq!(world.receive_at(again), answer());
}

#[test]
fn a_peer_that_never_ends_its_stream_is_reset_after_fin_wait() {
    let mut world = answering::<2>(Config::default());
    let client = world.connect_client();
    assert_eq!(world.receive_at(client), answer());
    assert_eq!(world.peer.state(client), State::CloseWait);
    world.pass(Duration::from_millis(1_998));
    assert_eq!(world.resets(), 0);
    world.pass(Duration::from_millis(4));
    assert_eq!(world.resets(), 1);
    let again = world.connect_client();
    assert_eq!(world.receive_at(again), answer());
}

/// All sockets wait for their peers' end of stream, and none listens.
#[test]
fn a_client_is_served_though_all_sockets_wait_for_an_end_of_stream() {
    let mut world = answering::<2>(Config::default());
    let silent = [world.connect_client(), world.connect_client()];
    for client in silent {
        assert_eq!(world.receive_at(client), answer());
    }
    // For 250 ms the device takes no socket away from a silent peer, so that the peer can still end its stream.
    world.pass(Duration::from_millis(249));
    let refused = world.connect_client();
    assert_eq!(world.peer.state(refused), State::Closed);
    world.pass(Duration::from_millis(1));
    let next = world.connect_client();
    assert_eq!(world.receive_at(next), answer());
    // The device has taken the socket of one silent peer. This peer is not reset, because it has received the whole
    // answer and may still be reading the answer.
    assert_eq!(silent.map(|client| world.peer.state(client)), [State::CloseWait; 2]);
}

#[test]
fn the_oldest_connection_that_waits_for_an_end_of_stream_is_evicted_first() {
    let mut world = answering::<2>(Config::default());
    let older = world.connect_client();
    assert_eq!(world.receive_at(older), answer());
    world.pass(Duration::from_millis(200));
    let newer = world.connect_client();
    assert_eq!(world.receive_at(newer), answer());
    world.pass(Duration::from_millis(50));
    let next = world.connect_client();
    assert_eq!(world.receive_at(next), answer());
    // The device has taken the socket of the older connection. The newer connection still ends without a reset.
    let resets = world.resets();
    world.peer.close(newer);
    world.settle();
    assert_eq!((world.peer.state(newer), world.resets()), (State::Closed, resets));
    world.peer.close(older);
    world.settle();
    assert_eq!(world.resets(), resets + 1);
}

#[test]
fn no_connection_is_evicted_while_a_socket_listens() {
    let mut world = answering::<2>(Config::default());
    let silent = world.connect_client();
    assert_eq!(world.receive_at(silent), answer());
    world.pass(Duration::from_millis(1_990));
    world.peer.close(silent);
    world.settle();
    assert_eq!((world.peer.state(silent), world.resets()), (State::Closed, 0));
}

#[test]
fn a_connection_with_undelivered_output_is_never_evicted() {
    let mut world = answering::<2>(Config::default());
    let slow = [(); 2].map(|()| connect_with_window(&mut world, 64));
    world.pass(Duration::from_millis(5_000));
    let refused = world.connect_client();
    assert_eq!(world.peer.state(refused), State::Closed);
    for client in slow {
        assert_eq!(world.receive_at(client), answer());
        world.peer.close(client);
        world.settle();
    }
}

#[test]
fn an_outgoing_connection_evicts_a_connection_that_waits_for_an_end_of_stream() {
    let mut world = answering::<1>(Config::default());
    let silent = world.connect_client();
    assert_eq!(world.receive_at(silent), answer());
    world.peer.listen(7000);
    let conn = world.connect(7000);
    assert_eq!(world.events(conn), [ConnEvent::Opened]);
}

#[test]
fn a_socket_serves_the_next_client_when_the_peer_has_ended_its_stream() {
    let mut world = answering::<1>(Config::default());
    for _ in 0..3 {
        let client = world.connect_client();
        assert_eq!(world.receive_at(client), answer());
        world.peer.close(client);
        world.settle();
    }
    assert_eq!((world.resets(), world.accepted().len()), (0, 3));
}

#[test]
fn a_slot_of_the_base_is_free_before_the_peer_ends_its_stream() {
    let mut world = answering::<2>(Config::default());
    for _ in 0..2 {
        let client = world.connect_client();
        assert_eq!(world.receive_at(client), answer());
    }
    assert_eq!(world.accepted().len(), 2);
}

#[test]
fn a_reset_during_the_answer_frees_the_socket_and_the_slot() {
    let mut world = answering::<1>(Config::default());
    let client = connect_with_window(&mut world, 64);
    world.peer.abort(client);
    world.settle();
    let next = world.connect_client();
    assert_eq!(world.receive_at(next), answer());
}

/// Makes a device that only listens, with one client.
fn serving() -> (World, PeerSocket, Conn) {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let client = world.connect_client();
    let conn = world.accepted()[0];
    (world, client, conn)
}

#[test]
fn an_abort_with_unread_input_resets_the_connection() {
    let (mut world, client, conn) = serving();
    // The application reads nothing. The client sends more bytes than the input ring holds (256), so that some bytes
    // stay in the stack.
    world.command(|app, _| app.callback = App::ignore_input);
    world.peer.send(client, &[7; 500]);
    world.peer.close(client);
    world.settle();
    world.with_conn(conn, |conn| conn.abort());
    assert_eq!(world.resets(), 1);
}

#[test]
fn an_abort_after_the_peers_end_of_stream_delivers_the_output() {
    let mut world = World::with::<4, 1>(Config::default(), address(DEVICE));
    world.listen(PORT);
    let client = connect_with_window(&mut world, 64);
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| conn.write(&[7; 200])).expect("there is room");
    world.peer.close(client);
    world.settle();
    world.with_conn(conn, |conn| conn.abort());
    let mut received = world.receive_at(client);
    while received.len() < 200 {
        world.pass(Duration::from_secs(1));
        received.extend(world.receive_at(client));
    }
    assert_eq!((received, world.resets()), (vec![7; 200], 0));
}
