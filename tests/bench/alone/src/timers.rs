//! The events, timers and signals of the images `events` and `server`. A periodic timer restarts a watchdog timer.

use core::hint::black_box;
use core::time::Duration;

use picoevent::{Event, EventBase, EventFlags, EventMut, FullError, Mode, Signal};

/// The application of both images.
pub struct App {
    watchdog: Option<Event>,
}

impl App {
    /// Makes the events.
    ///
    /// # Errors
    /// If the storage has no room for the first event.
    pub fn start(base: &mut EventBase<'_, Self>) -> Result<Self, FullError> {
        let mut app = Self { watchdog: None };
        base.on_signal(Signal::INT, interrupted)?;
        app.watchdog = base.new_timer(Mode::OneShot, watchdog_expired).ok();
        black_box(base.every(period(), tick).is_ok());
        Ok(app)
    }
}

/// Returns a duration that the compiler does not know.
pub fn period() -> Duration {
    Duration::from_millis(black_box(1))
}

/// Restarts the watchdog.
fn tick(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    let watchdog = app.watchdog.and_then(|watchdog| event.event(watchdog).ok());
    black_box(watchdog.is_some_and(|mut watchdog| watchdog.add(Some(period())).is_ok()));
}

fn watchdog_expired(_: &mut App, event: &mut EventMut<'_, '_, App>) {
    event.free();
    black_box(event.after(period(), finished).is_ok());
}

fn finished(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    if let Some(mut watchdog) = app.watchdog.and_then(|watchdog| event.event(watchdog).ok()) {
        watchdog.del();
        watchdog.activate(EventFlags::TIMEOUT);
    }
}

fn interrupted(_: &mut App, event: &mut EventMut<'_, '_, App>) {
    event.exit_after(period());
}
