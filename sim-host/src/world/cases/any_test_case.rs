//! Test cases without their application type.

use picoevent::End;

use crate::recording::Recorded;
use crate::world::cases::simulator::Simulator;
use crate::world::simulation::verdict::Outcome;

/// A [`TestCase`](crate::world::TestCase) of any application type.
pub trait AnyTestCase: Sync {
    /// Returns the application's name.
    fn name(&self) -> &str;

    /// Runs one simulation: the one that `simulator` has been set to.
    fn run(&self, simulator: &mut Simulator) -> Outcome;

    /// Replays a recording on the application, without a simulation. Returns how its loop ended, if
    /// it did.
    ///
    /// # Errors
    /// The first difference, the panic, or the reason why no replay is possible.
    fn replay_recording(&self, recorded: &Recorded) -> Result<Option<End>, String>;
}
