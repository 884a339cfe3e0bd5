//! Timestamps of the log with the feature `time-of-day`: the time of day in UTC. Until the clock is set, the timestamps
//! begin with 1970.

use core::cell::Cell;

use critical_section::Mutex;
use embassy_time::Instant;

/// The microseconds from the beginning of 1970 to the start.
static START: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

defmt::timestamp!("{=u64:iso8601ms}", now() / 1_000);

/// Sets the clock, in microseconds since the beginning of 1970.
pub fn set_clock(unix_micros: u64) {
    let start = unix_micros.saturating_sub(Instant::now().as_micros());
    critical_section::with(|cs| START.borrow(cs).set(start));
}

fn now() -> u64 {
    critical_section::with(|cs| START.borrow(cs).get()) + Instant::now().as_micros()
}
