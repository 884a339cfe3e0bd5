//! The callbacks: each checks that it may come, and does what the bytes say.

use picoevent::{Conn, ConnEvent, Cx, Event, ListenError, Listener, Mode, OnEvent, What};

use crate::shadow::{ConnShadow, EventShadow, Life};
use crate::verbs;
use crate::world::{World, is_live};

/// Three of one kind, to be told apart.
pub const EVENT_CALLS: [OnEvent<World>; 3] = [on_event::<0>, on_event::<1>, on_event::<2>];

fn on_event<const CALL: u8>(world: &mut World, cx: &mut Cx<'_, World>, event: Event, what: What) {
    world.pass.count();
    let preparing = world.pass.preparing;
    if !preparing && !world.event(event).spent {
        world.settle(cx, true);
    }
    let shadow = world.event(event);
    check_call(shadow, cx, what);
    assert_eq!(shadow.call, CALL, "another function is called");
    let (level, watcher) = (shadow.level, shadow.is_watcher());
    if what.contains(What::SIGNAL) {
        assert!(shadow.credit > 0, "more calls than raises: {shadow:?}");
        shadow.credit -= 1;
    }
    // A call repeated for a further raise takes nothing that was given meanwhile.
    shadow.given = What::from_bits(shadow.given.bits() & !what.bits());
    shadow.spent = shadow.once;
    if !what.contains(What::TIMEOUT) {
        // As the watcher that it is, or for a further raise; its timeout has a turn of its own.
        shadow.passed_already(cx.now());
    }
    shadow.armed = cx.event(event).unwrap().deadline();
    shadow.may_fire = is_live(cx, event) || (watcher && shadow.may_fire);
    let stays = shadow.mode == Mode::Persist || what == What::SIGNAL;
    assert!(stays || !shadow.may_fire, "it fired once and still waits: {shadow:?}");
    if !watcher {
        world.pass.turn_of(event, level, what == What::SIGNAL);
    }
    react(world, cx);
    // Unless it is gone, and forgotten.
    if let Some(shadow) = world.events.iter_mut().rfind(|shadow| shadow.handle == event) {
        shadow.stays = shadow.spent && is_live(cx, event);
    }
}

/// Checks that an event's callback may come, and with this.
fn check_call(shadow: &EventShadow, cx: &mut Cx<'_, World>, what: What) {
    let now = cx.now();
    assert!(shadow.alive, "a freed event is called: {shadow:?}");
    let repeated = what == What::SIGNAL && shadow.credit > 0;
    assert!(shadow.may_fire || repeated, "a deleted event is called: {shadow:?}");
    assert_eq!(cx.event(shadow.handle).unwrap().user(), shadow.user);
    let mut allowed = shadow.given | shadow.interest;
    if shadow.armed.is_some_and(|at| at <= now) {
        allowed |= What::TIMEOUT;
    }
    if shadow.credit > 0 {
        allowed |= What::SIGNAL;
    }
    assert!(allowed.contains(what), "called with {what:?} at {now:?}: {shadow:?}");
}

pub fn on_accept(world: &mut World, cx: &mut Cx<'_, World>, conn: Conn) {
    let shadow = conn_call(world, cx, conn);
    assert!(shadow.accept_due, "accepted twice: {shadow:?}");
    shadow.accept_due = false;
    let listener = shadow.listener;
    let mut listeners = world.listeners.iter();
    let shadow = listeners.rfind(|shadow| Some(shadow.handle) == listener).unwrap();
    assert!(shadow.life == Life::Held && shadow.enabled, "it listens no more: {shadow:?}");
    react(world, cx);
}

pub fn on_read(world: &mut World, cx: &mut Cx<'_, World>, conn: Conn) {
    let shadow = conn_call(world, cx, conn);
    assert!(!shadow.disabled[0] && !shadow.input.is_empty(), "nothing to read: {shadow:?}");
    react(world, cx);
}

pub fn on_write(world: &mut World, cx: &mut Cx<'_, World>, conn: Conn) {
    let shadow = conn_call(world, cx, conn);
    assert!(!shadow.disabled[1] && shadow.output.is_empty(), "not all is sent: {shadow:?}");
    react(world, cx);
}

pub fn on_conn_event(world: &mut World, cx: &mut Cx<'_, World>, conn: Conn, event: ConnEvent) {
    let shadow = conn_call(world, cx, conn);
    let due = match event {
        ConnEvent::Connected => &mut shadow.connect_due,
        ConnEvent::Eof => {
            assert!(!shadow.disabled[0], "reading is disabled: {shadow:?}");
            shadow.disabled[0] = true;
            &mut shadow.eof_due
        }
        ConnEvent::Failed(_) => &mut shadow.fail_due,
        ConnEvent::Timeout(direction) => {
            assert!(shadow.timed[direction as usize], "{direction:?} was never timed");
            let disabled = &mut shadow.disabled[direction as usize];
            assert!(!std::mem::replace(disabled, true), "{direction:?} is disabled");
            return react(world, cx);
        }
    };
    assert!(*due, "{event:?} came twice, or unasked");
    *due = false;
    react(world, cx);
}

/// The connection that is called, which the application holds.
fn conn_call<'w>(world: &'w mut World, cx: &mut Cx<'_, World>, conn: Conn) -> &'w mut ConnShadow {
    world.pass.count();
    world.settle(cx, true);
    let found = world.conns.iter_mut().rfind(|shadow| shadow.handle == conn);
    let shadow = found.expect("a connection that nobody made");
    assert_eq!(shadow.life, Life::Held, "a connection without owner is called: {shadow:?}");
    world.pass.at_level(shadow.level);
    shadow
}

pub fn on_listen_error(
    world: &mut World,
    cx: &mut Cx<'_, World>,
    listener: Listener,
    _: ListenError,
) {
    world.pass.count();
    world.settle(cx, true);
    world.pass.at_level(4);
    let shadow = world.listeners.iter_mut().rfind(|shadow| shadow.handle == listener).unwrap();
    assert!(shadow.life == Life::Held && shadow.fail_due, "it did not fail: {shadow:?}");
    shadow.fail_due = false;
    react(world, cx);
}

/// Does up to three things, from inside of a callback.
fn react(world: &mut World, cx: &mut Cx<'_, World>) {
    for _ in 0..world.bytes.below(4) {
        verbs::step(world, cx);
    }
    world.pass.returned();
    world.check(cx);
}
