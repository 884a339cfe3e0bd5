//! hello-world on a PC: `hello-world [--listen ADDR:PORT]`.

use std::process::ExitCode;

use hello_world::{Hello, PORT};
use picoevent::{EventBase, Pool, Storage};
use static_cell::ConstStaticCell;

const CLIENTS: Pool = Pool::new(1024).rings(512, 64);

/// One event, and the clients' connections with small rings.
static STORAGE: ConstStaticCell<Storage<Hello, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

fn main() -> ExitCode {
    let mut base = EventBase::new(STORAGE.take());
    desk::serve(
        &mut base,
        &mut Hello::default(),
        |cx, address| Hello::start(cx, address, CLIENTS),
        PORT,
    )
}
