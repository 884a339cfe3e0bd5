//! embassy-executor on a host: its raw executor, reused for each simulation.
//!
//! embassy's executor, its tasks and the futures of these tasks must live forever. So each thread has one executor with
//! a few tasks that never end. Such a task is a shell: it polls the future that the current simulation put into it. A
//! shell without a future waits. The shells are emptied when the simulation ends.
//!
//! Only this file of the package needs `unsafe`: to poll the executor, to define `__pender`, and to
//! put futures that live as long as a simulation into tasks that live forever.

#![allow(unsafe_code, reason = "see above; each block says why it is sound")]

use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use embassy_executor::raw;

use crate::world::device::interrupt;

/// The number of tasks of a device: the network stack, and the application's loop.
const TASKS: usize = 2;

/// A task of the device. The task exists only during one simulation.
pub(crate) type Task<'w> = Pin<&'w mut (dyn Future<Output = ()> + 'w)>;

thread_local! {
    static PENDED: Cell<bool> = const { Cell::new(false) };
    static MACHINE: Machine = Machine::new();
}

/// Called by embassy-executor when a task becomes ready.
#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    // `try_with` fails only in a thread that is ending. Such a thread polls no more tasks.
    let _ = PENDED.try_with(|pended| pended.set(true));
}

/// Returns whether a task of this thread must be polled.
pub(crate) fn is_woken() -> bool {
    PENDED.get()
}

/// The executor of a thread.
struct Machine {
    executor: &'static raw::Executor,
    slots: [&'static Slot; TASKS],
    busy: Cell<bool>,
}

/// The contents of a shell.
#[derive(Default)]
struct Slot {
    task: Cell<Option<Task<'static>>>,
    waker: OnceCell<Waker>,
    /// The task is postponed to the next poll.
    postponed: Cell<bool>,
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

/// A task of the executor that never ends.
struct Shell(&'static Slot);

/// Decides whether a task that is ready to run is postponed.
pub(crate) type Postpone<'w> = &'w mut dyn FnMut() -> bool;

/// The executor while a simulation uses it.
pub(crate) struct Running<'m> {
    machine: &'m Machine,
}

/// Runs `work` with an executor that has these tasks. At first, all tasks are ready to run.
///
/// # Panics
/// If this function is called from within `work`.
pub(crate) fn with_tasks<R>(tasks: [Task<'_>; TASKS], work: impl FnOnce(&Running<'_>) -> R) -> R {
    MACHINE.with(|machine| {
        assert!(!machine.busy.replace(true), "a thread runs one simulation at a time");
        let empty = Emptied(machine);
        for (slot, task) in machine.slots.iter().zip(tasks) {
            // SAFETY: only the lifetime changes. The task is reached only through its slot, and used only by the poll
            // of the slot's shell. A shell that has a task is polled only in `Running::work`. When this function
            // returns or panics, `empty` first removes the task from the slot. The task's own lifetime ends later.
            let task = unsafe { mem::transmute::<Task<'_>, Task<'static>>(task) };
            slot.task.set(Some(task));
            slot.postponed.set(false);
            slot.waker.get().expect("shells are polled when made").wake_by_ref();
        }
        let result = work(&Running { machine });
        drop(empty);
        result
    })
}

/// Empties the shells, and then the executor's list of ready tasks.
struct Emptied<'m>(&'m Machine);

impl Drop for Emptied<'_> {
    fn drop(&mut self) {
        for slot in self.0.slots {
            slot.task.set(None);
            slot.panic.set(None);
            // A shell that is postponed would be in the list of ready tasks again after this poll.
            slot.postponed.set(false);
        }
        self.0.poll();
        self.0.busy.set(false);
    }
}

impl Running<'_> {
    /// Wakes all tasks. Every task must accept spurious wakes, so this is always allowed.
    pub(crate) fn wake(&self) {
        for slot in self.machine.slots {
            slot.waker.get().expect("shells are polled when made").wake_by_ref();
        }
    }

    /// Polls each ready task once. Tasks that `postpone` selects are not polled. Returns whether any task was ready.
    ///
    /// # Errors
    /// The panic of a task.
    pub(crate) fn work(&self, postpone: Option<Postpone<'_>>) -> Result<bool, Box<dyn Any + Send>> {
        if !PENDED.get() {
            return Ok(false);
        }
        if let Some(postpone) = postpone {
            self.machine.slots.iter().for_each(|slot| slot.postponed.set(postpone()));
        }
        interrupt::open(true);
        self.machine.poll();
        interrupt::open(false);
        let mut panics = self.machine.slots.iter().filter_map(|slot| slot.panic.take());
        panics.next().map_or(Ok(true), Err)
    }
}

impl Machine {
    fn new() -> Self {
        // Leaked once for each thread.
        let executor = Box::leak(Box::new(raw::Executor::new(std::ptr::null_mut())));
        let slots = std::array::from_fn(|_| {
            let slot: &'static Slot = Box::leak(Box::default());
            let storage: &'static raw::TaskStorage<Shell> =
                Box::leak(Box::new(raw::TaskStorage::new()));
            let spawned = storage.spawn(|| Shell(slot));
            executor.spawner().spawn(spawned.expect("the storage is new"));
            slot
        });
        let machine = Self { executor, slots, busy: Cell::new(false) };
        machine.poll();
        machine
    }

    fn poll(&self) {
        PENDED.set(false);
        // SAFETY: `poll` is not called from within itself. A task could call `poll` only through `with_tasks`, and
        // `busy` prevents this while tasks run. The call in `Emptied` runs no task, because the slots are empty.
        unsafe { self.executor.poll() };
    }
}

impl Future for Shell {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let slot = self.0;
        slot.waker.get_or_init(|| cx.waker().clone());
        if slot.postponed.take() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut task) = slot.task.take() else { return Poll::Pending };
        // If the panic passed through the executor, the tasks that follow this task in the executor's list would be
        // lost.
        match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))) {
            Ok(Poll::Ready(())) => {}
            Ok(Poll::Pending) => slot.task.set(Some(task)),
            Err(panic) => slot.panic.set(Some(panic)),
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::poll_fn;
    use std::pin::pin;

    use super::*;

    /// Returns the order in which the tasks are polled first. Then calls `work` with both tasks ready.
    fn first_polls(work: impl FnOnce(&Running<'_>)) -> Vec<usize> {
        let polls = RefCell::new(Vec::new());
        let task = |index| {
            let polls = &polls;
            poll_fn(move |_| {
                polls.borrow_mut().push(index);
                Poll::<()>::Pending
            })
        };
        let (network, application) = (pin!(task(0)), pin!(task(1)));
        with_tasks([network, application], |running| {
            assert!(running.work(None).is_ok_and(|any| any));
            let order = polls.take();
            running.wake();
            work(running);
            order
        })
    }

    /// A task can be postponed when a simulation ends, for example because an invariant is violated.
    #[test]
    fn the_order_of_the_tasks_does_not_depend_on_the_simulation_before() {
        let order = first_polls(|_| {});
        for postponed in [[true, false], [false, true], [true, true]] {
            let after = first_polls(|running| {
                running.machine.slots.iter().zip(postponed).for_each(|(slot, is_postponed)| {
                    slot.postponed.set(is_postponed);
                });
            });
            assert_eq!(after, order);
            assert_eq!(first_polls(|_| {}), order, "{postponed:?}");
        }
    }
}
