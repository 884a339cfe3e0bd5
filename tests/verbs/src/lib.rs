//! Drives every verb of the core from a string of bytes, and checks what the core promises.
//!
//! ```text
//!  bytes ─▶ back_end: feeds, takes actions, runs passes ─▶ EventBase ─▶ calls ─▶ verbs ─▶ Cx
//!    └──────────────────── each takes what it needs, callbacks included ──────────┘
//!                         shadow: what must be true of each handle, checked after each step
//! ```
//!
//! The same bytes do the same, whoever brings them: `tests/fuzz` lets libFuzzer look for them, the
//! test beside this library takes some thousand from a generator. Nothing is checked that a comment
//! in the core does not promise; what breaks a promise panics.
//!
//! It is no second event loop: it knows which handles live, which callbacks may come, and every
//! byte in every ring, but not in which order callbacks come.

mod back_end;
mod bytes;
mod calls;
mod foreign;
mod pass;
mod shadow;
mod verbs;
mod world;

use picoevent::{EventBase, Storage};

use bytes::Bytes;
use world::{Sizes, World};

/// Does what the bytes say to a base of its own, until there are none left.
///
/// # Panics
/// When the core breaks a promise.
pub fn run(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    // Tables so small that they are full all the time, rings that wrap with nearly every byte.
    match bytes.below(6) {
        0 => drive::<4, 2, 8, 4, 2, 4>(bytes),
        1 => drive::<1, 1, 1, 1, 1, 1>(bytes),
        2 => drive::<3, 3, 1, 8, 1, 1>(bytes),
        3 => drive::<4, 4, 5, 3, 2, 2>(bytes),
        4 => drive::<2, 1, 2, 2, 1, 1>(bytes),
        _ => drive::<1, 0, 0, 0, 1, 0>(bytes),
    }
}

fn drive<
    const EVENTS: usize,
    const CONNS: usize,
    const INPUT: usize,
    const OUTPUT: usize,
    const LISTENERS: usize,
    const SOURCES: usize,
>(
    bytes: Bytes,
) {
    let mut storage = Storage::<World, EVENTS, CONNS, INPUT, OUTPUT, LISTENERS, SOURCES>::new();
    let mut base = EventBase::new(&mut storage);
    let mut world = World::new(
        bytes,
        Sizes {
            events: EVENTS,
            conns: CONNS,
            input: INPUT,
            output: OUTPUT,
            listeners: LISTENERS,
            sources: SOURCES,
        },
    );
    world.check(&mut base);
    while !world.bytes.is_empty() {
        back_end::step(&mut world, &mut base);
        world.check(&mut base);
        world.check_told(&mut base);
    }
}
