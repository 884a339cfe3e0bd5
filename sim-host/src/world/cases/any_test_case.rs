//! Test cases without their application type.

use picoevent::End;

use crate::recording::Recorded;
use crate::world::cases::simulator::Simulator;
use crate::world::choices::scenario::{Scenario, ScenarioError};
use crate::world::simulation::verdict::Outcome;

/// A [`TestCase`](crate::world::TestCase) of any application type.
pub trait AnyTestCase: Sync {
    /// Returns the application's name.
    fn name(&self) -> &str;

    /// Checks that the test case has everything that a scenario needs, such as servers. The other values of a scenario
    /// are checked when its text is parsed.
    ///
    /// # Errors
    /// The first value that this test case does not have.
    fn accepts(&self, scenario: &Scenario) -> Result<(), ScenarioError>;

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
