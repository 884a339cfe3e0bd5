//! The callbacks. Each callback checks that it was allowed to run, and then calls functions that the bytes of the test
//! case select.

use std::time::Duration;

use picoevent::{
    Conn, ConnEnd, ConnEvent, ConnMut, Cx, EventFlags, EventMut, ListenError, ListenerMut, Mode,
    OnEvent,
};

use crate::shadow::{EventShadow, Life};
use crate::verbs;
use crate::world::{World, is_live};

/// Three equal callbacks for events, so that a call of a wrong callback is detected.
pub const EVENT_CALLS: [OnEvent<World>; 3] = [on_event::<0>, on_event::<1>, on_event::<2>];

fn on_event<const CALL: u8>(world: &mut World, event: &mut EventMut<World>) {
    let (what, id) = (event.what(), event.id());
    let (event, cx) = (id, event.cx());
    world.pass.count();
    let preparing = world.pass.preparing;
    if !preparing && !world.event(event).fired_once {
        world.record_freed_once_events(cx, true);
    }
    let shadow = world.event(event);
    check_call(shadow, cx, what);
    assert_eq!(shadow.call, CALL, "the wrong function was called");
    let (level, watcher) = (shadow.level, shadow.is_watcher());
    if what.contains(EventFlags::SIGNAL) {
        assert!(
            shadow.signal_calls_left > 0,
            "the signal callback ran more often than the signal was raised: {shadow:?}"
        );
        shadow.signal_calls_left -= 1;
    }
    // If a signal was raised more than once, the callback is repeated with only the flag `SIGNAL`. A repeat does not
    // clear other flags that were activated since the first call.
    shadow.activated = EventFlags::from_bits(shadow.activated.bits() & !what.bits());
    shadow.fired_once = shadow.once;
    if !what.contains(EventFlags::TIMEOUT) {
        // This call does not report the timeout. If the timeout has already passed, a separate call may still report
        // it.
        shadow.record_passed_timeout(cx.now());
    }
    shadow.deadline = cx.event(event).unwrap().deadline();
    shadow.may_fire = is_live(cx, event) || (watcher && shadow.may_fire);
    let is_added_again = shadow.mode == Mode::Persist || what == EventFlags::SIGNAL;
    assert!(
        is_added_again || !shadow.may_fire,
        "a one-shot event fired and is still pending: {shadow:?}"
    );
    if !watcher {
        world.pass.called(event, level, what == EventFlags::SIGNAL);
    }
    react(world, cx);
    // The event may have been freed, and its shadow removed.
    if let Some(shadow) = world.events.iter_mut().rfind(|shadow| shadow.handle == event) {
        shadow.is_added_again = shadow.fired_once && is_live(cx, event);
    }
}

/// Checks that an event's callback may run with these flags.
fn check_call(shadow: &EventShadow, cx: &mut Cx<'_, World>, what: EventFlags) {
    let now = cx.now();
    assert!(shadow.alive, "the callback of a freed event ran: {shadow:?}");
    let repeated = what == EventFlags::SIGNAL && shadow.signal_calls_left > 0;
    assert!(shadow.may_fire || repeated, "the callback of a deleted event ran: {shadow:?}");
    assert_eq!(cx.event(shadow.handle).unwrap().user(), shadow.user);
    let mut allowed = shadow.activated | shadow.interest;
    if shadow.deadline.is_some_and(|at| at <= now) {
        allowed |= EventFlags::TIMEOUT;
    }
    if shadow.signal_calls_left > 0 {
        allowed |= EventFlags::SIGNAL;
    }
    assert!(allowed.contains(what), "called with {what:?} at {now:?}: {shadow:?}");
}

/// The callback of every connection.
pub fn on_conn(world: &mut World, conn: &mut ConnMut<World>, event: ConnEvent) {
    let id = conn.id();
    world.record_base_changes(conn.cx());
    let index = conn_call(world, conn.cx(), id, event);
    let (pool, now) = (world.pool_of(index), conn.cx().now());
    let shadow = &mut world.conns[index];
    let room = pool.output - shadow.output.held();
    match event {
        ConnEvent::Opened => {
            assert!(
                shadow.accept_due || shadow.connect_due,
                "the connection was opened twice: {shadow:?}"
            );
            if shadow.accept_due {
                shadow.disabled[0] = false;
                let listener = shadow.listener;
                let mut listeners = world.listeners.iter();
                let listener = listeners.rfind(|shadow| Some(shadow.handle) == listener).unwrap();
                assert!(
                    listener.life == Life::Held && listener.enabled,
                    "the listener is freed or disabled"
                );
            }
            let shadow = &mut world.conns[index];
            (shadow.accept_due, shadow.connect_due) = (false, false);
        }
        ConnEvent::Readable => {
            assert!(
                !shadow.disabled[0] && !shadow.input.is_empty(),
                "reading is disabled, or there is no input: {shadow:?}"
            );
            assert!(room >= shadow.kind.room, "the output has too little room: {shadow:?}");
            let low =
                if shadow.awaited_input > 0 { shadow.awaited_input } else { shadow.kind.input.0 };
            assert!(shadow.input.len() >= low, "the input is below the low mark: {shadow:?}");
        }
        ConnEvent::Writable => {
            let has_room = shadow.wanted_room > 0 && room >= shadow.wanted_room;
            assert!(!shadow.disabled[1], "writing is disabled: {shadow:?}");
            let is_low = shadow.output.held() <= shadow.kind.output.0;
            assert!(is_low || has_room, "too much output is left: {shadow:?}");
            shadow.wanted_room = 0;
        }
        ConnEvent::Eof => {
            assert!(!shadow.disabled[0] && room >= shadow.kind.room, "{shadow:?}");
            assert!(
                std::mem::take(&mut shadow.eof_due),
                "an end of stream was reported twice, or without reason: {shadow:?}"
            );
            shadow.disabled[0] = true;
        }
        ConnEvent::Timeout(direction) => {
            assert!(shadow.had_timeout[direction as usize], "{direction:?} has no timeout");
            let disabled = &mut shadow.disabled[direction as usize];
            assert!(!std::mem::replace(disabled, true), "{direction:?} is already disabled");
        }
        ConnEvent::Alarm => {
            let Some((at, period)) = shadow.alarm else { panic!("no alarm was set: {shadow:?}") };
            assert!(at <= now, "the alarm ran before its time: {shadow:?}");
            let next = at.after(Duration::from_millis(period));
            shadow.alarm = (period > 0).then_some((next, period));
        }
        ConnEvent::Ended(end) => ended(world, conn, index, end),
    }
    react(world, conn.cx());
}

/// Records the end of a connection. Depending on the bytes, lets the connection connect again.
fn ended(world: &mut World, conn: &mut ConnMut<World>, index: usize, end: ConnEnd) {
    let shadow = &mut world.conns[index];
    assert_eq!(
        shadow.end_due.take(),
        Some(end),
        "the end was reported twice, or without reason: {shadow:?}"
    );
    if shadow.life == Life::Held {
        shadow.life = Life::Released;
    }
    assert!(!conn.is_open() && conn.room() == 0, "{shadow:?}");
    if world.bytes.coin() {
        verbs::connect_again(world, conn, index);
    }
}

/// Checks that a connection's callback may run. Returns the index of the connection's shadow (its expected state).
/// After the application has closed or aborted the connection, only the callback for its end may run.
fn conn_call(world: &mut World, cx: &mut Cx<'_, World>, conn: Conn, event: ConnEvent) -> usize {
    world.pass.count();
    world.record_freed_once_events(cx, true);
    let found = world.conns.iter().rposition(|shadow| shadow.handle == conn);
    let index = found.expect("a callback ran for an unknown connection");
    let shadow = &world.conns[index];
    let is_end = matches!(event, ConnEvent::Ended(_));
    assert!(
        shadow.life == Life::Held || is_end,
        "a callback ran after the end of the connection: {shadow:?}"
    );
    assert!(
        !shadow.accept_due || event == ConnEvent::Opened,
        "`Opened` must be the first callback: {shadow:?}"
    );
    world.pass.check_level(shadow.level);
    index
}

pub fn on_listen_error(world: &mut World, listener: &mut ListenerMut<World>, _: ListenError) {
    let id = listener.id();
    let (listener, cx) = (id, listener.cx());
    world.pass.count();
    world.record_freed_once_events(cx, true);
    world.pass.check_level(4);
    let shadow = world.listeners.iter_mut().rfind(|shadow| shadow.handle == listener).unwrap();
    assert!(
        shadow.life == Life::Held && shadow.fail_due,
        "the listener has not failed: {shadow:?}"
    );
    shadow.fail_due = false;
    react(world, cx);
}

/// Calls up to three functions of the core from a callback.
fn react(world: &mut World, cx: &mut Cx<'_, World>) {
    for _ in 0..world.bytes.below(4) {
        verbs::step(world, cx);
    }
    world.pass.returned();
    world.check(cx);
}
