//! Test cases without their application type.

use picoevent::End;

use crate::recording::Recorded;
use crate::world::cases::simulator::Simulator;
use crate::world::simulation::verdict::Outcome;

/// A [`TestCase`](crate::world::TestCase) of any application type.
pub trait AnyTestCase: Sync {
    /// Returns the application's name.
    fn name(&self) -> &str;

    /// Runs the simulation that was set with the `take_…` functions of `simulator`.
    fn run(&self, simulator: &mut Simulator) -> Outcome;

    /// Replays a recording on the application, without a simulation. Returns how the replayed loop ended, or `None` if
    /// it did not end.
    ///
    /// # Errors
    /// A text: the first difference between the recording and the replay, the message of a panic, or the reason why no
    /// replay is possible.
    fn replay_recording(&self, recorded: &Recorded) -> Result<Option<End>, String>;
}
