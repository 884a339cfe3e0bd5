//! The core by itself: events, sources, timers, an interrupt, the rings of a connection.
//!
//! As in a firmware there is one application type and one function that turns the loop, which a
//! program passes in: `core` a whole turn of a back end, `pass` nothing but the dispatch. With
//! several of either, the compiler would inline less and share more than it does for a board.

pub mod activate;
pub mod interrupts;
pub mod ready;
pub mod rings;
pub mod timers;

use core::hint::black_box;

use picoevent::{EventBase, Run, Storage};

use crate::random::Random;

/// Events, and timers, at most.
const EVENTS: usize = 64;
/// The longest piece of data.
const LONGEST: usize = 1_460;
/// A connection's rings.
const RING: usize = 2_048;

/// An application that counts its calls.
pub struct App {
    calls: u32,
    random: Random,
    /// How much it expects to read.
    amount: usize,
    bytes: [u8; LONGEST],
}

/// A base of the application.
pub type Base<'s> = EventBase<'s, App>;

/// Calls `work` with an empty base and an application.
fn with(work: impl FnOnce(&mut Base<'_>, &mut App)) {
    let mut storage = Storage::<App, EVENTS, 1, RING, RING, 1, EVENTS>::new();
    // The compiler is not to see through to what is in them.
    let mut base = EventBase::new(black_box(&mut storage));
    base.begin(Run::NO_EXIT_ON_EMPTY);
    let mut app = App { calls: 0, random: Random::new(1), amount: 0, bytes: [7; LONGEST] };
    work(black_box(&mut base), black_box(&mut app));
}
