//! The loop's time, in and out of callbacks: libevent's five variants of `gettimeofday_cached`.
//!
//! libevent caches the time of day for each pass. Here the loop's time is what the back end fed,
//! and there is nothing to cache or to disable; a callback that has worked for long and has a
//! clock feeds a later time.

use picoevent::{EventMut, Instant, Run};

use crate::script::{App, at, begin, ms, room};

/// Two callbacks of one pass, the first of which may work for long and may say so; the times they
/// see, and the time that is seen outside of the loop.
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

/// Without the cache every look at the time reads the clock. Here that is a clock fed by each
/// callback.
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
