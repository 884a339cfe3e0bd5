//! The events, timers and signals of every image: a periodic timer restarts a watchdog.

use core::hint::black_box;
use core::time::Duration;

use picoevent::{Cx, Event, EventBase, Full, Mode, Signal, What};

/// The application of the images.
pub struct App {
    watchdog: Option<Event>,
}

impl App {
    /// Makes the events.
    ///
    /// # Errors
    /// If the storage has no room for the first event.
    pub fn start(base: &mut EventBase<'_, Self>) -> Result<Self, Full> {
        let mut app = Self { watchdog: None };
        base.on_signal(Signal::INT, interrupted)?;
        app.watchdog = base.new_timer(Mode::OneShot, barked).ok();
        black_box(base.every(period(), tick).is_ok());
        Ok(app)
    }
}

/// Returns a duration that the compiler does not know.
pub fn period() -> Duration {
    Duration::from_millis(black_box(1))
}

/// Restarts the watchdog.
fn tick(app: &mut App, cx: &mut Cx<'_, App>, _: Event, _: What) {
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
