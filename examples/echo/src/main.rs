//! echo on a PC: `echo [--listen ADDR:PORT]`.

use std::process::ExitCode;

use echo::{Echo, PORT};
use picoevent::{EventBase, Storage};
use static_cell::ConstStaticCell;

/// One event, and 256 connections with 16 KiB in either direction.
static STORAGE: ConstStaticCell<Storage<Echo, 1, 256, 16384, 16384>> =
    ConstStaticCell::new(Storage::new());

fn main() -> ExitCode {
    let mut base = EventBase::new(STORAGE.take());
    desk::serve(&mut base, &mut Echo::new(), Echo::start, PORT)
}
