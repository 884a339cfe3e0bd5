//! The loop's time between two iterations, if the program calls each iteration itself.

use core::sync::atomic::{AtomicU64, Ordering};

use picoevent::{Instant, LINGER, Mode, Pool, Settings};

use crate::{App, at, base, ms, timer};

/// The time of the test's clock, in milliseconds.
static CLOCK: AtomicU64 = AtomicU64::new(7_000);

fn clock() -> Instant {
    at(CLOCK.load(Ordering::Relaxed))
}

#[test]
fn verbs_between_two_iterations_count_from_the_current_time_if_the_base_has_an_idle_clock() {
    let (mut base, mut app) = (base(), App::default());
    base.advance(at(100));
    base.dispatch(&mut app);
    base.set_idle_clock(clock, clock());
    CLOCK.fetch_add(250, Ordering::Relaxed);
    let event = timer(&mut base, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(10))).unwrap();
    assert_eq!((base.now(), base.deadline()), (at(350), Some(at(360))));
    // A clock that stops or goes back causes no error.
    CLOCK.fetch_sub(200, Ordering::Relaxed);
    base.event(event).unwrap().add(Some(ms(20))).unwrap();
    assert_eq!((base.now(), base.deadline()), (at(350), Some(at(370))));
    base.remove_idle_clock();
    CLOCK.fetch_add(5_000, Ordering::Relaxed);
    base.event(event).unwrap().add(Some(ms(30))).unwrap();
    assert_eq!(base.deadline(), Some(at(380)), "the time is again what is fed");
}

#[test]
fn the_time_limits_of_close_all_count_from_the_current_time() {
    static SETTINGS: Settings = Settings::new();
    let mut base = base();
    let pool = base.add_pool(Pool::rest().rings(8, 8)).unwrap();
    let peer = "192.0.2.7:4242".parse().unwrap();
    let conn = base.connect_with(peer, pool, &SETTINGS, |_, _, _| {}).unwrap();
    base.connected(conn);
    base.dispatch(&mut App::default());
    base.conn(conn).unwrap().write(b"unsent").unwrap();
    base.set_idle_clock(|| at(5_000), at(0));
    base.close_all();
    assert_eq!(base.deadline(), Some(at(5_000).after(LINGER)));
}
