//! The loop's time, inside and outside of callbacks: libevent's five variants of `gettimeofday_cached`.
//!
//! libevent caches the time of day in each pass. Here the back end feeds the loop's time, so there is no cache to
//! disable. A callback that takes a long time can read a clock and feed the later time.

use picoevent::{EventMut, Instant, Run};

use crate::script::{App, at, begin, ms, room};

/// Runs two callbacks in one pass. If `works` is set, each callback takes 100 ms. If `says_so` is set, each callback
/// feeds the clock's time to the loop. Returns the times that the callbacks see, and the time after the loop.
fn times_of_two_callbacks(works: bool, says_so: bool) -> [Instant; 3] {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    app.count = usize::from(works) + 2 * usize::from(says_so);
    let look = |app: &mut App, event: &mut EventMut<App>| {
        app.note(event);
        if app.count & 1 != 0 {
            app.world.borrow_mut().pass(ms(100));
        }
        if app.count & 2 != 0 {
            let now = app.world.borrow().now();
            event.update_now(now);
        }
    };
    base.after(ms(10), look).unwrap();
    base.after(ms(10), look).unwrap();
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

/// Without the cache, libevent reads the clock for each query. Here each callback feeds the clock's time instead.
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
