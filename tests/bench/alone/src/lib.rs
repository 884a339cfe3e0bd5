//! The core alone: images that call what an application calls, and nothing else.
//!
//! What they have of the core is what an application carries: the linker keeps what can be reached.
//! They are built for microcontrollers and for a desk, and never run. So what a back end would hear
//! from its devices is a value that the compiler cannot know, and callbacks do the least that
//! makes them different.
//!
//! | program | has |
//! |---|---|
//! | `events` | events, timers, signals, and the loop |
//! | `server` | the same, a listener, and connections that read, write, wait and close |
//! | `memory` | storages of different capacities, whose sizes are compared |

#![no_std]

mod nothing;
mod timers;

use core::hint::black_box;

use picoevent::{Action, EventBase, Instant, Run, Signal, Wait};

pub use timers::{App, period};

/// The loop of a back end. `act` takes what the base wants, `feed` brings what happened.
#[inline(always)]
pub fn run<A>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    act: impl Fn(&mut EventBase<'_, A>, Action),
    feed: impl Fn(&mut EventBase<'_, A>),
) {
    base.begin(Run::DEFAULT);
    loop {
        base.prepare(app);
        while let Some(action) = base.next_action() {
            act(base, action);
        }
        if let Wait::Ended(_) = black_box(base.wait()) {
            return;
        }
        feed(base);
        base.raised(Signal::INT, black_box(1));
        base.advance(Instant::from_micros(black_box(1)));
        base.dispatch(app);
    }
}
