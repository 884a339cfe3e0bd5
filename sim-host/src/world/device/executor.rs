//! embassy-executor on a desk: its own raw executor, over and over for one simulation after another.
//!
//! embassy's executor wants everything to live forever: itself, its tasks, their futures. So each
//! thread has one executor, with a few tasks that never end. Such a task is a shell: it polls what
//! the simulation of the moment put into it, and waits when that is nothing. What is in the shells ends
//! with the simulation, and nothing is left behind.
//!
//! This is the one place of the package that needs `unsafe`: to poll the executor, to be its pender,
//! and to put futures that live as long as a simulation into tasks that live forever.

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

/// How many tasks a device has.
const TASKS: usize = 2;

/// A task of the device, for as long as a simulation lasts.
pub(crate) type Task<'w> = Pin<&'w mut (dyn Future<Output = ()> + 'w)>;

thread_local! {
    static PENDED: Cell<bool> = const { Cell::new(false) };
    static MACHINE: Machine = Machine::new();
}

/// Called by embassy-executor when a task becomes ready.
#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    // A thread that is ending polls nothing any more.
    let _ = PENDED.try_with(|pended| pended.set(true));
}

/// The executor of a thread.
struct Machine {
    executor: &'static raw::Executor,
    slots: [&'static Slot; TASKS],
    busy: Cell<bool>,
}

/// What a shell holds.
#[derive(Default)]
struct Slot {
    task: Cell<Option<Task<'static>>>,
    waker: OnceCell<Waker>,
    /// It waits for another turn the next time.
    postponed: Cell<bool>,
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

/// A task of the executor, which never ends.
struct Shell(&'static Slot);

/// Whether a task that is due has to wait for another turn.
pub(crate) type Postpone<'w> = &'w mut dyn FnMut() -> bool;

/// The executor while a simulation has it.
pub(crate) struct Running<'m> {
    machine: &'m Machine,
}

/// Runs `work` with an executor that has these tasks, all of them due.
///
/// # Panics
/// When it is called within itself.
pub(crate) fn with_tasks<R>(tasks: [Task<'_>; TASKS], work: impl FnOnce(&Running<'_>) -> R) -> R {
    MACHINE.with(|machine| {
        assert!(!machine.busy.replace(true), "a thread runs one simulation at a time");
        let empty = Emptied(machine);
        for (slot, task) in machine.slots.iter().zip(tasks) {
            // SAFETY: only the lifetime changes. The task is reached through the slot alone, the slot
            // hands it to nobody but the poll of its shell, no shell is polled but in
            // `Running::work`, and before this function's borrow of the task ends, by return or by
            // panic, `empty` takes it out of the slot.
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

/// Takes the tasks out of their shells, and what is still due off the executor's list.
struct Emptied<'m>(&'m Machine);

impl Drop for Emptied<'_> {
    fn drop(&mut self) {
        for slot in self.0.slots {
            slot.task.set(None);
            slot.panic.set(None);
        }
        self.0.poll();
        self.0.busy.set(false);
    }
}

impl Running<'_> {
    /// Lets every task that is due work once; whether any was.
    ///
    /// # Errors
    /// What a task said when it panicked.
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
        // Once for each thread.
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
        // SAFETY: `poll` is not called from within itself. A task could come here only through
        // `with_tasks`, which `busy` bars while tasks run; `Emptied` polls when the tasks are gone.
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
        // The executor is no place to unwind through: it would lose the tasks behind this one.
        match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))) {
            Ok(Poll::Ready(())) => {}
            Ok(Poll::Pending) => slot.task.set(Some(task)),
            Err(panic) => slot.panic.set(Some(panic)),
        }
        Poll::Pending
    }
}
