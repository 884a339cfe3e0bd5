//! Steps with events: make, change, free.

use picoevent::{AddError, Cx, Event, EventFlags, Instant, Mode, OnceError, Source};

use crate::calls::EVENT_CALLS;
use crate::foreign::FOREIGN;
use crate::shadow::{EventShadow, Life, WaitsFor};
use crate::world::{World, is_live, remember};

/// Makes an event. The bytes of the test case select the kind of event.
pub fn make(world: &mut World, cx: &mut Cx<'_, World>) {
    let call = world.bytes.below(EVENT_CALLS.len());
    let function = EVENT_CALLS[call];
    let mode = world.bytes.pick([Mode::Persist, Mode::OneShot]);
    let before = cx.counts().events;
    let kind = world.bytes.below(10);
    let (made, waits_for, mode, interest, timeout) = match kind {
        0 => (cx.new_timer(mode, function), WaitsFor::Nothing, mode, EventFlags::NONE, None),
        1..=3 => {
            let (source, interest) = (some_source(world), world.bytes.what());
            let made = cx.new_event(source, interest, mode, function);
            (made, WaitsFor::Source(source), mode, interest, None)
        }
        4 => {
            let signal = world.bytes.signal();
            let made = cx.new_signal(signal, mode, function);
            (made, WaitsFor::Signal(signal), mode, EventFlags::NONE, None)
        }
        5 => {
            let delay = world.bytes.duration();
            let made = cx.after(delay, function);
            (made, WaitsFor::Nothing, Mode::OneShot, EventFlags::NONE, Some(delay))
        }
        6 => return once(world, cx, call),
        7 => {
            let interval = world.bytes.duration();
            let made = cx.every(interval, function);
            (made, WaitsFor::Nothing, Mode::Persist, EventFlags::NONE, Some(interval))
        }
        8 => {
            let signal = world.bytes.signal();
            let made = cx.on_signal(signal, function);
            (made, WaitsFor::Signal(signal), Mode::Persist, EventFlags::NONE, None)
        }
        _ => {
            let made =
                if world.bytes.coin() { cx.on_prepare(function) } else { cx.on_check(function) };
            (made, WaitsFor::Watcher, Mode::Persist, EventFlags::NONE, None)
        }
    };
    let Ok(handle) = made else {
        return assert_eq!((before, cx.counts().events), (world.sizes.events, before));
    };
    let mut shadow = EventShadow::new(handle, waits_for, mode, call as u8);
    shadow.interest = interest;
    shadow.once = kind == 5;
    shadow.may_fire = kind >= 5;
    match timeout {
        Some(delay) if kind == 5 && delay.is_zero() => shadow.activated = EventFlags::TIMEOUT,
        timeout => shadow.deadline = timeout.map(|timeout| cx.now().after(timeout)),
    }
    keep(world, cx, shadow);
}

fn once(world: &mut World, cx: &mut Cx<'_, World>, call: usize) {
    let (source, interest) = (some_source(world), world.bytes.what());
    let timeout = world.bytes.maybe_duration();
    let before = cx.counts();
    let handle = match cx.once(source, interest, timeout, EVENT_CALLS[call]) {
        Ok(handle) => handle,
        Err(error) => {
            match error {
                OnceError::Full(_) => assert_eq!(before.events, world.sizes.events),
                OnceError::Add(error) => check_add_error(world, WaitsFor::Source(source), error),
                OnceError::NoInterest => {}
            }
            return assert_eq!(cx.counts(), before, "a refused once-event changed the counts");
        }
    };
    let mut shadow = EventShadow::new(handle, WaitsFor::Source(source), Mode::OneShot, call as u8);
    (shadow.interest, shadow.once, shadow.may_fire) = (interest, true, true);
    shadow.deadline = timeout.map(|timeout| cx.now().after(timeout));
    keep(world, cx, shadow);
}

fn keep(world: &mut World, cx: &mut Cx<'_, World>, mut shadow: EventShadow) {
    shadow.user = world.next_number();
    cx.event(shadow.handle).unwrap().set_user(shadow.user);
    remember(&mut world.events, shadow, |old| !old.alive);
}

fn some_source(world: &mut World) -> Source {
    world.pick_source().map_or(FOREIGN.source, |index| world.sources[index].handle)
}

/// Calls a function of an event.
pub fn change(world: &mut World, cx: &mut Cx<'_, World>) {
    let Some(index) = world.pick_event() else {
        return assert!(cx.event(FOREIGN.event).is_err());
    };
    let (handle, now) = (world.events[index].handle, cx.now());
    let verb = world.bytes.below(13);
    if !world.events[index].alive {
        return assert!(cx.event(handle).is_err());
    }
    if verb < 6 {
        return add(world, cx, index);
    }
    let due = is_due(cx, handle);
    let mut event = cx.event(handle).unwrap();
    let shadow = &mut world.events[index];
    match verb {
        6 => {
            event.remove_timeout();
            shadow.record_passed_timeout(now);
            (shadow.deadline, shadow.is_added_again) = (None, false);
        }
        7 => {
            event.del();
            shadow.set_idle();
        }
        8 | 9 => {
            let what = world.bytes.what();
            event.activate(what);
            (shadow.activated, shadow.may_fire) = (shadow.activated | what, true);
            shadow.signal_calls_left += u64::from(what.contains(EventFlags::SIGNAL));
        }
        10 => {
            let priority = world.bytes.priority();
            match event.set_priority(priority) {
                Ok(()) => {
                    assert!(!due, "the priority of an active event was changed");
                    shadow.level = priority.level();
                }
                Err(_) => assert!(
                    shadow.may_fire,
                    "the priority of an event that is not active was refused"
                ),
            }
        }
        11 => {
            let call = world.bytes.below(EVENT_CALLS.len());
            event.on_fire(EVENT_CALLS[call]);
            shadow.call = call as u8;
        }
        _ => {
            event.free();
            (shadow.alive, shadow.fired_once) = (false, false);
            shadow.set_idle();
        }
    }
}

fn add(world: &mut World, cx: &mut Cx<'_, World>, index: usize) {
    let timeout = world.bytes.maybe_duration();
    let handle = world.events[index].handle;
    let result = cx.event(handle).unwrap().add(timeout);
    let at = timeout.map(|timeout| cx.now().after(timeout));
    added(world, cx, index, result, at.or(world.events[index].deadline));
}

fn added(
    world: &mut World,
    cx: &mut Cx<'_, World>,
    index: usize,
    result: Result<(), AddError>,
    deadline: Option<Instant>,
) {
    let waits_for = world.events[index].waits_for;
    match result {
        Err(error) => check_add_error(world, waits_for, error),
        Ok(()) => {
            if let WaitsFor::Source(source) = waits_for {
                assert!(holds(world, source), "an event was added for a freed source");
            }
            let shadow = &mut world.events[index];
            shadow.deadline = deadline;
            shadow.may_fire |= shadow.is_watcher() || is_live(cx, shadow.handle);
        }
    }
}

fn check_add_error(world: &World, waits_for: WaitsFor, error: AddError) {
    let WaitsFor::Source(source) = waits_for else {
        panic!("adding an event without a source was refused")
    };
    assert_eq!(error == AddError::SourceClosed, !holds(world, source), "{error:?}");
}

fn holds(world: &World, source: Source) -> bool {
    world.sources.iter().any(|shadow| shadow.handle == source && shadow.life == Life::Held)
}

/// Records that no event waits for the source any more.
pub fn source_is_gone(world: &mut World, cx: &mut Cx<'_, World>, source: Source) {
    let now = cx.now();
    let waited =
        |shadow: &&mut EventShadow| shadow.alive && shadow.waits_for == WaitsFor::Source(source);
    for shadow in world.events.iter_mut().filter(waited) {
        shadow.record_passed_timeout(now);
        let Ok(event) = cx.event(shadow.handle) else { continue };
        shadow.deadline = event.deadline();
        if !is_live(cx, shadow.handle) {
            shadow.set_idle();
        }
    }
}

/// Returns whether the base reports an event as active.
fn is_due(cx: &Cx<'_, World>, event: Event) -> bool {
    cx.events().any(|info| info.event == event && !info.active.is_empty())
}
