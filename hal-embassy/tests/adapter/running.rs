//! Running: the loop's modes, what ends the loop, and the callbacks that run before the loop sleeps and after it wakes.

use std::time::Duration;

use picoevent::{ConnEvent, ConnMut, Cx, DispatchLimit, End, EventMut, Priority, Run};
use smoltcp::socket::tcp::State;

use crate::world::app::App;
use crate::world::{PEER, PORT, World, spend_time};

/// Deletes the event through which tests command the application.
fn free_command_event(app: &mut App, cx: &mut Cx<'_, App>) {
    let event = app.signal.expect("a command has run");
    cx.event(event).expect("it is there").free();
}

#[test]
fn a_loop_in_mode_once_ends_after_its_callbacks() {
    let mut world = World::in_mode(Run::ONCE);
    world.pass(Duration::from_secs(3600));
    assert_eq!(world.device.output, None);
    world.trigger.raise();
    world.settle();
    assert_eq!(world.seen.borrow().signals, 1);
    assert_eq!(world.device.output, Some(End::Done));
}

#[test]
fn a_loop_in_mode_nonblock_ends_when_there_is_nothing_to_do() {
    let world = World::in_mode(Run::NONBLOCK);
    assert_eq!(world.device.output, Some(End::Done));
}

#[test]
fn a_loop_without_events_ends() {
    let mut world = World::in_mode(Run::DEFAULT);
    world.command(free_command_event);
    assert_eq!(world.device.output, Some(End::Empty));
}

#[test]
fn a_loop_in_mode_no_exit_on_empty_continues_without_events() {
    let mut world = World::in_mode(Run::NO_EXIT_ON_EMPTY);
    world.command(free_command_event);
    world.pass(Duration::from_secs(3600));
    assert_eq!(world.device.output, None);
}

#[test]
fn a_loop_ends_when_its_last_connection_is_closed() {
    fn close(_: &mut App, conn: &mut ConnMut<'_, '_, App>, _: ConnEvent) {
        conn.close();
    }
    let mut world = World::in_mode(Run::DEFAULT);
    let listener = world.listen(PORT);
    let client = world.connect_client();
    world.command(move |app, cx| {
        app.callback = close;
        cx.listener(listener).expect("it is there").free();
        free_command_event(app, cx);
    });
    assert_eq!(world.device.output, None);
    world.peer.close(client);
    world.settle();
    assert_eq!(world.device.output, Some(End::Empty));
    assert_eq!(world.peer.state(client), State::TimeWait);
    assert_eq!(world.resets(), 0);
}

#[test]
fn output_written_just_before_the_loop_sleeps_is_sent() {
    fn write(app: &mut App, event: &mut EventMut<'_, '_, App>) {
        let word = event.user();
        event.set_user(0);
        if word != 0 {
            let conn = app.connect(event, (PEER, 7000).into());
            event.conn(conn).expect("it is there").write(b"good night").expect("there is room");
        }
    }
    let mut world = World::new();
    let server = world.peer.listen(7000);
    world.command(|_, cx| {
        let event = cx.on_prepare(write).expect("there is room");
        cx.event(event).expect("it is there").set_user(1);
    });
    assert_eq!(world.receive_at(server), b"good night");
}

#[test]
fn watchers_run_before_the_loop_sleeps_and_after_it_wakes() {
    fn prepare(_: &mut App, event: &mut EventMut<'_, '_, App>) {
        assert!(event.wait_to_come().is_none_or(|wait| wait <= Duration::from_secs(5)));
    }
    let mut world = World::new();
    world.command(|_, cx| {
        cx.on_prepare(prepare).expect("there is room");
        cx.on_check(App::run_command).expect("there is room");
        cx.after(Duration::from_secs(5), |_, _| ()).expect("there is room");
    });
    let before = world.seen.borrow().signals;
    world.pass(Duration::from_secs(4));
    assert_eq!(world.seen.borrow().signals, before);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.seen.borrow().signals, before + 1);
    assert_eq!(world.command(|_, cx| cx.wait_to_come()), None);
}

#[test]
fn a_dispatch_limit_ends_a_long_pass() {
    fn work(_: &mut App, _: &mut EventMut<'_, '_, App>) {
        spend_time(Duration::from_millis(10));
    }
    let mut world = World::new();
    world.command(|_, cx| {
        let limit = DispatchLimit {
            callbacks: None,
            time: Some(Duration::from_millis(5)),
            priority: Priority::DEFAULT,
        };
        cx.set_dispatch_limit(Some(limit));
        for _ in 0..3 {
            cx.after(Duration::from_secs(1), work).expect("there is room");
        }
        // The loop reads the clock after each callback. The three other callbacks take 10 ms each, so the last callback
        // gets a time that is 30 ms after its deadline.
        cx.after(Duration::from_secs(1), |_, event| {
            assert_eq!(event.now().as_micros(), 1_030_000);
        })
        .expect("there is room");
    });
    world.pass(Duration::from_secs(1));
    assert_eq!(world.now(), 1_030_000);
}
