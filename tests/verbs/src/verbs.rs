//! What an application does, inside of callbacks and outside: one verb a step.

mod conns;
mod events;

use std::fmt::Write;

use picoevent::{Cx, DispatchLimit, Instant};

use crate::calls;
use crate::foreign::FOREIGN;
use crate::shadow::{Life, ListenerShadow};
use crate::world::{World, remember};

/// Does the next thing that the bytes say.
pub fn step(world: &mut World, cx: &mut Cx<'_, World>) {
    match world.bytes.below(16) {
        0..=2 => events::make(world, cx),
        3..=7 => events::change(world, cx),
        8 => conns::connect(world, cx),
        9..=11 => conns::change(world, cx),
        12 => listener(world, cx),
        13 => sources(world, cx),
        _ => whole_loop(world, cx),
    }
}

fn listener(world: &mut World, cx: &mut Cx<'_, World>) {
    let verb = world.bytes.below(8);
    if verb < 2 {
        let Ok(handle) = cx.listen("0.0.0.0:7".parse().unwrap(), calls::on_accept) else {
            return assert_eq!(cx.counts().listeners, world.sizes.listeners);
        };
        let user = world.fresh();
        cx.listener(handle).unwrap().set_user(user).on_error(calls::on_listen_error);
        let shadow =
            ListenerShadow { handle, life: Life::Held, enabled: true, fail_due: false, user };
        return remember(&mut world.listeners, shadow, |old| old.life == Life::Gone);
    }
    let Some(place) = world.pick_listener() else {
        return assert!(cx.listener(FOREIGN.listener).is_err());
    };
    let shadow = &mut world.listeners[place];
    let Ok(mut listener) = cx.listener(shadow.handle) else {
        return assert_ne!(shadow.life, Life::Held);
    };
    match verb {
        2 | 3 => {
            listener.enable();
            shadow.enabled = true;
        }
        4 | 5 => {
            listener.disable();
            shadow.enabled = false;
        }
        6 => {
            listener.on_error(calls::on_listen_error);
        }
        _ => {
            listener.free();
            (shadow.life, shadow.enabled) = (Life::Dropped, false);
        }
    }
}

/// Forgets a source, and with it whatever waited for it.
fn sources(world: &mut World, cx: &mut Cx<'_, World>) {
    let Some(place) = world.pick_source() else {
        return assert!(cx.forget_source(FOREIGN.source).is_err());
    };
    let shadow = &mut world.sources[place];
    let forgotten = cx.forget_source(shadow.handle).is_ok();
    assert_eq!(forgotten, shadow.life == Life::Held);
    if forgotten {
        shadow.life = Life::Dropped;
        let source = shadow.handle;
        events::source_is_gone(world, cx, source);
    }
}

fn whole_loop(world: &mut World, cx: &mut Cx<'_, World>) {
    match world.bytes.below(16) {
        0 => cx.exit(),
        1 => cx.exit_after(world.bytes.duration()),
        2 => cx.break_off(),
        3 | 4 => {
            cx.continue_early();
            world.pass.cut_short();
        }
        5 | 6 => {
            let limit = DispatchLimit {
                callbacks: [None, Some(0), Some(1), Some(3)][world.bytes.below(4)],
                time: world.bytes.maybe_duration(),
                priority: world.bytes.priority(),
            };
            cx.set_dispatch_limit(world.bytes.coin().then_some(limit));
        }
        7 => {
            let before = cx.now();
            let now = later(world, before);
            cx.update_now(now);
            assert!(cx.now() >= before, "the time goes back");
        }
        8 => {
            let (peaks, taken) = (cx.peaks(), cx.take_peaks());
            assert_eq!((peaks, cx.peaks()), (taken, cx.counts()));
        }
        9 => {
            let mut text = String::new();
            write!(text, "{}", cx.dump()).unwrap();
            assert_eq!(text.lines().count(), 1 + cx.events().count());
        }
        10 => drop((cx.got_exit(), cx.got_break(), cx.wait_to_come())),
        11..=14 => conns::transfer(world, cx),
        _ => world.trigger.raise(),
    }
}

/// A time, mostly a little later than `now`; at times earlier, and at times the last there is.
pub fn later(world: &mut World, now: Instant) -> Instant {
    match world.bytes.byte() {
        0 => Instant::MAX,
        1..=7 => Instant::ZERO,
        8..=15 => now.after(std::time::Duration::from_secs(9)),
        some => now.after(std::time::Duration::from_micros(u64::from(some % 16))),
    }
}
