//! Events, timers and signals.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent::{EventBase, Storage};
use picoevent_alone::{App, run};
use static_cell::ConstStaticCell;

static STORAGE: ConstStaticCell<Storage<App, 8, 0, 0, 0, 0>> = ConstStaticCell::new(Storage::new());

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let Ok(mut app) = App::start(&mut base) else { return };
    run(&mut base, &mut app, |_, action| _ = black_box(action));
}
