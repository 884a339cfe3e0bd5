//! A listener with connections, and nothing else. The HTTP servers are compared with this image.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent::{ConnMut, EventBase, Pool, Protocol, Storage};
use picoevent_alone::{act, peer, run};
use static_cell::ConstStaticCell;

const CLIENTS: Pool = Pool::new(4).rings(256, 512);

static STORAGE: ConstStaticCell<Storage<App, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

struct App;

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let Ok(clients) = base.add_pool(CLIENTS) else { return };
    black_box(base.listen::<Echo>(peer(), clients).is_ok());
    run(&mut base, &mut App, act);
}

struct Echo;

impl Protocol<App> for Echo {
    fn readable(_: &mut App, conn: &mut ConnMut<'_, '_, App>) {
        black_box(conn.transfer(conn.id()).is_ok());
    }
}
