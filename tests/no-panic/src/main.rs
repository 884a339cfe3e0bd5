//! An image that links only if no verb of the core or of a protocol can panic.
//!
//! It calls each of their public functions with values that the compiler cannot know, on a base in
//! a state that it cannot know. The panic handler calls a function that does not exist. If a panic
//! can be reached, the handler is in the image, and the linker reports the missing function. The
//! image is never run.
//!
//! It does not call code that formats numbers or addresses, such as [`Display`](core::fmt::Display) of
//! [`Cx::dump`](picoevent::Cx::dump) and every `Debug`. Whether the code for numbers in Rust's `core` library can panic
//! depends on the optimizer: if the library is compiled again, this code can panic.

#![no_std]
#![no_main]

mod base;
mod conns;
mod events;
mod http;
mod in_memory;
mod listeners;
mod mqtt;
mod names;
mod network;
mod parts;
mod pools;
mod recording;
mod rings;
mod text;
mod time;
mod triggers;
mod udp;
mod unknown;
mod values;

use core::panic::PanicInfo;

use picoevent::{EventBase, Storage};

use unknown::any;

/// The application. It is empty, since callbacks belong to the application and may panic.
pub struct App;

type Base<'s> = EventBase<'s, App>;

unsafe extern "C" {
    /// A function that does not exist.
    safe fn picoevent_core_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    picoevent_core_can_panic()
}

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn every_verb() {
    let mut storage = Storage::<App, 8, 4, 64, 2, 3, 2, 2>::new();
    on(&mut EventBase::new(any(&mut storage)));
    // A storage with the default sizes of all other tables.
    let mut storage = any(Storage::<App, 3, 1, 8>::default());
    on(&mut EventBase::new(&mut storage));
    parts::every_verb();
    triggers::every_verb();
    values::every_verb();
    rings::every_verb();
    text::every_text();
    recording::every_verb();
    http::every_verb();
    time::every_verb();
    #[cfg(feature = "planted")]
    any([1_u8, 2, 3][any(1_usize)]);
}

/// Calls every verb, on a base that the compiler knows nothing about.
#[inline(never)]
fn on(base: &mut Base<'_>) {
    recording::begin(any(&mut *base));
    events::every_verb(any(&mut *base));
    if let Some(pool) = pools::every_verb(any(&mut *base)) {
        conns::every_verb(any(&mut *base), any(pool));
        in_memory::every_verb(any(&mut *base), any(pool));
        listeners::every_verb(any(&mut *base), any(pool));
        names::every_verb(any(pool));
        mqtt::every_verb(any(pool));
    }
    network::every_verb(any(&mut *base));
    udp::every_verb(any(&mut *base));
    base::every_verb(any(base));
}
