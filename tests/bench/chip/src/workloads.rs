//! The workloads of the core alone: events, sources, timers, an interrupt, and the rings of a connection.
//!
//! As in firmware, there is one application type, and one function that runs an iteration of the loop. The program
//! passes this function as an argument. In the program `core`, the function runs a whole iteration, with a back end. In
//! the program `dispatch`, the function runs only the dispatch. With several types or functions, the compiler would
//! inline less and share more code than in a board's firmware.

pub mod activate;
pub mod interrupts;
pub mod lines;
pub mod ready;
pub mod rings;
pub mod timers;

use core::hint::black_box;

use picoevent::{EventBase, Pool, PoolId, Run, Storage};

use crate::random::Random;

/// The capacity for events, including timers.
const EVENTS: usize = 64;
/// The largest amount of data that is written or read at once, in bytes.
const LONGEST: usize = 1_460;
/// One connection, with long rings.
const POOL: Pool = Pool::new(1).rings(2_048, 2_048);

/// An application that counts its calls.
pub struct App {
    calls: u32,
    random: Random,
    /// The pool of the connection.
    pool: PoolId,
    /// The number of bytes that are written or read at once.
    amount: usize,
    bytes: [u8; LONGEST],
}

/// A base of the application.
pub type Base<'s> = EventBase<'s, App>;

/// Calls `work` with an empty base and an application.
fn with_base(work: impl FnOnce(&mut Base<'_>, &mut App)) {
    const CONNS: usize = POOL.conns();
    const BYTES: usize = POOL.bytes();
    let mut storage = Storage::<App, EVENTS, CONNS, BYTES, 1, 1, EVENTS>::new();
    // Hides the contents from the compiler.
    let mut base = EventBase::new(black_box(&mut storage));
    base.begin(Run::NO_EXIT_ON_EMPTY);
    let pool = base.add_pool(POOL).expect("the storage has room");
    let mut app = App { calls: 0, random: Random::new(1), pool, amount: 0, bytes: [7; LONGEST] };
    work(black_box(&mut base), black_box(&mut app));
}
