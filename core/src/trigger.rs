//! Triggers: the only way in which interrupts and other threads wake the loop. A mailbox contains a trigger, too.

use core::cell::Cell;
use core::task::Waker;

use critical_section::Mutex;

use crate::Signal;

/// A counter that raises a signal from any context, for example from an interrupt handler or another thread.
///
/// Declare a trigger as a `static` in the firmware or in the host program. [`raise`](Self::raise) adds one to the count
/// and wakes the back end. The next iteration reads the count and resets it. Then the callback of the trigger's signal
/// is called once for each raise. Raises are counted, not queued, so nothing can overflow; the count saturates at
/// 65,535.
///
/// ```
/// use picoevent::{Signal, Trigger};
///
/// static BUTTON: Trigger = Trigger::new(Signal::INT);
///
/// // In the interrupt handler of the pin:
/// BUTTON.raise();
/// # assert_eq!(BUTTON.take(), 1);
/// # assert_eq!(BUTTON.take(), 0);
/// ```
///
/// A trigger is for one loop: it wakes only the loop that has last read its count.
///
/// Cost: one short critical section for each call, O(1).
pub struct Trigger {
    signal: Signal,
    raises: Mutex<Cell<u16>>,
    waker: Mutex<Cell<Option<Waker>>>,
}

impl Trigger {
    /// Makes a trigger that raises `signal`.
    pub const fn new(signal: Signal) -> Self {
        Self { signal, raises: Mutex::new(Cell::new(0)), waker: Mutex::new(Cell::new(None)) }
    }

    /// Counts one raise and wakes the loop. Can be called in any context, even in an interrupt handler.
    pub fn raise(&self) {
        let waker = critical_section::with(|cs| {
            let raises = self.raises.borrow(cs);
            raises.set(raises.get().saturating_add(1));
            let waker_cell = self.waker.borrow(cs);
            let waker = waker_cell.take();
            waker_cell.set(waker.clone());
            waker
        });
        // The waker is called outside the critical section, because it may do much work.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Returns the signal this trigger raises.
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// Returns the number of raises since the count was last reset, and resets the count. For back ends.
    pub fn take(&self) -> u16 {
        critical_section::with(|cs| self.raises.borrow(cs).take())
    }

    /// Returns the number of raises since the count was last reset, resets the count, and sets the waker that each
    /// later raise wakes.
    pub(crate) fn take_with(&self, waker: &Waker) -> u16 {
        let waker = waker.clone();
        let (raises, replaced) = critical_section::with(|cs| {
            (self.raises.borrow(cs).take(), self.waker.borrow(cs).replace(Some(waker)))
        });
        // The old waker is dropped outside the critical section, because this may do much work.
        drop(replaced);
        raises
    }

    /// Sets the waker that each later raise wakes. For back ends: call this method before you read the count. Then a
    /// raise between these two calls still wakes the back end.
    pub fn register(&self, waker: &Waker) {
        let waker = waker.clone();
        let replaced = critical_section::with(|cs| self.waker.borrow(cs).replace(Some(waker)));
        // The old waker is dropped outside the critical section, because this may do much work.
        drop(replaced);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn raises_are_counted_and_each_wakes() {
        let trigger = Trigger::new(Signal::USR1);
        let woken = Arc::new(Count::default());
        trigger.raise();
        trigger.register(&Waker::from(woken.clone()));
        trigger.raise();
        trigger.raise();
        assert_eq!(woken.0.load(Ordering::SeqCst), 2);
        assert_eq!((trigger.take(), trigger.take()), (3, 0));
    }

    #[test]
    fn the_count_saturates() {
        let trigger = Trigger::new(Signal::USR1);
        for _ in 0..70_000 {
            trigger.raise();
        }
        assert_eq!(trigger.take(), u16::MAX);
    }

    #[test]
    fn a_second_waker_replaces_the_first() {
        let trigger = Trigger::new(Signal::USR1);
        let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
        trigger.register(&Waker::from(first.clone()));
        trigger.register(&Waker::from(second.clone()));
        trigger.raise();
        assert_eq!(first.0.load(Ordering::SeqCst), 0);
        assert_eq!(second.0.load(Ordering::SeqCst), 1);
    }
}
