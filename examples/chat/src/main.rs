//! chat on a PC: `chat [--listen ADDR:PORT]`.

use std::process::ExitCode;

use chat::{Chat, PORT};
use picoevent::{EventBase, Pool, Storage};
use static_cell::ConstStaticCell;

const CLIENTS: Pool = Pool::new(256).spare(4).rings(512, 8192);

/// One event, and the clients' connections.
static STORAGE: ConstStaticCell<
    Storage<Chat<{ CLIENTS.conns() }>, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>,
> = ConstStaticCell::new(Storage::new());

fn main() -> ExitCode {
    let mut base = EventBase::new(STORAGE.take());
    let mut chat = Chat::new();
    desk::serve(&mut base, &mut chat, |cx, address| Chat::start(cx, address, CLIENTS), PORT)
}
