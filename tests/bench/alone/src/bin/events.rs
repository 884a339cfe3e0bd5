//! Events, timers and signals.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use picoevent::{Cx, Event, EventBase, Mode, Signal, Storage, What};
use picoevent_alone::run;
use static_cell::ConstStaticCell;

static STORAGE: ConstStaticCell<Storage<App, 8, 1, 1, 1>> = ConstStaticCell::new(Storage::new());

struct App {
    watchdog: Option<Event>,
}

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let mut app = App { watchdog: None };
    if base.on_signal(Signal::INT, interrupted).is_err() {
        return;
    }
    app.watchdog = base.new_timer(Mode::OneShot, barked).ok();
    black_box(base.every(period(), beat).is_ok());
    run(&mut base, &mut app, |_, action| _ = black_box(action), |_| ());
}

fn period() -> Duration {
    Duration::from_millis(black_box(1))
}

/// Begins the watchdog's time again.
fn beat(app: &mut App, cx: &mut Cx<'_, App>, _: Event, _: What) {
    let watchdog = app.watchdog.and_then(|watchdog| cx.event(watchdog).ok());
    black_box(watchdog.is_some_and(|mut watchdog| watchdog.add(Some(period())).is_ok()));
}

fn barked(_: &mut App, cx: &mut Cx<'_, App>, event: Event, _: What) {
    if let Ok(event) = cx.event(event) {
        event.free();
    }
    black_box(cx.after(period(), finished).is_ok());
}

fn finished(app: &mut App, cx: &mut Cx<'_, App>, _: Event, _: What) {
    if let Some(mut watchdog) = app.watchdog.and_then(|watchdog| cx.event(watchdog).ok()) {
        watchdog.del();
        watchdog.activate(What::TIMEOUT);
    }
}

fn interrupted(_: &mut App, cx: &mut Cx<'_, App>, _: Event, _: What) {
    cx.exit_after(period());
}
