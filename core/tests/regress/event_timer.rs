//! The remaining time of a timer that was just added.

use std::time::Duration;

use picoevent::{Instant, Mode};

use crate::script::app::timer;
use crate::script::{App, begin, ms, storage};

/// A clock with a resolution of milliseconds, like libevent's default clock.
#[test]
fn default_clock() {
    let mut storage = storage();
    let (mut base, _, _) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    for round in 0..1000 {
        base.advance(Instant::from_micros(round * 4_000));
        let mut event = base.event(event).unwrap();
        event.add(Some(ms(1_000))).unwrap();
        assert_eq!(event.remaining(), Some(ms(1_000)), "round {round}");
    }
}

/// A clock with a resolution of microseconds. A delay with a fraction of a microsecond is rounded up, so that a timer
/// is never early. Other delays are not changed.
#[test]
fn precise_clock() {
    let mut storage = storage();
    let (mut base, _, _) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    for round in 0..1000 {
        base.advance(Instant::from_micros(round * 31));
        let mut event = base.event(event).unwrap();
        let delay = Duration::from_micros(7 * round + 1);
        event.add(Some(delay)).unwrap();
        assert_eq!(event.remaining(), Some(delay), "round {round}");
        event.add(Some(delay - Duration::from_nanos(round % 1000))).unwrap();
        assert_eq!(event.remaining(), Some(delay), "round {round}");
    }
}
