//! Storages of different capacities. Their sizes, which the image's symbols have, are compared:
//! what a table of 12 takes beyond one of 4, divided by 8, is what a further slot takes.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent::{EventBase, Storage};
// For what every image has to have.
use picoevent_alone as _;

/// An application without a state, whose size is not in a storage.
struct App;

/// As many bytes as the type has.
macro_rules! bytes_of {
    ($($name:ident: $type:ty;)*) => {
        $(static $name: [u8; size_of::<$type>()] = [0; _];)*

        /// The image's entry.
        // SAFETY: no other function has this name.
        #[unsafe(no_mangle)]
        pub extern "C" fn image() {
            $(black_box(&$name);)*
        }
    };
}

bytes_of! {
    BASE: EventBase<'static, App>;
    FEW: Storage<App, 4, 4, 4, 4, 4, 4>;
    MORE_EVENTS: Storage<App, 12, 4, 4, 4, 4, 4>;
    MORE_CONNS: Storage<App, 4, 12, 4, 4, 4, 4>;
    MORE_LISTENERS: Storage<App, 4, 4, 4, 4, 12, 4>;
    MORE_SOURCES: Storage<App, 4, 4, 4, 4, 4, 12>;
}
