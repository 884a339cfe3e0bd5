//! Aborts the program when a loop on real sockets does not end. Nothing else could interrupt the loop's wait.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// The time limit of a run of a loop.
const LIMIT: Duration = Duration::from_secs(120);

/// For each thread that runs a loop, the time when the run began and the name of the test.
type Runs = HashMap<ThreadId, (Instant, String)>;

static RUNS: LazyLock<Mutex<Runs>> = LazyLock::new(|| {
    thread::spawn(watch);
    Mutex::default()
});

/// Calls `run`, which runs a loop, under the watchdog.
pub(super) fn watched<T>(run: impl FnOnce() -> T) -> T {
    let thread = thread::current();
    let name = thread.name().unwrap_or("a test").to_owned();
    runs().insert(thread.id(), (Instant::now(), name));
    let result = run();
    runs().remove(&thread.id());
    result
}

fn runs() -> MutexGuard<'static, Runs> {
    RUNS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn watch() {
    loop {
        thread::sleep(Duration::from_secs(1));
        for (since, name) in runs().values() {
            if since.elapsed() > LIMIT {
                eprintln!("{name}: the loop has not ended for {LIMIT:?}");
                std::process::abort();
            }
        }
    }
}
