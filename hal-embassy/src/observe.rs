//! Observers of a loop, for simulators and recorders.

use picoevent::{EventBase, Fired};

/// An observer of [`run_observed`](crate::run_observed). The default methods do nothing. An observer gets the same
/// access to the base as a back end, but should only read it. If an observer changes the base, it changes what the loop
/// does.
pub trait Observe<A> {
    /// Runs before each callback.
    fn before(&mut self, _base: &mut EventBase<'_, A>, _app: &A, _fired: &Fired<A>) {}

    /// Runs after the callback has returned.
    fn after(&mut self, _base: &mut EventBase<'_, A>, _app: &A) {}

    /// Runs when there is nothing to do and the task is about to sleep.
    fn idle(&mut self, _base: &mut EventBase<'_, A>, _app: &A) {}
}

/// The unit type `()` as an observer does nothing and costs nothing.
impl<A> Observe<A> for () {}

impl<A, O: Observe<A>> Observe<A> for &mut O {
    fn before(&mut self, base: &mut EventBase<'_, A>, app: &A, fired: &Fired<A>) {
        (**self).before(base, app, fired);
    }

    fn after(&mut self, base: &mut EventBase<'_, A>, app: &A) {
        (**self).after(base, app);
    }

    fn idle(&mut self, base: &mut EventBase<'_, A>, app: &A) {
        (**self).idle(base, app);
    }
}
