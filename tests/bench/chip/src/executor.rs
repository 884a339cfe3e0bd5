//! An executor of embassy's that runs when it is told to, until no task is ready.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

/// Whether a task was woken since the executor looked last.
static WOKEN: AtomicBool = AtomicBool::new(false);

/// Called by embassy-executor when a task becomes ready, from any context.
#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    WOKEN.store(true, Ordering::Release);
}

/// The executor.
pub struct Executor(&'static raw::Executor);

impl Executor {
    /// Makes the one executor of a program.
    ///
    /// # Panics
    /// When it is called a second time.
    pub fn take() -> Self {
        static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
        Self(EXECUTOR.init(raw::Executor::new(core::ptr::null_mut())))
    }

    /// What spawns tasks on it.
    pub fn spawner(&self) -> Spawner {
        self.0.spawner()
    }

    /// Runs each task that is ready once.
    #[inline(always)]
    pub fn poll(&self) {
        // SAFETY: no task can reach the executor, so it is not polled while it is polled.
        unsafe { self.0.poll() }
    }

    /// Runs tasks until none is ready, as an executor does before it sleeps.
    #[inline(always)]
    pub fn settle(&self) {
        while WOKEN.swap(false, Ordering::AcqRel) {
            self.poll();
        }
    }
}

/// Whether a task is ready that has not run.
pub fn is_woken() -> bool {
    WOKEN.load(Ordering::Acquire)
}
