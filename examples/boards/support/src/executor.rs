//! An executor that sleeps with WFI.
//!
//! embassy's thread-mode executor for a Cortex-M sleeps with WFE, which QEMU treats only as a short pause. With that
//! executor, an idle guest would keep a core of the host busy.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{SpawnError, SpawnToken, Spawner, raw};
use embassy_net::Stack;
use static_cell::StaticCell;

use crate::processor;

/// Whether a task was woken since the executor last checked.
static WOKEN: AtomicBool = AtomicBool::new(false);

/// Records a wake-up. embassy-executor calls this function from any context when a task becomes ready.
#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    WOKEN.store(true, Ordering::Release);
}

/// Returns a function that spawns `task`, the only task of the application. Pass the function to a board's `run`, as
/// the argument `start`.
pub fn spawn_only<S>(
    task: fn(Stack<'static>) -> Result<SpawnToken<S>, SpawnError>,
) -> impl FnOnce(Spawner, Stack<'static>) {
    move |spawner, stack| spawner.spawn(task(stack).expect("spawned once"))
}

/// Runs tasks forever. `start` spawns the first tasks.
///
/// # Panics
/// If `run` is called a second time.
pub fn run(start: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    let executor = EXECUTOR.init(raw::Executor::new(core::ptr::null_mut()));
    start(executor.spawner());
    loop {
        // SAFETY: only this line polls this executor, and no task has access to it.
        unsafe { executor.poll() };
        // Interrupts are disabled here, so no wake-up is missed between the check and the sleep: WFI
        // returns for a pending interrupt, which is handled after this closure.
        critical_section::with(|_| {
            if !WOKEN.swap(false, Ordering::AcqRel) {
                processor::sleep();
            }
        });
    }
}
