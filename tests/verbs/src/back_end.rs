//! A back end that performs one action in each step. The bytes of the test case select the steps. So the order of the
//! steps is often different from the order of a correct back end.

use std::task::Waker;

use picoevent::{
    AcceptError, Action, ConnEnd, ConnError, End, EventBase, EventFlags, FIN_WAIT, ListenError,
    Run, Wait,
};

use crate::foreign::FOREIGN;
use crate::shadow::{ConnShadow, Life, ListenerShadow, SourceShadow, WaitsFor};
use crate::verbs;
use crate::world::{World, remember};

type Base<'s> = EventBase<'s, World>;

/// Performs one step. The next byte of the test case selects the step.
pub fn step(world: &mut World, base: &mut Base<'_>) {
    match world.bytes.below(16) {
        0..=4 => verbs::step(world, base),
        5..=8 => feed(world, base),
        9 => pass(world, base),
        10 => pass_step_by_step(world, base),
        11 => drop(actions(world, base, 1)),
        12 => advance(world, base),
        13 => begin(world, base),
        _ => iterate(world, base),
    }
}

/// Runs one iteration of the event loop with all steps in the correct order.
fn iterate(world: &mut World, base: &mut Base<'_>) {
    prepare(world, base);
    let slots = world.sizes.events + world.sizes.conns + world.sizes.listeners;
    let left = actions(world, base, 8 * slots + 64);
    assert!(left, "there are too many actions");
    world.record_base_changes(base);
    for conn in world.conns.iter_mut().filter(|conn| conn.is_freed()) {
        assert!(conn.reconnect_at.is_none(), "the connection did not connect again: {conn:?}");
        conn.life = Life::Gone;
    }
    world.check(base);
    check_actions_complete(world);
    wait(base);
    advance(world, base);
    pass(world, base);
}

/// Runs further iterations after the last byte, so that the end of every connection is reported. Without bytes, the
/// application does nothing.
pub fn finish(world: &mut World, base: &mut Base<'_>) {
    base.set_dispatch_limit(None);
    // An event that is active in every iteration could prevent the callbacks of other events.
    for shadow in world.events.iter_mut().filter(|shadow| shadow.alive) {
        if let Ok(mut event) = base.event(shadow.handle) {
            event.free();
        }
        (shadow.alive, shadow.fired_once) = (false, false);
        shadow.set_idle();
    }
    for _ in 0..40 {
        iterate(world, base);
        world.check(base);
    }
    let waits = world.conns.iter().find(|conn| conn.life != Life::Gone && conn.end_due.is_some());
    assert!(waits.is_none(), "the end of a connection was not reported: {waits:?}");
}

fn prepare(world: &mut World, base: &mut Base<'_>) {
    let watchers = world.events.iter().filter(|event| event.alive && event.is_watcher());
    world.pass.allow(watchers.count() as u64);
    world.pass.preparing = true;
    base.prepare(world);
    world.pass.preparing = false;
}

fn wait(base: &mut Base<'_>) {
    let deadline = base.deadline();
    match base.wait() {
        Wait::Until(at) => assert!(at > base.now() && deadline == Some(at)),
        Wait::Forever => assert_eq!(deadline, None),
        Wait::Ended(End::Empty) => {
            assert_eq!((deadline, base.counts().added, base.counts().conns), (None, 0, 0));
        }
        Wait::Ended(End::Exit) => assert!(base.got_exit()),
        Wait::Ended(End::Break) => assert!(base.got_break()),
        Wait::Ended(End::Done) | Wait::Not => {}
    }
}

fn advance(world: &mut World, base: &mut Base<'_>) {
    let before = base.now();
    let now = verbs::later(world, before);
    base.advance(now);
    assert_eq!(base.now(), now.max(before));
}

fn begin(world: &mut World, base: &mut Base<'_>) {
    let modes = [Run::DEFAULT, Run::ONCE, Run::NONBLOCK, Run::NO_EXIT_ON_EMPTY];
    base.begin(world.bytes.pick(modes) | world.bytes.pick(modes));
}

/// Returns an upper limit for the number of callbacks in a pass. The limit is a fixed number for each slot, plus the
/// number of callbacks that are still due for raised signals.
fn max_calls(world: &World) -> u64 {
    let sizes = &world.sizes;
    let slots = (2 * sizes.events + 10 * sizes.conns + sizes.listeners) as u64;
    slots + world.events.iter().map(|event| event.signal_calls_left).sum::<u64>()
}

/// Runs a whole pass.
fn pass(world: &mut World, base: &mut Base<'_>) {
    world.pass.allow(max_calls(world));
    if world.bytes.coin() {
        base.dispatch(world);
    } else {
        let mut now = base.now();
        let step = world.bytes.duration();
        base.dispatch_with(world, || {
            now = now.after(step);
            now
        });
    }
    world.record_freed_once_events(base, true);
    world.pass.begin();
}

/// Runs a pass and calls each callback separately. Between two callbacks, the back end may report something. The pass
/// may stop before all callbacks have run.
fn pass_step_by_step(world: &mut World, base: &mut Base<'_>) {
    world.pass.allow(max_calls(world));
    while let Some(fired) = base.next() {
        fired.call(world, base);
        if base.wants_time() {
            let now = base.now();
            let later = verbs::later(world, now);
            base.update_now(later);
        }
        match world.bytes.below(16) {
            0 => return,
            1 => {
                feed(world, base);
                world.pass.allow_more(max_calls(world));
            }
            _ => {}
        }
    }
    world.record_freed_once_events(base, true);
    world.pass.begin();
}

/// Takes up to `max` actions from the base, and performs them. Returns `true` if fewer than `max` actions were
/// requested.
fn actions(world: &mut World, base: &mut Base<'_>, max: usize) -> bool {
    for _ in 0..max {
        let Some(action) = base.next_action() else { return true };
        act(world, base, action);
    }
    false
}

/// Checks that the base has requested the actions for everything that has ended: connections, streams, listeners and
/// sources. Must be called when no actions are left.
fn check_actions_complete(world: &World) {
    for conn in &world.conns {
        assert!(
            conn.life != Life::Dropped,
            "the base has not requested the reset of an aborted connection: {conn:?}"
        );
        let is_complete = conn.life == Life::Closing && conn.delivered && conn.eof;
        assert!(
            !is_complete && !conn.evicted,
            "the base has not requested the close of a closed connection: {conn:?}"
        );
        let must_end = conn.finished || conn.life == Life::Closing;
        if matches!(conn.life, Life::Held | Life::Closing) && !conn.connecting && !conn.failed {
            assert_eq!(conn.end_requested, must_end && conn.output.is_empty(), "{conn:?}");
        }
    }
    assert!(world.listeners.iter().all(|listener| listener.life != Life::Dropped));
    assert!(world.sources.iter().all(|source| source.life != Life::Dropped));
}

/// Checks that an action is allowed in the state of its object, and records the action.
fn act(world: &mut World, base: &mut Base<'_>, action: Action) {
    world.record_base_changes(base);
    match action {
        Action::Listen(listener) | Action::Ignore(listener) => {
            let is_listen = matches!(action, Action::Listen(..));
            let shadow = world.listeners.iter().rfind(|shadow| shadow.handle == listener).unwrap();
            assert_eq!(
                (shadow.enabled, shadow.life == Life::Gone),
                (is_listen, false),
                "{shadow:?}"
            );
        }
        Action::Unlisten(listener) => {
            let found = world.listeners.iter_mut().rfind(|shadow| shadow.handle == listener);
            let life = &mut found.unwrap().life;
            assert_eq!(*life, Life::Dropped);
            *life = Life::Gone;
        }
        Action::Interest(source, _) | Action::Forget(source) => {
            let found = world.sources.iter_mut().rfind(|shadow| shadow.handle == source);
            let life = &mut found.unwrap().life;
            if action == Action::Forget(source) {
                assert_eq!(*life, Life::Dropped);
                *life = Life::Gone;
            } else {
                assert_eq!(*life, Life::Held);
            }
        }
        Action::Connect(conn) => {
            let shadow = conn_shadow(world, conn);
            assert!(matches!(shadow.life, Life::Held | Life::Closing), "{shadow:?}");
            assert!(shadow.listener.is_none() && !shadow.is_resting, "{shadow:?}");
        }
        Action::Tune(conn, _) => {
            let shadow = conn_shadow(world, conn);
            assert!(shadow.life == Life::Held && !shadow.is_resting, "{shadow:?}");
        }
        Action::Receive(conn) => {
            let shadow = conn_shadow(world, conn);
            assert!(matches!(shadow.life, Life::Held | Life::Closing), "{shadow:?}");
            assert!(!shadow.failed && !shadow.eof, "{shadow:?}");
        }
        Action::Send(conn) => {
            let shadow = conn_shadow(world, conn);
            assert!(!shadow.output.is_empty() && !shadow.failed, "{shadow:?}");
            assert!(matches!(shadow.life, Life::Held | Life::Closing), "{shadow:?}");
        }
        Action::End(conn) => {
            let shadow = conn_shadow(world, conn);
            assert!(shadow.finished || shadow.life == Life::Closing, "{shadow:?}");
            assert!(shadow.output.is_empty() && !shadow.connecting, "{shadow:?}");
            assert!(
                !std::mem::replace(&mut shadow.end_requested, true),
                "the end of the stream was requested twice: {shadow:?}"
            );
        }
        Action::Close(conn) => {
            let shadow = conn_shadow(world, conn);
            let is_complete = shadow.eof || shadow.limit <= base.now() || shadow.ignores_peer_end;
            let is_complete = shadow.life == Life::Closing && shadow.delivered && is_complete;
            if !std::mem::take(&mut shadow.evicted) {
                assert!(is_complete, "{shadow:?}");
                shadow.release();
            }
        }
        Action::Reset(conn) => {
            let shadow = conn_shadow(world, conn);
            let is_overdue = shadow.life == Life::Closing && shadow.limit <= base.now();
            // If a listener is freed, its connections that the application has not received yet are reset too.
            assert!(shadow.life == Life::Dropped || shadow.accept_due || is_overdue, "{shadow:?}");
            shadow.release();
        }
        _ => {}
    }
}

fn conn_shadow(world: &mut World, conn: picoevent::Conn) -> &mut ConnShadow {
    world.conns.iter_mut().rfind(|shadow| shadow.handle == conn).unwrap()
}

/// Reports something about an object to the base. The object may already be gone.
fn feed(world: &mut World, base: &mut Base<'_>) {
    match world.bytes.below(16) {
        0 | 1 => make_source(world, base),
        2 | 3 => {
            let what = world.bytes.what();
            let source = world.pick_source();
            let source = source.map_or(FOREIGN.source, |index| world.sources[index].handle);
            base.ready(source, what);
        }
        4 | 5 => {
            let (signal, raises) = (world.bytes.signal(), world.bytes.below(4) as u16);
            raise(world, base, signal, raises);
        }
        6 => {
            world.trigger.register(Waker::noop());
            let (signal, raises) = (world.trigger.signal(), world.trigger.take());
            raise(world, base, signal, raises);
        }
        7 => accept(world, base),
        8 => fail_to_listen(world, base),
        _ => feed_conn(world, base),
    }
}

fn make_source(world: &mut World, base: &mut Base<'_>) {
    let Ok(handle) = base.new_source() else {
        return assert_eq!(base.counts().sources, world.sizes.sources);
    };
    let shadow = SourceShadow { handle, life: Life::Held };
    remember(&mut world.sources, shadow, |old| old.life == Life::Gone);
}

fn raise(world: &mut World, base: &mut Base<'_>, signal: picoevent::Signal, raises: u16) {
    for info in base.events().filter(|info| info.pending.contains(EventFlags::SIGNAL)) {
        let shadow = world.event(info.event);
        if shadow.waits_for == WaitsFor::Signal(signal) {
            shadow.signal_calls_left += u64::from(raises);
        }
    }
    base.raised(signal, raises);
}

fn accept(world: &mut World, base: &mut Base<'_>) {
    let index = world.pick_listener();
    let listener = index.map_or(FOREIGN.listener, |index| world.listeners[index].handle);
    let held = index.is_some_and(|index| world.listeners[index].life == Life::Held);
    world.record_dropped(base);
    let room = base.has_room(listener);
    let Some(index) = index.filter(|_| held) else {
        let accepted = base.accepted(listener, "10.0.0.1:1".parse().unwrap());
        return assert_eq!(accepted, Err(AcceptError::NoListener));
    };
    let ListenerShadow { pool, kind, limit, .. } = world.listeners[index];
    let sizes = world.sizes.pools[pool];
    let evicted = world.conns.iter().any(|shadow| shadow.evicted);
    let lingers = world.conns.iter().any(|shadow| {
        shadow.pool == pool && shadow.may_linger() && base.is_lingering(shadow.handle)
    });
    let busy = world.held(pool) >= sizes.max_conns || world.held_by_listener(listener) >= limit;
    let (least, max) = world.slots_in_use(pool);
    let may_accept = least < sizes.slots || lingers && !evicted;
    assert!(
        !room || may_accept && (!busy || !kind.busy.is_empty()),
        "`has_room` is true, but no slot is free"
    );
    assert!(
        room || max == sizes.slots || busy && kind.busy.is_empty(),
        "`has_room` is false, but a slot is free"
    );
    match base.accepted(listener, "10.0.0.1:1".parse().unwrap()) {
        Ok(conn) => {
            assert!(held && room);
            world.record_slot_taken(conn);
            let mut shadow = ConnShadow::new(conn, Some(listener), pool, kind);
            if busy {
                // The base sends the busy text (a short answer for clients that find no free connection), and the
                // application does not see the connection.
                shadow.output.extend(kind.busy);
                shadow.close_as(base.now(), ConnEnd::Closed);
                (shadow.end_due, shadow.accept_due) = (None, false);
            }
            remember(&mut world.conns, shadow, |old| old.life == Life::Gone);
        }
        Err(AcceptError::NoListener) => assert!(!held),
        Err(AcceptError::Full) => assert!(held && !room),
    }
}

fn fail_to_listen(world: &mut World, base: &mut Base<'_>) {
    let Some(index) = world.pick_listener() else {
        return base.listen_failed(FOREIGN.listener, ListenError::InUse);
    };
    let shadow = &mut world.listeners[index];
    base.listen_failed(shadow.handle, ListenError::System(7));
    if shadow.life == Life::Held {
        (shadow.enabled, shadow.fail_due) = (false, true);
    }
}

fn feed_conn(world: &mut World, base: &mut Base<'_>) {
    let report = world.bytes.below(8);
    let Some(index) = world.pick_conn() else {
        return feed_foreign(base);
    };
    let shadow = &mut world.conns[index];
    let (conn, held) = (shadow.handle, shadow.life == Life::Held);
    match report {
        0 | 1 => receive(world, base, index),
        2 | 3 => {
            let amount = world.bytes.below(shadow.output.len() + 2);
            base.sent(conn, amount);
            let ignored = held && shadow.connecting;
            shadow.output.sent(if ignored { 0 } else { amount });
            // Bytes can be sent only on an open connection. If the application has closed the connection, the report
            // also shows the base that the connect has succeeded.
            shadow.connecting &= shadow.life != Life::Closing || amount == 0;
        }
        4 => {
            base.connected(conn);
            if shadow.connecting && !shadow.failed && !shadow.is_resting {
                (shadow.connecting, shadow.connect_due) = (false, held);
            }
        }
        5 => {
            base.peer_finished(conn);
            let closing = shadow.life == Life::Closing;
            if (held && !shadow.connecting && !shadow.failed || closing) && !shadow.eof {
                (shadow.eof, shadow.eof_due) = (true, held);
            }
        }
        6 => {
            base.failed(conn, ConnError::Reset);
            if held && shadow.accept_due {
                shadow.life = Life::Gone;
            } else if shadow.is_freed() {
                shadow.free_or_reconnect();
            } else if !held && shadow.life != Life::Gone {
                shadow.release();
            } else if held && !shadow.failed && !shadow.is_resting {
                shadow.failed = true;
                shadow.end_due = Some(ConnEnd::Failed(ConnError::Reset));
                shadow.output.clear();
            }
        }
        _ => {
            base.delivered(conn);
            if shadow.end_requested && !shadow.delivered && shadow.life != Life::Gone {
                shadow.delivered = true;
                if shadow.limit > base.now() {
                    shadow.limit = base.now().after(FIN_WAIT);
                }
            }
        }
    }
}

/// Fills a part of the free space for input. The reported number of bytes may be one more than the ring holds, as from
/// a faulty back end.
fn receive(world: &mut World, base: &mut Base<'_>, index: usize) {
    let conn = world.conns[index].handle;
    let size = world.pool_of(index).input;
    let data = world.data(size);
    let amount = world.bytes.below(size + 2);
    let shadow = &mut world.conns[index];
    let Some((first, second)) = base.input(conn) else {
        // The base does not accept input now, but a faulty back end may still report input.
        base.received(conn, amount);
        if let Ok(conn) = base.conn(conn) {
            let (first, second) = conn.peek();
            shadow.input = first.iter().chain(second).copied().collect();
        }
        return;
    };
    assert!(!shadow.failed && !shadow.eof, "{shadow:?}");
    if shadow.life == Life::Closing {
        // The base discards input of a closed connection.
        return base.received(conn, amount);
    }
    assert!(shadow.life == Life::Held && !shadow.connecting, "{shadow:?}");
    let room = first.len() + second.len();
    assert_eq!(room, size - shadow.input.len());
    assert!(room > 0, "`input` returned empty slices");
    first.iter_mut().chain(second).zip(&data).for_each(|(target, byte)| *target = *byte);
    base.received(conn, amount);
    shadow.input.extend(&data[..amount.min(room)]);
}

/// Reports something about a connection of another base. The base must ignore this report.
fn feed_foreign(base: &mut Base<'_>) {
    let conn = FOREIGN.conn;
    let before = base.counts();
    assert!(base.input(conn).is_none() && base.output(conn) == (&[], &[]));
    base.received(conn, 1);
    base.sent(conn, 1);
    base.connected(conn);
    base.peer_finished(conn);
    base.failed(conn, ConnError::Refused);
    base.delivered(conn);
    assert_eq!(base.counts(), before);
}
