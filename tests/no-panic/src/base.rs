//! The loop, as back ends and applications see it.

use picoevent::{DispatchLimit, Instant, Run};

use crate::unknown::{any, duration, maybe_duration, priority, signal, what};
use crate::{App, Base};

pub fn every_verb(base: &mut Base<'_>) {
    settings(any(&mut *base));
    looks(any(&mut *base));
    feed(any(&mut *base));
    turn(any(base));
}

fn settings(base: &mut Base<'_>) {
    let callbacks = any(Some(1));
    let limit = DispatchLimit { callbacks, time: maybe_duration(), priority: priority() };
    base.set_dispatch_limit(any(Some(limit)));
    base.exit();
    any(&mut *base).exit_after(duration());
    any(&mut *base).break_off();
    any(&mut *base).continue_early();
    any(&mut *base).update_now(Instant::from_micros(any(1)));
    any(&mut *base).lend_idle_clock(|| Instant::from_micros(any(1)));
    any(base).take_idle_clock();
}

fn looks(base: &mut Base<'_>) {
    any((base.now(), base.got_exit(), base.got_break(), base.deadline(), base.wants_time()));
    any((base.counts(), base.peaks(), base.longest_write()));
    any(any(&mut *base).take_peaks());
    any(base.events().last());
    any((base.conns().last(), base.listeners().last()));
    any(base.dump());
}

fn feed(base: &mut Base<'_>) {
    let Ok(source) = base.new_source() else { return };
    any(&mut *base).ready(any(source), what());
    any(base).raised(signal(), any(1));
}

fn turn(base: &mut Base<'_>) {
    let app = &mut App;
    base.begin(any(Run::ONCE) | any(Run::NONBLOCK));
    any(&mut *base).prepare(app);
    while let Some(action) = any(&mut *base).next_action() {
        any(action);
    }
    let _ = any(any(&mut *base).wait());
    any(&mut *base).advance(Instant::from_micros(any(1)));
    if let Some(fired) = any(&mut *base).next() {
        any(fired).call(app, any(&mut *base));
    }
    any(&mut *base).dispatch(app);
    any(base).dispatch_with(app, || Instant::from_micros(any(1)));
}
