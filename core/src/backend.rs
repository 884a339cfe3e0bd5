//! The trait that a back end implements.

use core::task::{Poll, Waker};

use crate::{Action, EventBase, Fired, Instant, Trigger};

/// A back end: the clock, the sockets and the other inputs of a loop in one environment.
///
/// The base calls it during a [turn](EventBase::turn). A back end contains no loop logic. It does the requested
/// actions, waits, and reports what has happened. For the reports it uses the methods of [`EventBase`] whose
/// description begins with "Feeds". It never calls the application.
///
/// This back end never waits. It is for an application that only uses timers:
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
///     if let Poll::Ready(Ok(Some(end))) = base.turn(&mut calls, &mut clock) {
///         break end;
///     }
/// };
/// assert_eq!((end, calls, base.now()), (End::Empty, 1, Instant::from_micros(5_000_000)));
/// ```
pub trait Backend<A> {
    /// The reason why a turn cannot continue.
    type Error;

    /// Returns the present time.
    fn now(&mut self) -> Instant;

    /// Returns the triggers of the loop, and the waker that ends a [`wait`](Self::wait).
    fn triggers(&self) -> (&[&Trigger], &Waker) {
        (&[], Waker::noop())
    }

    /// Does an action. The back end may feed the results at once.
    ///
    /// # Errors
    /// The turn ends and returns the error; the action is not repeated.
    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Self::Error>;

    /// Returns the time at which the back end has its own work to do: [`Instant::ZERO`] means now, [`Instant::MAX`]
    /// means never. Called before each wait.
    fn deadline(&mut self, _base: &mut EventBase<'_, A>) -> Instant {
        Instant::MAX
    }

    /// Returns whether the next pass may begin without looking for news. Called when callbacks are due only because of
    /// the actions that the back end has just done. Return `true` only if looking for news costs a system call, and
    /// never twice in a row: otherwise callbacks that always write more would starve all other callbacks.
    fn may_skip_news(&mut self) -> bool {
        false
    }

    /// Waits for news, at most until `until`; [`Instant::ZERO`] means not at all. It may return earlier.
    ///
    /// A back end that cannot block arranges that its task is woken by news and at the time `until`, and returns
    /// [`Poll::Pending`]. The next turn then continues as if the wait had ended.
    ///
    /// # Errors
    /// The turn ends and returns the error.
    fn wait(
        &mut self,
        until: Instant,
        base: &mut EventBase<'_, A>,
    ) -> Poll<Result<(), Self::Error>>;

    /// Feeds the news. The base has the present time already.
    fn feed(&mut self, _base: &mut EventBase<'_, A>) {}

    /// Calls a callback. A back end overrides it to act before and after the call.
    fn call(&mut self, fired: Fired<A>, base: &mut EventBase<'_, A>, app: &mut A) {
        fired.call(app, &mut base.cx);
    }
}
