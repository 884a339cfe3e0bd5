//! An echo server that closes idle clients. The image also has the events, timers and signals of the image `events`.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use picoevent::{ConnEnd, ConnMut, EventBase, Pool, Protocol, Storage};
use picoevent_alone::{App, act, peer, run};
use static_cell::ConstStaticCell;

const CLIENTS: Pool = Pool::new(4).rings(64, 64);

static STORAGE: ConstStaticCell<Storage<App, 8, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let Ok(mut app) = App::start(&mut base) else { return };
    let Ok(clients) = base.add_pool(CLIENTS) else { return };
    black_box(base.listen::<Echo>(peer(), clients).is_ok());
    run(&mut base, &mut app, act);
}

/// Sends the received data back, and closes the connection when all data is sent.
struct Echo;

impl Protocol<App> for Echo {
    const IDLE: Option<Duration> = Some(Duration::from_secs(60));
    const STALL: Option<Duration> = Some(Duration::from_secs(60));

    fn readable(_: &mut App, conn: &mut ConnMut<'_, '_, App>) {
        let mut bytes = [0; 16];
        let amount = conn.read(&mut bytes);
        if conn.write(bytes.get(..amount).unwrap_or_default()).is_err() {
            conn.abort();
        }
    }

    fn writable(_: &mut App, conn: &mut ConnMut<'_, '_, App>) {
        conn.close();
    }

    fn ended(_: &mut App, _: &mut ConnMut<'_, '_, App>, end: ConnEnd) {
        black_box(end);
    }
}
