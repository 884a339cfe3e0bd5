//! Pitfalls of embassy-net's sockets, and how the adapter avoids them.

use std::time::Duration;

use picoevent::{Conn, ConnError, ConnEvent, ConnMut, Direction};
use picoevent_embassy::{Config, Sockets, run};
use smoltcp::socket::tcp::State;
use smoltcp::wire::{TcpPacket, TcpSeqNumber};

use crate::world::app::App;
use crate::world::{Cable, CableEnd, DEVICE, PEER, PORT, PeerSocket, Task, World, address, failed};

const SERVICE: u16 = 7000;

fn serving() -> (World, PeerSocket, Conn) {
    let mut world = World::new();
    world.listen(PORT);
    let client = world.connect_client();
    let conn = world.accepted()[0];
    (world, client, conn)
}

fn stop_reading(world: &mut World, conn: Conn) {
    world.with_conn(conn, |conn| {
        conn.disable(Direction::Read);
    });
}

const RESET: [ConnEvent; 1] = [failed(ConnError::Reset)];

/// `wait_write_ready` stays pending if the connection is dropped.
#[test]
fn a_reset_is_reported_while_only_output_is_enabled() {
    let mut world = World::new();
    world.listen(PORT);
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    stop_reading(&mut world, conn);
    for _ in 0..3 {
        world.with_conn(conn, |conn| conn.write(&[7; 256])).expect("there is room");
    }
    world.peer.abort(client);
    world.settle();
    assert_eq!(world.events(conn), RESET);
}

#[test]
fn a_reset_is_reported_after_both_ends_of_stream_if_output_is_undelivered() {
    let mut world = World::new();
    world.listen(PORT);
    let client = world.peer.connect_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |conn| {
        conn.write(&[7; 200]).expect("there is room");
        conn.finish();
    });
    world.peer.close(client);
    world.settle();
    world.peer.abort(client);
    world.settle();
    assert_eq!(world.events(conn), [ConnEvent::Eof, failed(ConnError::Reset)]);
}

/// A call of the stack within another call of the stack would panic in the stack's `RefCell`.
#[test]
fn callbacks_can_call_any_function() {
    fn everything(app: &mut App, conn: &mut ConnMut<'_, '_, App>) {
        let cx = conn.cx();
        app.connect(cx, (PEER, SERVICE).into());
        let listener = app.listen(cx, "0.0.0.0:1");
        cx.listener(listener).expect("it was made just now").disable().enable();
        let another = app.listen(cx, "0.0.0.0:2");
        cx.listener(another).expect("it was made just now").free();
        conn.write(b"done").expect("there is room");
        conn.enable(Direction::Read).disable(Direction::Write).enable(Direction::Write);
        conn.finish();
        conn.close();
    }
    let mut world = World::new();
    world.listen(PORT);
    let service = world.peer.listen(SERVICE);
    world.command(|app, _| app.on_accept = Some(everything));
    let client = world.connect_client();
    assert_eq!(world.receive_at(client), b"done");
    assert_eq!(world.peer.state(client), State::CloseWait);
    assert_eq!(world.peer.state(service), State::Established);
    world.command(|app, _| app.on_accept = None);
    let listening = world.connect_clients_to(1, 1);
    assert_eq!(world.established(&listening), 1);
}

#[test]
fn a_callback_can_abort_its_own_connection_and_another() {
    /// Aborts both connections in the callback of the second connection.
    fn free_all(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
        let accepted = app.seen.borrow().accepted.clone();
        if event != ConnEvent::Readable || conn.id() == accepted[0] {
            return app.record(conn, event);
        }
        for accepted in accepted {
            if let Ok(mut conn) = conn.cx().conn(accepted) {
                conn.abort();
            }
        }
    }
    let (mut world, other, _) = serving();
    let client = world.connect_client();
    world.command(|app, _| app.callback = free_all);
    // Both connections have input when the loop checks the sockets next.
    world.peer.send(client, b"go");
    world.peer.send(other, b"anyway");
    world.settle();
    let clients = [other, client];
    assert_eq!(clients.map(|client| world.peer.state(client)), [State::Closed; 2]);
    assert_eq!(world.resets(), 2);
    let clients = world.connect_clients(8);
    assert_eq!(world.established(&clients), 8);
}

#[test]
fn a_callback_can_connect_again_when_its_connection_fails() {
    fn again(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
        app.record(conn, event);
        if app.seen.borrow().events.len() < 10 {
            app.connect(conn.cx(), (PEER, SERVICE).into());
        }
    }
    let mut world = World::with::<2, 1>(Config::default(), address(DEVICE));
    world.command(|app, _| app.callback = again);
    world.connect(SERVICE);
    let events: Vec<_> = world.seen.borrow().events.iter().map(|(_, event)| *event).collect();
    assert_eq!(events, [failed(ConnError::Refused); 10]);
}

#[test]
fn a_failed_connection_can_connect_again() {
    fn again(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
        app.record(conn, event);
        if matches!(event, ConnEvent::Ended(_)) {
            let is_ninth = app.seen.borrow().events.len() == 9;
            let delay = Duration::from_secs(if is_ninth { 5 } else { 0 });
            conn.connect_after(delay, (PEER, SERVICE).into()).expect("it has ended");
        }
    }
    let mut world = World::with::<1, 1>(Config::default(), address(DEVICE));
    world.command(|app, _| app.callback = again);
    world.pass(Duration::from_secs(1));
    let conn = world.connect(SERVICE);
    assert_eq!(world.events(conn), [failed(ConnError::Refused); 9]);
    let server = world.peer.listen(SERVICE);
    world.pass(Duration::from_millis(4_999));
    assert_eq!(world.events(conn).len(), 9);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.events(conn)[9..], [ConnEvent::Opened]);
    world.peer.send(server, b"there you are");
    world.settle();
    assert_eq!(world.received(conn), b"there you are");
}

/// The stack panics if it has no room for a socket. The panic must come when the loop begins, and not when a client
/// connects.
#[test]
#[should_panic(expected = "adding a socket to a full SocketSet")]
fn a_stack_with_too_few_sockets_panics_at_once() {
    use std::cell::RefCell;
    use std::rc::Rc;

    let cable = CableEnd(Rc::new(RefCell::new(Cable::new())));
    let resources = Box::leak(Box::new(embassy_net::StackResources::<2>::new()));
    let (stack, _runner) = embassy_net::new(cable, address(DEVICE), resources, 1);
    Task::new(async move {
        let mut storage = Box::new(picoevent::Storage::<(), 1, 0, 0>::new());
        let mut base = picoevent::EventBase::new(&mut storage);
        let mut sockets = Sockets::<3, 64, 64>::new();
        run(stack, &mut sockets, &[], &mut base, &mut (), Config::default()).await
    })
    .poll_if_woken();
}

/// A client resets its handshake. It sends another SYN, whose sequence number is 2³¹ away from the number of the first
/// SYN. Then the same reset arrives again. smoltcp 0.13.1 still has the acknowledgement of the first handshake, and
/// panics. If this test fails, the panic is repaired in smoltcp: remove this test, and the limit in the documentation
/// of the crate.
#[test]
#[should_panic(expected = "attempt to subtract sequence numbers with underflow")]
fn the_stack_panics_if_a_reset_handshake_begins_again_at_the_greatest_distance() {
    let mut world = World::new();
    world.listen(PORT);
    world.cable.borrow_mut().keep_syn = true;
    world.lose(|segment| segment.source.0 == PEER && !segment.syn);
    world.connect_client();
    let mut cable = world.cable.borrow_mut();
    let reset = |segment: &mut TcpPacket<&mut [u8]>| {
        segment.set_seq_number(segment.seq_number() + 1);
        segment.set_syn(false);
        segment.set_rst(true);
    };
    cable.forge(reset);
    cable.forge(|segment| {
        segment.set_seq_number(TcpSeqNumber(segment.seq_number().0.wrapping_add(i32::MIN)));
    });
    cable.forge(reset);
    drop(cable);
    world.settle();
}
