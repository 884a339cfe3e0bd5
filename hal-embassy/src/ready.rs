//! Finds the sockets with news: the changes that the stack reports by waking a socket's waker. The waker sets the
//! socket's bit and wakes the task.
//!
//! ```text
//!   stack ── wakes ──▶ waker (pool, socket) ── sets a bit ──▶ news of the pool ──▶ Pool::look
//!                                           └─ wakes ──▶ the task
//! ```
//!
//! The data of such a waker is a number and not a pointer, since the stack may keep a waker after the loop has been
//! dropped. The bits are in a `static` array with one entry for each running loop. A loop that finds no free entry
//! uses the task's waker, and treats every socket as a socket with news.
//!
//! The stack runs in another task. So a bit that is set while the loop's own task is polled comes from one of the
//! loop's own calls, and the loop already knows this change. The loop takes the bits when a poll begins. Bits that
//! are set during the poll are cleared when the task is about to sleep.
//!
//! There are 32 bits. Sockets whose indexes are equal modulo 32 share a bit and are examined together. The network
//! (the link and the addresses) uses the last bit, too.

#![expect(unsafe_code, reason = "a waker whose data is a number can be made in no other way")]

use core::cell::Cell;
use core::task::{RawWaker, RawWakerVTable, Waker};

use critical_section::Mutex;

/// The bit of the link and the addresses.
pub(crate) const NETWORK: u32 = 31;

/// Returns the bit of a socket.
pub(crate) fn bit(socket: usize) -> u32 {
    socket as u32 % 32
}

/// Returns the bit of a socket as a mask.
pub(crate) fn mask(socket: usize) -> u32 {
    1_u32.rotate_left(socket as u32)
}

/// Returns the index of the last socket before `end` whose bit is set; `None` if there is none.
pub(crate) fn last_before(end: usize, bits: u32) -> Option<usize> {
    // The rotation makes the bit of the last socket before the end the highest bit.
    let back = bits.rotate_right(end as u32).leading_zeros() as usize;
    if bits == 0 { None } else { end.checked_sub(back.wrapping_add(1)) }
}

/// The number of loops that can have bits at the same time. A board has one stack or two stacks; tests and simulators
/// run a loop on each thread.
const PLACES: usize = if cfg!(target_os = "none") { 2 } else { 256 };

static BITS: [Mutex<Bits>; PLACES] = [const { Mutex::new(Bits::new()) }; PLACES];

struct Bits {
    taken: Cell<bool>,
    news: Cell<u32>,
    /// Whether news must wake the task.
    asleep: Cell<bool>,
    task: Cell<Option<Waker>>,
}

impl Bits {
    const fn new() -> Self {
        Self {
            taken: Cell::new(false),
            news: Cell::new(0),
            asleep: Cell::new(false),
            task: Cell::new(None),
        }
    }
}

/// The bits of one loop.
pub(crate) struct Ready {
    /// The index in [`BITS`]; [`PLACES`] if no entry was free.
    place: usize,
}

impl Ready {
    /// Takes an entry of [`BITS`], if one is free.
    pub(crate) fn new() -> Self {
        let is_free = |place: &usize| with(*place, |bits| bits.taken.replace(true)) == Some(false);
        let first = first_place();
        let places = (first..PLACES).chain(0..first);
        let ready = Self { place: { places }.find(is_free).unwrap_or(PLACES) };
        // Wakers of an earlier loop may have set bits.
        ready.take();
        ready
    }

    /// Returns the bits that were set since the task went to sleep; all bits for a loop without an entry in [`BITS`].
    /// Called at the beginning of a poll.
    pub(crate) fn take(&self) -> u32 {
        let take = |bits: &Bits| {
            bits.asleep.set(false);
            bits.news.take()
        };
        with(self.place, take).unwrap_or(u32::MAX)
    }

    /// Makes news wake `task`. Called at the end of a poll.
    pub(crate) fn sleep(&self, task: &Waker) {
        let replaced = with(self.place, |bits| {
            bits.news.set(0);
            bits.asleep.set(true);
            // It is usually the same task as before, and a clone costs more than the comparison.
            let held = bits.task.take();
            let is_same = held.as_ref().is_some_and(|held| held.will_wake(task));
            let (held, replaced) = if is_same { (held, None) } else { (Some(task.clone()), held) };
            bits.task.set(held);
            replaced
        });
        drop(replaced);
    }

    /// Returns a waker that sets the bit; the task's waker for a loop without an entry in [`BITS`].
    pub(crate) fn waker(&self, bit: u32, task: &Waker) -> Waker {
        if self.place >= PLACES {
            return task.clone();
        }
        let data = core::ptr::without_provenance(self.place << 5 | bit as usize);
        // SAFETY: the functions of the table use the data as a number and dereference nothing, so
        // they may be called at any time, from any thread, any number of times.
        unsafe { Waker::from_raw(RawWaker::new(data, &TABLE)) }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        drop(with(self.place, |bits| {
            bits.asleep.set(false);
            bits.taken.set(false);
            bits.task.take()
        }));
    }
}

/// Returns the index of the entry that a loop tries first. A stack that outlives its loop may still hold wakers of
/// the loop. These wakers must not wake the next loop, which may run on another thread. So an entry that became free
/// is taken again only after all other free entries.
#[cfg(not(target_os = "none"))]
fn first_place() -> usize {
    use core::sync::atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed) % PLACES
}

/// Returns the first index: on a board, it does no harm if an old waker wakes another loop.
#[cfg(target_os = "none")]
const fn first_place() -> usize {
    0
}

/// Runs `work` on an entry of [`BITS`] in a critical section, and returns its result; `None` if there is no such
/// entry. The caller drops the result outside the critical section.
fn with<R>(place: usize, work: impl FnOnce(&Bits) -> R) -> Option<R> {
    let bits = BITS.get(place)?;
    Some(critical_section::with(|cs| work(bits.borrow(cs))))
}

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, set, set, forget);

fn clone(data: *const ()) -> RawWaker {
    RawWaker::new(data, &TABLE)
}

fn forget(_: *const ()) {}

/// Sets the bit, and wakes the task if it sleeps.
fn set(data: *const ()) {
    let number = data.addr();
    let task = with(number >> 5, |bits| {
        bits.news.set(bits.news.get() | 1 << (number & 31));
        if bits.asleep.take() { bits.task.take() } else { None }
    });
    // Outside the critical section, since a waker may run for long.
    if let Some(task) = task.flatten() {
        task.wake();
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex as Lock};
    use std::task::Wake;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Held by tests that use entries of [`BITS`], so that these tests do not disturb each other.
    static ALONE: Lock<()> = Lock::new(());

    fn task() -> (Arc<Task>, Waker) {
        let task = Arc::new(Task::default());
        (task.clone(), Waker::from(task))
    }

    fn woken(task: &Task) -> usize {
        task.0.load(Ordering::SeqCst)
    }

    #[test]
    fn news_is_kept_by_socket_and_wakes_the_sleeping_task_once() {
        let _alone = ALONE.lock();
        let (task, waker) = task();
        let ready = Ready::new();
        ready.sleep(&waker);
        ready.waker(bit(3), &waker).wake_by_ref();
        let other = ready.waker(bit(7), &waker);
        let copy = other.clone();
        drop(other);
        copy.wake();
        ready.waker(NETWORK, &waker).wake();
        assert_eq!(woken(&task), 1);
        assert_eq!(ready.take(), mask(3) | mask(7) | 1 << NETWORK);
        assert_eq!(ready.take(), 0);
        ready.sleep(&waker);
        ready.waker(bit(3), &waker).wake();
        assert_eq!(woken(&task), 2);
    }

    #[test]
    fn news_of_the_loops_own_calls_is_forgotten() {
        let _alone = ALONE.lock();
        let (task, waker) = task();
        let ready = Ready::new();
        ready.sleep(&waker);
        assert_eq!(ready.take(), 0);
        ready.waker(bit(3), &waker).wake();
        ready.sleep(&waker);
        assert_eq!(woken(&task), 0);
        assert_eq!(ready.take(), 0);
    }

    #[test]
    fn two_loops_do_not_hear_of_each_others_news() {
        let _alone = ALONE.lock();
        let (task, waker) = task();
        let (one, other) = (Ready::new(), Ready::new());
        one.sleep(&waker);
        other.sleep(&waker);
        one.waker(bit(0), &waker).wake();
        assert_eq!(other.take(), 0);
        assert_eq!(one.take(), mask(0));
        assert_eq!(woken(&task), 1);
    }

    #[test]
    fn a_waker_that_outlives_its_loop_wakes_no_task() {
        let _alone = ALONE.lock();
        let (task, waker) = task();
        let ready = Ready::new();
        ready.sleep(&waker);
        let kept = ready.waker(bit(0), &waker);
        drop(ready);
        kept.wake_by_ref();
        // The old waker does not wake the next loop either.
        let next = Ready::new();
        next.sleep(&waker);
        kept.wake_by_ref();
        assert_eq!((woken(&task), next.take()), (0, 0));
    }

    #[test]
    fn a_loop_without_a_place_takes_every_socket_as_one_with_news() {
        let (task, waker) = task();
        let ready = Ready { place: PLACES };
        ready.waker(bit(5), &waker).wake();
        assert_eq!(woken(&task), 1);
        assert_eq!(ready.take(), u32::MAX);
    }

    #[test]
    fn the_sockets_of_bits_are_found_from_the_last_to_the_first() {
        for len in 0..70 {
            for bits in [0, 1, 2, 1 << 31, 1 << 30, 0x8000_0001, 0b1011, u32::MAX] {
                let naive = (0..len).rev().filter(|index| bits & mask(*index) != 0);
                let first = last_before(len, bits);
                let found = core::iter::successors(first, |index| last_before(*index, bits));
                assert!(naive.eq(found), "{len} {bits:b}");
            }
        }
    }

    #[test]
    fn sockets_with_numbers_equal_modulo_32_share_a_bit() {
        assert_eq!((mask(1), mask(31), mask(33)), (2, 1 << 31, 2));
        assert_eq!(mask(40), 1 << bit(40));
    }
}
