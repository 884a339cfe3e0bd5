//! The trait that a back end implements.

use core::task::{Poll, Waker};

use crate::{Action, EventBase, Fired, Instant, Trigger};

/// A back end: the clock, the sockets and the other inputs of a loop on one platform.
///
/// [`EventBase::iterate`] calls the back end's methods. A back end contains no loop logic. It carries out the requested
/// actions, waits, and reports what has happened. For the reports it calls the methods of [`EventBase`] whose
/// descriptions begin with "Reports". It calls the application only in [`call`](Self::call).
///
/// The back end in this example never waits. Such a back end suits an application that uses only timers:
///
/// ```
/// use core::convert::Infallible;
/// use core::task::Poll;
/// use core::time::Duration;
/// use picoevent::{Action, Backend, End, EventBase, Instant, Run, Storage};
///
/// struct Clock(Instant);
///
/// impl<A> Backend<A> for Clock {
///     type Error = Infallible;
///
///     fn now(&mut self) -> Instant {
///         self.0
///     }
///
///     fn act(&mut self, _: Action, _: &mut EventBase<'_, A>) -> Result<(), Infallible> {
///         Ok(())
///     }
///
///     fn wait(&mut self, until: Instant, _: &mut EventBase<'_, A>) -> Poll<Result<(), Infallible>> {
///         self.0 = self.0.max(until); // Virtual time: it jumps to the deadline.
///         Poll::Ready(Ok(()))
///     }
/// }
///
/// let mut storage = Storage::<u32, 1, 0, 0>::new();
/// let mut base = EventBase::new(&mut storage);
/// base.after(Duration::from_secs(5), |calls, _| *calls += 1).unwrap();
/// base.begin(Run::DEFAULT);
/// let (mut calls, mut clock) = (0, Clock(Instant::ZERO));
/// let end = loop {
///     if let Poll::Ready(Ok(Some(end))) = base.iterate(&mut calls, &mut clock) {
///         break end;
///     }
/// };
/// assert_eq!((end, calls, base.now()), (End::Empty, 1, Instant::from_micros(5_000_000)));
/// ```
pub trait Backend<A> {
    /// The reason why an iteration cannot continue.
    type Error;

    /// Returns the current time.
    fn now(&mut self) -> Instant;

    /// Returns the triggers of the loop, and the waker that ends a [`wait`](Self::wait).
    fn triggers(&self) -> (&[&Trigger], &Waker) {
        (&[], Waker::noop())
    }

    /// Carries out an action. The back end may report the results at once.
    ///
    /// # Errors
    /// The iteration ends and returns the error; the action is not repeated.
    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Self::Error>;

    /// Returns the time at which the back end has its own work to do: [`Instant::ZERO`] means now, [`Instant::MAX`]
    /// means never. The base calls this method before each wait.
    fn deadline(&mut self, _base: &mut EventBase<'_, A>) -> Instant {
        Instant::MAX
    }

    /// Returns whether the next pass may begin without checking for new events. The base calls this method if no
    /// callback was due before the last actions, and callbacks are due after these actions. If a timer is due, too, or
    /// the end of the run is requested, the base checks for new events nevertheless.
    ///
    /// Return `true` only if a check for new events costs a system call. Do not return `true` twice in succession: a
    /// connection whose callbacks always write more output would then starve all other callbacks.
    fn may_skip_poll(&mut self) -> bool {
        false
    }

    /// Waits for new events, but not longer than until the time `until`. The wait may end earlier. If `until` is
    /// [`Instant::ZERO`], only checks for new events and does not wait.
    ///
    /// A back end that cannot block registers wake-ups of its task for new events and for the time `until`. Then it
    /// returns [`Poll::Pending`]. The next iteration continues as if the wait had ended.
    ///
    /// # Errors
    /// The iteration ends and returns the error.
    fn wait(
        &mut self,
        until: Instant,
        base: &mut EventBase<'_, A>,
    ) -> Poll<Result<(), Self::Error>>;

    /// Calls the report methods of `base` for everything that has happened since the last call. The loop's time has
    /// already been set to the current time.
    fn report(&mut self, _base: &mut EventBase<'_, A>) {}

    /// Calls the callback `fired`. A back end can override this method to do work before and after the call.
    fn call(&mut self, fired: Fired<A>, base: &mut EventBase<'_, A>, app: &mut A) {
        fired.call(app, &mut base.cx);
    }
}
