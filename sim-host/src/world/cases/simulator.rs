//! The simulator: runs one simulation after another on one thread, in the same memory.

use std::sync::Arc;

use picoevent::record::Record;

use crate::world::choices::choice_log::{Choice, ChoiceLog};
use crate::world::choices::scenario::Scenario;
use crate::world::device::panics::install_panic_hook;
use crate::world::device::shared::Shared;
use crate::world::observe::observer::Observer;

/// Runs simulations, one at a time. Each thread has its own simulator.
pub struct Simulator {
    pub(crate) shared: Shared,
}

impl Simulator {
    /// Makes a simulator.
    pub fn new() -> Self {
        install_panic_hook();
        Self { shared: Shared::new() }
    }

    /// Sets the next simulation to follow this seed.
    pub fn take_seed(&mut self, seed: u64) {
        self.shared.ether.get_mut().choice_log.restart(seed);
    }

    /// Sets the next simulation to follow these choices.
    pub fn take_choices(&mut self, lines: &[Choice]) {
        self.shared.ether.get_mut().choice_log = ChoiceLog::of_lines(lines);
    }

    /// Sets the next simulation to follow this scenario, with random numbers from this seed. Values that the test case
    /// does not [accept](crate::world::AnyTestCase::accepts) are ignored or replaced.
    pub fn take_scenario(&mut self, scenario: &Scenario, seed: u64) {
        self.shared.ether.get_mut().choice_log = ChoiceLog::of_scenario(&scenario.lines, seed);
    }

    /// Sets the observer of the following simulations.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.shared.ether.get_mut().observer = Some(observer);
    }

    /// Sets the recorder for the following simulations. The recorder records the input that the adapter gives to the
    /// device's base.
    pub fn record_to(&mut self, recorder: Arc<dyn Record>) {
        self.shared.recorder = Some(recorder);
    }

    /// Removes the observer and returns it.
    pub fn take_observer(&mut self) -> Option<Box<dyn Observer>> {
        self.shared.ether.get_mut().observer.take()
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}
