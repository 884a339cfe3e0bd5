//! The gateway, implemented with tasks of embassy-net. This module contains the state that the tasks share.
//!
//! ```text
//!   console × 5 ──┐                      ┌── sensor, every 100 ms and at the button
//!                 ├── Gateway (RefCell) ─┤
//!   status × 5 ───┘                      └── uplink, woken by each sample
//! ```
//!
//! Discovery is a separate task. All tasks run in one executor on one thread. No task holds a borrow of the
//! state across an `await`.

use core::cell::{Cell, RefCell};

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use embassy_sync::watch::Watch;
use embassy_time::Instant;

pub mod console;
pub mod discovery;
pub mod net;
mod request;
pub mod sensor;
pub mod status;
mod store;
pub mod uplink;

use store::Store;
use uplink::{Link, Queue};

/// Raised by the button's interrupt.
pub static BUTTON: Signal<CriticalSectionRawMutex, ()> = Signal::new();
/// Set by the interrupt that ends the gateway. The program and the task of each console client wait for this value.
pub static ENDING: Watch<CriticalSectionRawMutex, (), { net::SOCKETS + 1 }> = Watch::new();
/// Raised by each sample, to wake the uplink.
static SAMPLED: Signal<CriticalSectionRawMutex, ()> = Signal::new();

/// A value that was measured.
#[derive(Clone, Copy)]
pub struct Sample {
    number: u32,
    micros: u64,
    value: i32,
    forced: bool,
}

/// The state that the tasks share.
#[derive(Default)]
pub struct Gateway {
    /// The number of clients that the console serves now.
    console: Cell<usize>,
    /// The number of clients that the status server serves now.
    status: Cell<usize>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    store: Store,
    latest: Option<Sample>,
    taken: u32,
    /// The number of answered requests for the status.
    answered: u32,
    queue: Queue,
    link: Link,
}

impl Gateway {
    /// Takes a sample.
    fn sample(&self, forced: bool) {
        let mut state = self.state.borrow_mut();
        let micros = Instant::now().as_micros();
        let value = sensor::temperature(micros);
        let sample = Sample { number: state.taken, micros, value, forced };
        state.latest = Some(sample);
        state.taken += 1;
        state.queue.push(sample);
        SAMPLED.signal(());
    }
}
