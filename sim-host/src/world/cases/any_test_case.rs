//! What can be run in simulations, whatever its application's type.

use picoevent::End;

use crate::recording::Recorded;
use crate::world::cases::simulator::Simulator;
use crate::world::simulation::verdict::Outcome;

/// Something that can be put into a world: a [`TestCase`](crate::world::TestCase), whatever its application's type.
pub trait AnyTestCase: Sync {
    /// The application's name.
    fn name(&self) -> &str;

    /// Runs one simulation: the one that `simulator` was told to take.
    fn run(&self, simulator: &mut Simulator) -> Outcome;

    /// Runs the application on what was recorded, without a simulation; how its loop ended.
    ///
    /// # Errors
    /// The first difference, the panic, or why there is no replay.
    fn replay_recording(&self, recorded: &Recorded) -> Result<Option<End>, String>;
}
