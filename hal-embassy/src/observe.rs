//! Seeing what a loop does, for simulators and recorders.

use picoevent::{EventBase, Fired};

/// One who looks on while [`run_observed`](crate::run_observed) works. Every method does nothing
/// unless it is written.
///
/// An observer gets the base as back ends do, to look at it. What it changes, the loop will see.
pub trait Observe<A> {
    /// A callback is about to run.
    fn before(&mut self, _base: &mut EventBase<'_, A>, _app: &A, _fired: &Fired<A>) {}

    /// The callback has returned.
    fn after(&mut self, _base: &mut EventBase<'_, A>, _app: &A) {}

    /// There is nothing to do, and the task is about to sleep.
    fn idle(&mut self, _base: &mut EventBase<'_, A>, _app: &A) {}
}

/// Nobody looks on, which costs nothing.
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
