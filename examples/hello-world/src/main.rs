//! hello-world on a PC: `hello-world [--listen ADDR:PORT]`.

use std::process::ExitCode;

use hello_world::{Hello, PORT};
use picoevent::{EventBase, Storage};
use static_cell::ConstStaticCell;

/// One event, and 1,024 connections with small rings.
static STORAGE: ConstStaticCell<Storage<Hello, 1, 1024, 512, 64>> =
    ConstStaticCell::new(Storage::new());

fn main() -> ExitCode {
    let mut base = EventBase::new(STORAGE.take());
    desk::serve(&mut base, &mut Hello::new(), Hello::start, PORT)
}
