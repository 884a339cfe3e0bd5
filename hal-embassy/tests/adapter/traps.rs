//! The traps of embassy-net's sockets: what it neither tells nor forgives, the adapter does.

use picoevent::{Conn, ConnError, ConnEvent, Cx, Direction};
use picoevent_embassy::{Config, Sockets, run};
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{Cable, CableEnd, Call, DEVICE, PEER, PORT, Task, World, address};

const SERVICE: u16 = 7000;

fn serving() -> (World, Call, Conn) {
    let mut world = World::new();
    world.listen(PORT);
    let call = world.call();
    let conn = world.accepted()[0];
    (world, call, conn)
}

fn stop_reading(world: &mut World, conn: Conn) {
    world.with_conn(conn, |mut conn| {
        conn.disable(Direction::Read);
    });
}

const RESET: [ConnEvent; 1] = [ConnEvent::Failed(ConnError::Reset)];

/// `wait_read_ready` stays pending when the peer ends with nothing left to be read.
#[test]
fn an_end_of_stream_with_nothing_before_it_is_heard_at_once() {
    let (mut world, call, conn) = serving();
    world.peer.close(call);
    world.settle();
    assert_eq!(world.events(conn), [ConnEvent::Eof]);
}

#[test]
fn a_reset_is_heard_while_something_is_read() {
    let (mut world, call, conn) = serving();
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), RESET);
}

#[test]
fn a_reset_is_heard_while_nothing_is_read() {
    let (mut world, call, conn) = serving();
    stop_reading(&mut world, conn);
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), RESET);
}

#[test]
fn a_reset_is_heard_while_something_is_unread() {
    let (mut world, call, conn) = serving();
    stop_reading(&mut world, conn);
    world.peer.send(call, b"unread");
    world.settle();
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), RESET);
}

/// `wait_write_ready` stays pending when the connection is dropped.
#[test]
fn a_reset_is_heard_while_something_is_only_written() {
    let mut world = World::new();
    world.listen(PORT);
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    stop_reading(&mut world, conn);
    for _ in 0..3 {
        world.with_conn(conn, |mut conn| conn.write(&[7; 256])).expect("there is room");
    }
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), RESET);
}

#[test]
fn a_reset_is_heard_after_the_peer_has_ended() {
    let (mut world, call, conn) = serving();
    world.peer.close(call);
    world.settle();
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), [ConnEvent::Eof, ConnEvent::Failed(ConnError::Reset)]);
}

#[test]
fn a_reset_is_heard_after_our_own_end() {
    let (mut world, call, conn) = serving();
    world.with_conn(conn, |mut conn| conn.finish());
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), RESET);
}

#[test]
fn a_reset_is_heard_after_both_ends_if_something_was_not_delivered() {
    let mut world = World::new();
    world.listen(PORT);
    let call = world.peer.call_with_window(DEVICE, PORT, 64);
    world.settle();
    let conn = world.accepted()[0];
    world.with_conn(conn, |mut conn| {
        conn.write(&[7; 200]).expect("there is room");
        conn.finish();
    });
    world.peer.close(call);
    world.settle();
    world.peer.abort(call);
    world.settle();
    assert_eq!(world.events(conn), [ConnEvent::Eof, ConnEvent::Failed(ConnError::Reset)]);
}

/// A call of the stack within another is a panic of its `RefCell`.
#[test]
fn callbacks_may_call_any_verb() {
    fn everything(_: &mut App, cx: &mut Cx<'_, App>, conn: Conn) {
        App::connect(cx, (PEER, SERVICE).into());
        let listener = App::listen(cx, "0.0.0.0:1");
        cx.listener(listener).expect("it was made just now").disable().enable();
        let another = App::listen(cx, "0.0.0.0:2");
        cx.listener(another).expect("it was made just now").free();
        let mut conn = cx.conn(conn).expect("it is there");
        conn.write(b"done").expect("there is room");
        conn.enable(Direction::Read).disable(Direction::Write).enable(Direction::Write);
        conn.finish();
        conn.close();
    }
    let mut world = World::new();
    world.listen(PORT);
    let service = world.peer.listen(SERVICE);
    world.command(|app, _| app.then = Some(everything));
    let call = world.call();
    assert_eq!(world.hear(call), b"done");
    assert_eq!(world.peer.state(call), State::CloseWait);
    assert_eq!(world.peer.state(service), State::Established);
    world.command(|app, _| app.then = None);
    let listening = world.calls_to(1, 1);
    assert_eq!(world.established(&listening), 1);
}

#[test]
fn a_callback_may_free_its_own_connection_and_another() {
    fn free_all(app: &mut App, cx: &mut Cx<'_, App>, _: Conn) {
        for conn in app.seen.borrow().accepted.iter() {
            if let Ok(conn) = cx.conn(*conn) {
                conn.free();
            }
        }
    }
    let (mut world, other, conn) = serving();
    let call = world.call();
    let conns = [conn, world.accepted()[1]];
    world.with_conn(conns[1], |mut conn| {
        conn.on_read(free_all);
    });
    // Both are ready in the same look.
    world.peer.send(call, b"go");
    world.peer.send(other, b"anyway");
    world.settle();
    let calls = [other, call];
    assert_eq!(calls.map(|call| world.peer.state(call)), [State::Closed; 2]);
    assert_eq!(world.resets(), 2);
    let calls = world.calls(8);
    assert_eq!(world.established(&calls), 8);
}

#[test]
fn a_callback_may_connect_again_when_its_connection_fails() {
    fn again(app: &mut App, cx: &mut Cx<'_, App>, conn: Conn, event: ConnEvent) {
        app.seen.borrow_mut().events.push((conn, event));
        let tries = app.seen.borrow().events.len();
        cx.conn(conn).expect("it is there").free();
        if tries < 10 {
            let conn = cx.connect((PEER, SERVICE).into()).expect("there is room");
            cx.conn(conn).expect("it is there").on_event(again);
        }
    }
    let mut world = World::with::<2, 1>(Config::default(), address(DEVICE));
    world.command(|_, cx| {
        let conn = cx.connect((PEER, SERVICE).into()).expect("there is room");
        cx.conn(conn).expect("it is there").on_event(again);
    });
    let refused = ConnEvent::Failed(ConnError::Refused);
    let events: Vec<_> = world.seen.borrow().events.iter().map(|(_, event)| *event).collect();
    assert_eq!(events, [refused; 10]);
}

/// The stack panics on a socket too many; it shall do so at once and not when a client comes.
#[test]
#[should_panic(expected = "adding a socket to a full SocketSet")]
fn a_stack_with_too_few_sockets_is_found_out_at_once() {
    use std::cell::RefCell;
    use std::rc::Rc;

    let cable = CableEnd(Rc::new(RefCell::new(Cable::new())));
    let resources = Box::leak(Box::new(embassy_net::StackResources::<2>::new()));
    let (stack, _runner) = embassy_net::new(cable, address(DEVICE), resources, 1);
    Task::new(async move {
        let mut storage = Box::new(picoevent::Storage::<(), 1, 1>::new());
        let mut base = picoevent::EventBase::new(&mut storage);
        let mut sockets = Sockets::<3, 64, 64>::new();
        run(stack, &mut sockets, &[], &mut base, &mut (), Config::default()).await
    })
    .work();
}
