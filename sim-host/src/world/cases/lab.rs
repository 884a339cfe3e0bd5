//! The lab: what one thread needs to run one world after another in the same memory.

use std::sync::Arc;

use picoevent::record::Record;

use crate::world::choices::scenario::Scenario;
use crate::world::choices::tape::{Line, Tape};
use crate::world::device::panics::listen_for_panics;
use crate::world::device::shared::Shared;
use crate::world::observe::observer::Observer;

/// A place for worlds, one at a time. Each thread has its own.
pub struct Lab {
    pub(crate) shared: Shared,
}

impl Lab {
    /// Makes a lab.
    pub fn new() -> Self {
        listen_for_panics();
        Self { shared: Shared::new() }
    }

    /// The next world follows this seed.
    pub fn take_seed(&mut self, seed: u64) {
        self.shared.ether.get_mut().tape.restart(seed);
    }

    /// The next world follows these lines.
    pub fn take_lines(&mut self, lines: &[Line]) {
        self.shared.ether.get_mut().tape = Tape::of_lines(lines);
    }

    /// The next world follows this scenario, with the luck of this seed.
    pub fn take_scenario(&mut self, scenario: &Scenario, seed: u64) {
        self.shared.ether.get_mut().tape = Tape::of_scenario(&scenario.lines, seed);
    }

    /// Has someone look on in the worlds to come.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.shared.ether.get_mut().observer = Some(observer);
    }

    /// Has what the adapter feeds to the device's base in the worlds to come be recorded.
    pub fn record_to(&mut self, recorder: Arc<dyn Record>) {
        self.shared.recorder = Some(recorder);
    }

    /// Nobody looks on any more.
    pub fn observe_no_more(&mut self) -> Option<Box<dyn Observer>> {
        self.shared.ether.get_mut().observer.take()
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}
