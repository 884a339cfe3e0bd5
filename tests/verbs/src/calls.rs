//! The callbacks: each checks that it was allowed to run, and does what the bytes choose.

use std::time::Duration;

use picoevent::{
    Conn, ConnEnd, ConnEvent, ConnMut, Cx, EventFlags, EventMut, ListenError, ListenerMut, Mode,
    OnEvent,
};

use crate::shadow::{EventShadow, Life};
use crate::verbs;
use crate::world::{World, is_live};

/// Three callbacks of one kind, so that a call of the wrong one is detected.
pub const EVENT_CALLS: [OnEvent<World>; 3] = [on_event::<0>, on_event::<1>, on_event::<2>];

fn on_event<const CALL: u8>(world: &mut World, event: &mut EventMut<World>) {
    let (what, id) = (event.what(), event.id());
    let (event, cx) = (id, event.cx());
    world.pass.count();
    let preparing = world.pass.preparing;
    if !preparing && !world.event(event).fired_once {
        world.settle(cx, true);
    }
    let shadow = world.event(event);
    check_call(shadow, cx, what);
    assert_eq!(shadow.call, CALL, "another function is called");
    let (level, watcher) = (shadow.level, shadow.is_watcher());
    if what.contains(EventFlags::SIGNAL) {
        assert!(shadow.credit > 0, "more calls than raises: {shadow:?}");
        shadow.credit -= 1;
    }
    // A repeated call for a further raise does not clear the flags that were activated since the first call.
    shadow.given = EventFlags::from_bits(shadow.given.bits() & !what.bits());
    shadow.fired_once = shadow.once;
    if !what.contains(EventFlags::TIMEOUT) {
        // The call was for a watcher, or for a further raise; the timeout is a separate callback.
        shadow.passed_already(cx.now());
    }
    shadow.armed = cx.event(event).unwrap().deadline();
    shadow.may_fire = is_live(cx, event) || (watcher && shadow.may_fire);
    let stays = shadow.mode == Mode::Persist || what == EventFlags::SIGNAL;
    assert!(stays || !shadow.may_fire, "it fired once and still waits: {shadow:?}");
    if !watcher {
        world.pass.turn_of(event, level, what == EventFlags::SIGNAL);
    }
    react(world, cx);
    // The event may have been freed, and its shadow removed.
    if let Some(shadow) = world.events.iter_mut().rfind(|shadow| shadow.handle == event) {
        shadow.stays = shadow.fired_once && is_live(cx, event);
    }
}

/// Checks that an event's callback may run with these flags.
fn check_call(shadow: &EventShadow, cx: &mut Cx<'_, World>, what: EventFlags) {
    let now = cx.now();
    assert!(shadow.alive, "a freed event is called: {shadow:?}");
    let repeated = what == EventFlags::SIGNAL && shadow.credit > 0;
    assert!(shadow.may_fire || repeated, "a deleted event is called: {shadow:?}");
    assert_eq!(cx.event(shadow.handle).unwrap().user(), shadow.user);
    let mut allowed = shadow.given | shadow.interest;
    if shadow.armed.is_some_and(|at| at <= now) {
        allowed |= EventFlags::TIMEOUT;
    }
    if shadow.credit > 0 {
        allowed |= EventFlags::SIGNAL;
    }
    assert!(allowed.contains(what), "called with {what:?} at {now:?}: {shadow:?}");
}

/// The callback of every connection.
pub fn on_conn(world: &mut World, conn: &mut ConnMut<World>, event: ConnEvent) {
    let id = conn.id();
    world.follow(conn.cx());
    let place = conn_call(world, conn.cx(), id, event);
    let (pool, now) = (world.pool_of(place), conn.cx().now());
    let shadow = &mut world.conns[place];
    let room = pool.output - shadow.output.held();
    match event {
        ConnEvent::Opened => {
            assert!(shadow.accept_due || shadow.connect_due, "opened twice: {shadow:?}");
            if shadow.accept_due {
                shadow.disabled[0] = false;
                let listener = shadow.listener;
                let mut listeners = world.listeners.iter();
                let listener = listeners.rfind(|shadow| Some(shadow.handle) == listener).unwrap();
                assert!(listener.life == Life::Held && listener.enabled, "it listens no more");
            }
            let shadow = &mut world.conns[place];
            (shadow.accept_due, shadow.connect_due) = (false, false);
        }
        ConnEvent::Readable => {
            assert!(!shadow.disabled[0] && !shadow.input.is_empty(), "nothing to read: {shadow:?}");
            assert!(room >= shadow.kind.room, "no room for an answer: {shadow:?}");
            let low = if shadow.awaited > 0 { shadow.awaited } else { shadow.kind.input.0 };
            assert!(shadow.input.len() >= low, "too little input: {shadow:?}");
        }
        ConnEvent::Writable => {
            let has_room = shadow.wanted > 0 && room >= shadow.wanted;
            assert!(!shadow.disabled[1], "writing is disabled: {shadow:?}");
            let is_low = shadow.output.held() <= shadow.kind.output.0;
            assert!(is_low || has_room, "not all is sent: {shadow:?}");
            shadow.wanted = 0;
        }
        ConnEvent::Eof => {
            assert!(!shadow.disabled[0] && room >= shadow.kind.room, "{shadow:?}");
            assert!(std::mem::take(&mut shadow.eof_due), "twice, or unasked: {shadow:?}");
            shadow.disabled[0] = true;
        }
        ConnEvent::Timeout(direction) => {
            assert!(shadow.timed[direction as usize], "{direction:?} was never timed");
            let disabled = &mut shadow.disabled[direction as usize];
            assert!(!std::mem::replace(disabled, true), "{direction:?} is disabled");
        }
        ConnEvent::Alarm => {
            let Some((at, period)) = shadow.alarm else { panic!("no alarm was set: {shadow:?}") };
            assert!(at <= now, "the alarm is early: {shadow:?}");
            let next = at.after(Duration::from_millis(period));
            shadow.alarm = (period > 0).then_some((next, period));
        }
        ConnEvent::Ended(end) => ended(world, conn, place, end),
    }
    react(world, conn.cx());
}

/// Records the end of a connection. May make it connect again.
fn ended(world: &mut World, conn: &mut ConnMut<World>, place: usize, end: ConnEnd) {
    let shadow = &mut world.conns[place];
    assert_eq!(shadow.end_due.take(), Some(end), "it ends twice, or unasked: {shadow:?}");
    if shadow.life == Life::Held {
        shadow.life = Life::Released;
    }
    assert!(!conn.is_open() && conn.room() == 0, "{shadow:?}");
    if world.bytes.coin() {
        verbs::connect_again(world, conn, place);
    }
}

/// Checks that a connection's callback may run, and returns the index of the connection's shadow. The application
/// holds the connection, unless the callback is for its end.
fn conn_call(world: &mut World, cx: &mut Cx<'_, World>, conn: Conn, event: ConnEvent) -> usize {
    world.pass.count();
    world.settle(cx, true);
    let found = world.conns.iter().rposition(|shadow| shadow.handle == conn);
    let place = found.expect("a connection that was never made");
    let shadow = &world.conns[place];
    let is_end = matches!(event, ConnEvent::Ended(_));
    assert!(shadow.life == Life::Held || is_end, "it is called after its end: {shadow:?}");
    assert!(!shadow.accept_due || event == ConnEvent::Opened, "not opened first: {shadow:?}");
    world.pass.at_level(shadow.level);
    place
}

pub fn on_listen_error(world: &mut World, listener: &mut ListenerMut<World>, _: ListenError) {
    let id = listener.id();
    let (listener, cx) = (id, listener.cx());
    world.pass.count();
    world.settle(cx, true);
    world.pass.at_level(4);
    let shadow = world.listeners.iter_mut().rfind(|shadow| shadow.handle == listener).unwrap();
    assert!(shadow.life == Life::Held && shadow.fail_due, "it did not fail: {shadow:?}");
    shadow.fail_due = false;
    react(world, cx);
}

/// Calls up to three verbs from a callback.
fn react(world: &mut World, cx: &mut Cx<'_, World>) {
    for _ in 0..world.bytes.below(4) {
        verbs::step(world, cx);
    }
    world.pass.returned();
    world.check(cx);
}
