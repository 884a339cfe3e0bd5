//! echo on a PC: `echo [--listen ADDR:PORT]`.

use std::process::ExitCode;

use echo::{Echo, PORT};
use picoevent::{EventBase, Pool, Storage};
use static_cell::ConstStaticCell;

const CLIENTS: Pool = Pool::new(256).rings(16384, 16384);

/// One event, and the clients' connections.
static STORAGE: ConstStaticCell<Storage<Echo, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

fn main() -> ExitCode {
    let mut base = EventBase::new(STORAGE.take());
    desk::serve(&mut base, &mut Echo::new(), |cx, address| Echo::start(cx, address, CLIENTS), PORT)
}
