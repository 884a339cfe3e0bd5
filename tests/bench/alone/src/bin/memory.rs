//! The sizes of the core's types. For each measured type, for example a `Storage` with certain capacities, the image
//! has a symbol with the size of the type. The size of a slot is the difference between a storage with 12 slots and a
//! storage with 4 slots, divided by 8.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent::memory::StaticSlot;
use picoevent::{EventBase, RingBuffer, Storage};
// Links the panic handler and the critical sections, which every image needs.
use picoevent_alone as _;

/// An application without state, so that the sizes contain no application state.
struct App;

/// Declares a static array for each listed type. The array has the size of the type.
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
    STATIC: StaticSlot;
    RING: RingBuffer<'static>;
    FEW: Storage<App, 4, 4, 4, 4, 4, 4>;
    MORE_EVENTS: Storage<App, 12, 4, 4, 4, 4, 4>;
    MORE_CONNS: Storage<App, 4, 12, 4, 4, 4, 4>;
    MORE_LISTENERS: Storage<App, 4, 4, 4, 12, 4, 4>;
    MORE_POOLS: Storage<App, 4, 4, 4, 4, 12, 4>;
    MORE_SOURCES: Storage<App, 4, 4, 4, 4, 4, 12>;
}
