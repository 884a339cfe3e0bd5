//! Calls the verbs of the core (the functions that an application calls), and checks what the core's documentation
//! promises. A string of bytes selects the calls.
//!
//! ```text
//!  bytes ─▶ back_end: feeds, takes actions, runs passes ─▶ EventBase ─▶ calls ─▶ verbs ─▶ Cx
//!    └──────────────────── each takes what it needs, callbacks included ──────────┘
//!                         shadow: what must be true of each handle, checked after each step
//! ```
//!
//! The same bytes always give the same run. In `tests/fuzz` the bytes come from libFuzzer. The test in this package
//! uses some thousand strings of bytes from a random generator. If a check fails, the run panics.
//!
//! The model is not a second event loop. It records which handles are valid, which callbacks may run, and every byte in
//! every ring. It does not predict the order of callbacks.

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

/// The maximum number of static pieces that may wait to be sent. A static piece is one slice that was passed to
/// `write_static`.
pub(crate) const MAX_STATIC_SLICES: usize = 3;

/// Runs a test case on a new base until no bytes are left.
///
/// # Panics
/// If the core does something that its documentation excludes.
pub fn run(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    // The tables are so small that they are often full, and the rings so short that they wrap after a few bytes.
    match bytes.below(8) {
        0 => run_on::<4, 2, 24, 2, 4, _>(bytes, [Pool::new(2).rings(8, 4)]),
        1 => run_on::<1, 1, 2, 1, 1, _>(bytes, [Pool::new(1).rings(1, 1)]),
        2 => run_on::<3, 3, 27, 1, 1, _>(bytes, [Pool::new(2).rings(1, 8).spare(1)]),
        3 => {
            run_on::<4, 4, 40, 2, 2, _>(bytes, [Pool::new(2).rings(5, 3), Pool::new(2).rings(4, 8)])
        }
        4 => run_on::<2, 3, 14, 2, 1, _>(
            bytes,
            [Pool::new(1).rings(2, 2).spare(1), Pool::rest().rings(1, 5)],
        ),
        5 => run_on::<1, 4, 16, 1, 1, _>(bytes, [Pool::new(0), Pool::rest().rings(2, 2).spare(1)]),
        6 => {
            let pool = Pool::new(2).rings(4, 4).exchanging();
            run_on::<4, 4, 64, 2, 2, _>(bytes, [pool, pool])
        }
        _ => run_on::<1, 0, 0, 1, 0, _>(bytes, [Pool::new(0).rings(1, 1)]),
    }
}

fn run_on<
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
    let mut static_slices = [StaticSlot::new(); MAX_STATIC_SLICES];
    let mut base = EventBase::new(&mut storage);
    base.set_static_slots(&mut static_slices).unwrap();
    let pools = base.add_pools(pools).unwrap();
    let pools = pools.map(|id| PoolSizes::of(id, base.pool(id).unwrap())).to_vec();
    let sizes =
        Sizes { events: EVENTS, conns: CONNS, listeners: LISTENERS, sources: SOURCES, pools };
    let mut world = World::new(bytes, sizes);
    world.check(&mut base);
    while !world.bytes.is_empty() {
        back_end::step(&mut world, &mut base);
        world.check(&mut base);
        world.check_back_end_queries(&mut base);
    }
    back_end::finish(&mut world, &mut base);
}
