//! udp-time on a PC: `udp-time [--listen ADDR:PORT]`.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use picoevent::{EventBase, Storage};
use static_cell::ConstStaticCell;
use udp_time::{PORT, RINGS, Time};

/// One event, and one UDP socket with its rings.
static STORAGE: ConstStaticCell<Storage<Time, 1, 0, { RINGS.bytes() }, 0, 0, 0, 1>> =
    ConstStaticCell::new(Storage::new());

fn main() -> ExitCode {
    let mut base = EventBase::new(STORAGE.take());
    let mut app = Time::new(|_| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    });
    desk::serve_udp(&mut base, &mut app, Time::start, PORT)
}
