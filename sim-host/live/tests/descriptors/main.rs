//! Tests in which the process runs out of descriptors. The limit applies to the whole process, so each test runs in a
//! separate process.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

mod freed;
mod lingering;
mod listening;
mod many;
#[path = "../process/mod.rs"]
mod process;
mod signals;

use process::run_within;

/// The time limit of a loop. It only detects loops that hang, and does not measure the speed.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs an ignored test of this program in a separate process, and checks that the test passes.
fn run_alone(test: &str) {
    let mut this = Command::new(std::env::current_exe().unwrap());
    // The time limits within the test are shorter than this limit. So a test that hangs fails with its own message
    // first.
    let ended = run_within(LIMIT * 2, this.args(["--exact", "--ignored", test]));
    let (status, output) = ended.unwrap_or_else(|| panic!("{test} has not ended: it was killed"));
    assert!(status.success() && output.contains("1 passed"), "{output}");
}

/// Takes all descriptors of the process except `left`.
fn leave_descriptors(left: usize) -> Vec<File> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(100), ..limit }).unwrap();
    let mut taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    taken.truncate(taken.len() - left);
    taken
}

/// Counts the warnings in the log. The listener logs a warning each time it pauses.
struct Warnings(AtomicUsize);

static WARNINGS: Warnings = Warnings(AtomicUsize::new(0));

impl Warnings {
    fn start_counting() {
        log::set_logger(&WARNINGS).unwrap();
        log::set_max_level(LevelFilter::Warn);
    }

    fn count() -> usize {
        WARNINGS.0.load(Ordering::Relaxed)
    }
}

impl Log for Warnings {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &Record<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}
