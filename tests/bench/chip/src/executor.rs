//! embassy's executor, without a loop of its own: the program calls [`Executor::run_until_idle`] to run the ready
//! tasks.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

/// Whether a task was woken since the executor last checked.
static WOKEN: AtomicBool = AtomicBool::new(false);

/// Called by embassy-executor when a task becomes ready, from any context.
#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    WOKEN.store(true, Ordering::Release);
}

/// The executor.
pub struct Executor(&'static raw::Executor);

impl Executor {
    /// Makes the only executor of a program.
    ///
    /// # Panics
    /// If this function is called a second time.
    pub fn take() -> Self {
        static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
        Self(EXECUTOR.init(raw::Executor::new(core::ptr::null_mut())))
    }

    /// Returns the spawner for the executor's tasks.
    pub fn spawner(&self) -> Spawner {
        self.0.spawner()
    }

    /// Runs each ready task once.
    #[inline(always)]
    pub fn poll(&self) {
        // SAFETY: no task can reach the executor, so no task polls the executor again while the executor runs.
        unsafe { self.0.poll() }
    }

    /// Runs tasks until no task is ready, as an executor on a board does before it sleeps.
    #[inline(always)]
    pub fn run_until_idle(&self) {
        while WOKEN.swap(false, Ordering::AcqRel) {
            self.poll();
        }
    }
}

/// Returns whether a task has become ready since [`Executor::run_until_idle`] last checked.
pub fn is_woken() -> bool {
    WOKEN.load(Ordering::Acquire)
}
