//! Finds the sockets that have changed. The stack reports a change of a socket by waking the socket's waker. This waker
//! sets the socket's bit and wakes the task.
//!
//! ```text
//!   stack ── wakes ──▶ waker (loop, socket) ── sets a bit ──▶ changed sockets of the loop ──▶ SocketTable::check_sockets
//!                                           └─ wakes ──▶ the task
//! ```
//!
//! The data of such a waker is a number and not a pointer, since the stack may keep a waker after the loop has been
//! dropped. The bits are in a `static` array with one entry for each running loop. A loop that finds no free entry
//! uses the task's waker, and treats every socket as a socket that has changed.
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
    // After the rotation, the highest bit is the bit of the last socket before `end`.
    let distance = bits.rotate_right(end as u32).leading_zeros() as usize;
    if bits == 0 { None } else { end.checked_sub(distance.wrapping_add(1)) }
}

/// The number of loops that can have bits at the same time. A board has one stack or two stacks; tests and simulators
/// run a loop on each thread.
const ENTRIES: usize = if cfg!(target_os = "none") { 2 } else { 256 };

static BITS: [Mutex<Bits>; ENTRIES] = [const { Mutex::new(Bits::new()) }; ENTRIES];

struct Bits {
    is_taken: Cell<bool>,
    changed: Cell<u32>,
    /// Whether a change must wake the task.
    is_asleep: Cell<bool>,
    task: Cell<Option<Waker>>,
}

impl Bits {
    const fn new() -> Self {
        Self {
            is_taken: Cell::new(false),
            changed: Cell::new(0),
            is_asleep: Cell::new(false),
            task: Cell::new(None),
        }
    }
}

/// The bits of one loop.
pub(crate) struct Ready {
    /// The index in [`BITS`]; [`ENTRIES`] if no entry was free.
    entry: usize,
}

impl Ready {
    /// Takes an entry of [`BITS`], if one is free.
    pub(crate) fn new() -> Self {
        let is_free =
            |entry: &usize| with_bits(*entry, |bits| bits.is_taken.replace(true)) == Some(false);
        let first = first_entry();
        let entries = (first..ENTRIES).chain(0..first);
        let ready = Self { entry: { entries }.find(is_free).unwrap_or(ENTRIES) };
        // Wakers of an earlier loop may have set bits of this entry, so clear the bits.
        ready.take();
        ready
    }

    /// Returns the bits that were set since the task went to sleep; all bits for a loop without an entry in [`BITS`].
    /// Called at the beginning of a poll.
    pub(crate) fn take(&self) -> u32 {
        let take = |bits: &Bits| {
            bits.is_asleep.set(false);
            bits.changed.take()
        };
        with_bits(self.entry, take).unwrap_or(u32::MAX)
    }

    /// Requests that the next change of a socket wakes `task`. Called at the end of a poll.
    pub(crate) fn sleep(&self, task: &Waker) {
        let replaced = with_bits(self.entry, |bits| {
            bits.changed.set(0);
            bits.is_asleep.set(true);
            // Usually the task is the same as before. Comparing two wakers costs less than cloning one.
            let stored = bits.task.take();
            let is_same = stored.as_ref().is_some_and(|stored| stored.will_wake(task));
            let (stored, replaced) =
                if is_same { (stored, None) } else { (Some(task.clone()), stored) };
            bits.task.set(stored);
            replaced
        });
        drop(replaced);
    }

    /// Returns a waker that sets the bit number `bit`; returns the task's waker for a loop without an entry in
    /// [`BITS`].
    pub(crate) fn waker(&self, bit: u32, task: &Waker) -> Waker {
        if self.entry >= ENTRIES {
            return task.clone();
        }
        let data = core::ptr::without_provenance(self.entry << 5 | bit as usize);
        // SAFETY: the functions of the table use the data as a number and dereference nothing, so
        // they may be called at any time, from any thread, any number of times.
        unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        drop(with_bits(self.entry, |bits| {
            bits.is_asleep.set(false);
            bits.is_taken.set(false);
            bits.task.take()
        }));
    }
}

/// Returns the index of the entry that a loop tries first. A stack that outlives its loop may still hold wakers of
/// the loop. These wakers must not wake the next loop, which may run on another thread. So an entry that became free
/// is taken again only after all other free entries.
#[cfg(not(target_os = "none"))]
fn first_entry() -> usize {
    use core::sync::atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed) % ENTRIES
}

/// Always returns the first index. On a board, an old waker that wakes another loop does no harm.
#[cfg(target_os = "none")]
const fn first_entry() -> usize {
    0
}

/// Runs `work` on an entry of [`BITS`] in a critical section, and returns its result; `None` if there is no such
/// entry. The caller drops the result outside the critical section.
fn with_bits<R>(entry: usize, work: impl FnOnce(&Bits) -> R) -> Option<R> {
    let bits = BITS.get(entry)?;
    Some(critical_section::with(|cs| work(bits.borrow(cs))))
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, set_bit, set_bit, do_nothing);

fn clone(data: *const ()) -> RawWaker {
    RawWaker::new(data, &VTABLE)
}

fn do_nothing(_: *const ()) {}

/// Sets the bit that `data` identifies, and wakes the loop's task if the task sleeps.
fn set_bit(data: *const ()) {
    let number = data.addr();
    let task = with_bits(number >> 5, |bits| {
        bits.changed.set(bits.changed.get() | 1 << (number & 31));
        if bits.is_asleep.take() { bits.task.take() } else { None }
    });
    // Wake the task outside the critical section, since a waker may run for long.
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
    static EXCLUSIVE: Lock<()> = Lock::new(());

    fn task() -> (Arc<Task>, Waker) {
        let task = Arc::new(Task::default());
        (task.clone(), Waker::from(task))
    }

    fn woken(task: &Task) -> usize {
        task.0.load(Ordering::SeqCst)
    }

    #[test]
    fn changes_are_recorded_per_socket_and_wake_the_sleeping_task_once() {
        let _exclusive = EXCLUSIVE.lock();
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
    fn changes_caused_by_the_loops_own_calls_are_discarded() {
        let _exclusive = EXCLUSIVE.lock();
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
    fn two_loops_do_not_see_each_others_changes() {
        let _exclusive = EXCLUSIVE.lock();
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
        let _exclusive = EXCLUSIVE.lock();
        let (task, waker) = task();
        let ready = Ready::new();
        ready.sleep(&waker);
        let kept = ready.waker(bit(0), &waker);
        drop(ready);
        kept.wake_by_ref();
        // A loop that is made later is not woken by the old waker.
        let next = Ready::new();
        next.sleep(&waker);
        kept.wake_by_ref();
        assert_eq!((woken(&task), next.take()), (0, 0));
    }

    #[test]
    fn a_loop_without_bits_treats_every_socket_as_changed() {
        let (task, waker) = task();
        let ready = Ready { entry: ENTRIES };
        ready.waker(bit(5), &waker).wake();
        assert_eq!(woken(&task), 1);
        assert_eq!(ready.take(), u32::MAX);
    }

    #[test]
    fn sockets_with_a_set_bit_are_found_from_the_last_to_the_first() {
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
    fn sockets_whose_indexes_are_equal_modulo_32_share_a_bit() {
        assert_eq!((mask(1), mask(31), mask(33)), (2, 1 << 31, 2));
        assert_eq!(mask(40), 1 << bit(40));
    }
}
