//! Drives every verb of the core (a verb is a function that an application calls) from a string of bytes, and checks
//! what the core promises.
//!
//! ```text
//!  bytes ─▶ back_end: feeds, takes actions, runs passes ─▶ EventBase ─▶ calls ─▶ verbs ─▶ Cx
//!    └──────────────────── each takes what it needs, callbacks included ──────────┘
//!                         shadow: what must be true of each handle, checked after each step
//! ```
//!
//! The same bytes always give the same run. In `tests/fuzz` the bytes come from libFuzzer. The test in this package
//! takes some thousand strings of bytes from a random generator. The checks cover only promises in the core's
//! comments. A broken promise panics.
//!
//! This is not a second event loop: it records which handles are alive, which callbacks may run,
//! and every byte in every ring, but not the order of callbacks.

mod back_end;
mod bytes;
mod calls;
mod datagrams;
mod foreign;
mod in_memory;
mod pass;
mod shadow;
mod verbs;
mod world;

use picoevent::memory::StaticSlot;
use picoevent::{EventBase, Pool, Storage};

use bytes::Bytes;
pub use datagrams::run as run_datagrams;
pub use in_memory::run as run_in_memory;
use world::{PoolSizes, Sizes, World};

/// The number of static pieces that may wait to be sent.
pub(crate) const STATICS: usize = 3;

/// Drives a new base until the bytes run out.
///
/// # Panics
/// If the core breaks a promise.
pub fn run(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    // Tables that are so small that they are often full, and rings that wrap with nearly every
    // byte.
    match bytes.below(8) {
        0 => drive::<4, 2, 24, 2, 4, _>(bytes, [Pool::new(2).rings(8, 4)]),
        1 => drive::<1, 1, 2, 1, 1, _>(bytes, [Pool::new(1).rings(1, 1)]),
        2 => drive::<3, 3, 27, 1, 1, _>(bytes, [Pool::new(2).rings(1, 8).spare(1)]),
        3 => {
            drive::<4, 4, 40, 2, 2, _>(bytes, [Pool::new(2).rings(5, 3), Pool::new(2).rings(4, 8)])
        }
        4 => drive::<2, 3, 14, 2, 1, _>(
            bytes,
            [Pool::new(1).rings(2, 2).spare(1), Pool::rest().rings(1, 5)],
        ),
        5 => drive::<1, 4, 16, 1, 1, _>(bytes, [Pool::new(0), Pool::rest().rings(2, 2).spare(1)]),
        6 => {
            let pool = Pool::new(2).rings(4, 4).exchanging();
            drive::<4, 4, 64, 2, 2, _>(bytes, [pool, pool])
        }
        _ => drive::<1, 0, 0, 1, 0, _>(bytes, [Pool::new(0).rings(1, 1)]),
    }
}

fn drive<
    const EVENTS: usize,
    const CONNS: usize,
    const BYTES: usize,
    const LISTENERS: usize,
    const SOURCES: usize,
    const POOLS: usize,
>(
    bytes: Bytes,
    pools: [Pool; POOLS],
) {
    let mut storage = Storage::<World, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES>::new();
    let mut statics = [StaticSlot::new(); STATICS];
    let mut base = EventBase::new(&mut storage);
    base.set_static_slots(&mut statics).unwrap();
    let pools = base.add_pools(pools).unwrap();
    let pools = pools.map(|id| PoolSizes::of(id, base.pool(id).unwrap())).to_vec();
    let sizes =
        Sizes { events: EVENTS, conns: CONNS, listeners: LISTENERS, sources: SOURCES, pools };
    let mut world = World::new(bytes, sizes);
    world.check(&mut base);
    while !world.bytes.is_empty() {
        back_end::step(&mut world, &mut base);
        world.check(&mut base);
        world.check_told(&mut base);
    }
    back_end::finish(&mut world, &mut base);
}
