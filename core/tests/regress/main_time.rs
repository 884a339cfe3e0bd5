//! The loop's time, inside and outside of callbacks: libevent's five variants of `gettimeofday_cached`.
//!
//! In each pass, libevent reads the time of day once and caches it. Here each iteration sets the loop's time from the
//! back end's clock, so there is no cache to disable. A callback that takes a long time can read a clock and set the
//! later time.

use picoevent::{EventMut, Instant, Run};

use crate::script::{App, at, begin, ms, storage};

/// Runs two callbacks in one pass. If `works` is set, each callback takes 100 ms. If `updates_time` is set, each
/// callback sets the loop's time to the clock's time. Returns the loop's time in each callback, and the loop's time
/// after the run.
fn times_of_two_callbacks(works: bool, updates_time: bool) -> [Instant; 3] {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    app.count = usize::from(works) + 2 * usize::from(updates_time);
    let call = |app: &mut App, event: &mut EventMut<App>| {
        app.record(event);
        if app.count & 1 != 0 {
            app.world.borrow_mut().pass(ms(100));
        }
        if app.count & 2 != 0 {
            let now = app.world.borrow().now();
            event.update_now(now);
        }
    };
    base.after(ms(10), call).unwrap();
    base.after(ms(10), call).unwrap();
    script.run(&mut base, &mut app, Run::DEFAULT);
    [app.calls[0].at, app.calls[1].at, base.now()]
}

#[test]
fn gettimeofday_cached() {
    assert_eq!(times_of_two_callbacks(false, false), [at(10), at(10), at(10)]);
}

#[test]
fn gettimeofday_cached_sleep() {
    assert_eq!(times_of_two_callbacks(true, false), [at(10), at(10), at(10)]);
}

#[test]
fn gettimeofday_cached_reset() {
    assert_eq!(times_of_two_callbacks(true, true), [at(10), at(110), at(210)]);
}

/// Without the cache, libevent reads the clock for each query. Here each callback sets the loop's time to the clock's
/// time instead.
#[test]
fn gettimeofday_cached_disabled() {
    let [first, second, _] = times_of_two_callbacks(true, true);
    assert!(second > first);
}

#[test]
fn gettimeofday_cached_disabled_nosleep() {
    let [first, second, after] = times_of_two_callbacks(false, true);
    assert!(first <= second && second <= after);
}
