//! What can be run in simulations, whatever its application's type.

use picoevent::End;

use crate::recording::Recorded;
use crate::world::cases::lab::Lab;
use crate::world::simulation::verdict::Outcome;

/// Something that can be put into a world: a [`Trial`](crate::world::Trial), whatever its application's type.
pub trait Subject: Sync {
    /// The application's name.
    fn name(&self) -> &str;

    /// Runs one world: the one that `lab` was told to take.
    fn run(&self, lab: &mut Lab) -> Outcome;

    /// Runs the application on what was recorded, without a world; how its loop ended.
    ///
    /// # Errors
    /// The first difference, the panic, or why there is no replay.
    fn replay_recording(&self, recorded: &Recorded) -> Result<Option<End>, String>;
}
