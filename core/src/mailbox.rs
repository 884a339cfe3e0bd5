//! Mailboxes: interrupts and other threads send values to the loop.

use core::cell::RefCell;

use critical_section::Mutex;
use heapless::Deque;

use crate::{Signal, Trigger};

/// A queue of up to `N` values for the loop. Any context can send values, for example an interrupt handler or another
/// thread.
///
/// Declare a mailbox as a `static` in the firmware or in the host program. Each value that is sent raises the mailbox's
/// signal. The callback of this signal takes the values. It is called once for each value, even if an earlier call has
/// taken all values. Pass the mailbox's [trigger](Self::trigger) to the back end, like other triggers. Without this,
/// the loop is not informed of the values.
///
/// On a host, an event for the signal also catches the system's signal with this number. So use a signal that nobody
/// sends to the process, for example [`Signal::USR1`].
///
/// ```
/// use picoevent::{Cx, EventMut, FullError, Mailbox, Signal};
///
/// static READINGS: Mailbox<i32, 8> = Mailbox::new(Signal::USR1);
///
/// struct App {
///     sum: i32,
/// }
///
/// impl App {
///     fn start(cx: &mut Cx<Self>) -> Result<(), FullError> {
///         cx.on_signal(Signal::USR1, Self::measured)?;
///         Ok(())
///     }
///
///     fn measured(&mut self, _: &mut EventMut<Self>) {
///         while let Some(reading) = READINGS.receive() {
///             self.sum += reading;
///         }
///     }
/// }
/// # let _ = App::start;
///
/// // On a host, before the loop runs: `live.add_trigger(READINGS.trigger())`.
///
/// // In an interrupt handler, or in another thread:
/// if READINGS.send(21).is_err() {
///     // The loop is too slow. `overruns` counts the refused value.
/// }
/// ```
///
/// Cost of each call: O(1), with one short critical section, in which the value is copied.
pub struct Mailbox<T, const N: usize> {
    state: Mutex<RefCell<State<T, N>>>,
    trigger: Trigger,
}

struct State<T, const N: usize> {
    values: Deque<T, N>,
    overruns: u32,
}

impl<T, const N: usize> Mailbox<T, N> {
    /// Makes an empty mailbox that raises `signal`.
    pub const fn new(signal: Signal) -> Self {
        let state = State { values: Deque::new(), overruns: 0 };
        Self { state: Mutex::new(RefCell::new(state)), trigger: Trigger::new(signal) }
    }

    /// Sends a value and wakes the loop. Can be called in any context, even in an interrupt handler.
    ///
    /// # Errors
    /// Returns the value if there are `N` values already. The refused value counts as an overrun.
    /// Earlier values are kept.
    pub fn send(&self, value: T) -> Result<(), T> {
        let sent = self.with(value, |value, state| {
            let sent = state.values.push_back(value);
            state.overruns = state.overruns.saturating_add(sent.is_err().into());
            sent
        });
        if sent.is_ok() {
            self.trigger.raise();
        }
        sent
    }

    /// Removes the oldest value and returns it; `None` if the mailbox is empty.
    pub fn receive(&self) -> Option<T> {
        self.with((), |(), state| Ok::<_, ()>(state.values.pop_front())).ok().flatten()
    }

    /// Returns the number of values that were refused since the last call of this method, and resets this number.
    pub fn overruns(&self) -> u32 {
        self.with((), |(), state| Ok::<_, ()>(core::mem::take(&mut state.overruns))).unwrap_or(0)
    }

    /// Returns the trigger, for the back end.
    pub const fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    /// Runs `work` on the state with interrupts disabled. Returns `value` as the error if the state is in use, for
    /// example after a panic in `work`.
    fn with<V, R>(
        &self,
        value: V,
        work: impl FnOnce(V, &mut State<T, N>) -> Result<R, V>,
    ) -> Result<R, V> {
        critical_section::with(|cs| match self.state.borrow(cs).try_borrow_mut() {
            Ok(mut state) => work(value, &mut state),
            Err(_) => Err(value),
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::thread;

    #[test]
    fn values_come_in_order_and_each_raises_the_signal() {
        static MAILBOX: Mailbox<u8, 4> = Mailbox::new(Signal::USR1);
        for value in 1..=4 {
            assert_eq!(MAILBOX.send(value), Ok(()));
        }
        assert_eq!(MAILBOX.trigger().take(), 4);
        let received = std::iter::from_fn(|| MAILBOX.receive());
        assert!(received.eq([1, 2, 3, 4]));
        assert_eq!(MAILBOX.receive(), None);
    }

    #[test]
    fn a_full_mailbox_returns_the_value_and_counts_it() {
        static MAILBOX: Mailbox<u8, 2> = Mailbox::new(Signal::USR1);
        assert_eq!((MAILBOX.send(1), MAILBOX.send(2), MAILBOX.send(3)), (Ok(()), Ok(()), Err(3)));
        assert_eq!((MAILBOX.trigger().take(), MAILBOX.overruns(), MAILBOX.overruns()), (2, 1, 0));
        assert_eq!((MAILBOX.receive(), MAILBOX.send(4)), (Some(1), Ok(())));
        assert_eq!((MAILBOX.receive(), MAILBOX.receive()), (Some(2), Some(4)));
    }

    #[test]
    fn no_value_that_was_accepted_from_a_thread_is_lost() {
        static MAILBOX: Mailbox<u32, 16> = Mailbox::new(Signal::USR1);
        let senders = (0..4).map(|thread| {
            thread::spawn(move || {
                let values = thread * 1000..(thread + 1) * 1000;
                values.filter(|value| MAILBOX.send(*value).is_ok()).map(u64::from).sum::<u64>()
            })
        });
        let senders: std::vec::Vec<_> = senders.collect();
        let mut received = 0;
        while senders.iter().any(|sender| !sender.is_finished()) {
            received += MAILBOX.receive().map_or(0, u64::from);
        }
        received += std::iter::from_fn(|| MAILBOX.receive()).map(u64::from).sum::<u64>();
        let sent: u64 = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
        assert_eq!(received, sent);
    }
}
