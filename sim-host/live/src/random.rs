//! The seed of a base's random bytes, from the system.

use std::io;

use picoevent::EventBase;

/// Gives a base a [seed](EventBase::seed) from the system's random number generator, if the base has no seed.
///
/// [`Live`](crate::Live) does this when the base settles and when it runs. If an application uses random bytes earlier,
/// the program must call `seed` first:
///
/// ```
/// use picoevent::{EventBase, Storage};
///
/// struct App;
/// let mut storage = Storage::<App, 8, 0, 0>::new();
/// let mut base = EventBase::new(&mut storage);
/// picoevent_mio::seed(&mut base)?;
/// let id = base.random_u32().expect("it has a seed");
/// # let _ = id;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's error, if the system has no random number generator.
pub fn seed<A>(base: &mut EventBase<'_, A>) -> io::Result<()> {
    if base.is_seeded() {
        return Ok(());
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    base.seed(&seed);
    Ok(())
}
