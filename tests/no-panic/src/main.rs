//! An image that links only if no public function of the core or of a protocol can panic.
//!
//! The image calls each public function. The compiler does not know the values of the arguments or the state of the
//! event base. The panic handler calls a function that does not exist. If a panic can be reached, the linker keeps the
//! handler and reports the missing function. The image is never run.
//!
//! The image does not call code that formats numbers or addresses, such as [`Display`](core::fmt::Display) of
//! [`Cx::dump`](picoevent::Cx::dump) and every `Debug`. This code formats numbers with Rust's `core` library. The
//! optimizer does not always remove the panics in the library's formatting code, for example in a build that compiles
//! the library itself.

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
pub extern "C" fn every_function() {
    let mut storage = Storage::<App, 8, 4, 64, 2, 3, 2, 2>::new();
    on_base(&mut EventBase::new(any(&mut storage)));
    // This storage sets only the numbers of events, connections and bytes. All other tables have their default sizes.
    let mut storage = any(Storage::<App, 3, 1, 8>::default());
    on_base(&mut EventBase::new(&mut storage));
    parts::every_function();
    triggers::every_function();
    values::every_function();
    rings::every_function();
    text::every_display();
    recording::every_function();
    http::every_function();
    time::every_function();
    #[cfg(feature = "planted")]
    any([1_u8, 2, 3][any(1_usize)]);
}

/// Calls every function, on a base whose state the compiler cannot know.
#[inline(never)]
fn on_base(base: &mut Base<'_>) {
    recording::begin(any(&mut *base));
    events::every_function(any(&mut *base));
    if let Some(pool) = pools::every_function(any(&mut *base)) {
        conns::every_function(any(&mut *base), any(pool));
        in_memory::every_function(any(&mut *base), any(pool));
        listeners::every_function(any(&mut *base), any(pool));
        names::every_function(any(pool));
        mqtt::every_function(any(pool));
    }
    network::every_function(any(&mut *base));
    udp::every_function(any(&mut *base));
    base::every_function(any(base));
}
