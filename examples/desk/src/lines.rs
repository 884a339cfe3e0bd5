//! Output of log lines: the application's go unchanged to standard output, warnings of the loop go
//! to standard error. Neither delays the loop. Once the clock is set, the application's lines begin with the time.

use std::fmt;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};

use picoevent_sntp::WallTime;

use crate::queue::Queue;

/// How long the end of the program waits for readers. It is long for the sake of a busy machine: only
/// a reader that does not read makes it count.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

static OUT: OnceLock<Queue> = OnceLock::new();
static ERR: OnceLock<Queue> = OnceLock::new();

/// When the clock was set, and to which microsecond since the beginning of 1970.
static CLOCK: Mutex<Option<(Instant, u64)>> = Mutex::new(None);

struct Lines;

/// Keeps lines being written. Dropping it waits until they are written, also after a panic.
pub(crate) struct Started(());

/// Starts to write lines. Call it once in a process.
///
/// # Errors
/// The system's error, when it has no thread.
pub(crate) fn start() -> io::Result<Started> {
    let (out, err) = (Queue::start(io::stdout())?, Queue::start(io::stderr())?);
    OUT.get_or_init(|| out);
    ERR.get_or_init(|| err);
    // This fails if there is a logger already, which then gets the application's lines.
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
    Ok(Started(()))
}

impl Drop for Started {
    fn drop(&mut self) {
        finish();
    }
}

/// Queues a line for standard output.
pub fn say(line: fmt::Arguments<'_>) {
    push(&OUT, line);
}

/// Sets the clock: from now on, the application's lines begin with the time of day.
pub fn set_clock(time: WallTime) {
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    *clock = Some((Instant::now(), time.unix_micros()));
}

/// Returns the time of day, if the clock was set.
fn time() -> Option<WallTime> {
    let clock = *CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (set, micros) = clock?;
    Some(WallTime::from_unix_micros(micros + set.elapsed().as_micros() as u64, 0))
}

/// Queues a line for standard error.
pub(crate) fn complain(line: fmt::Arguments<'_>) {
    push(&ERR, line);
}

fn push(queue: &OnceLock<Queue>, line: fmt::Arguments<'_>) {
    if let Some(queue) = queue.get() {
        queue.push(line.to_string());
    }
}

/// Waits until the lines are written, for a limited time if readers do not read.
fn finish() {
    for queue in [&OUT, &ERR].into_iter().filter_map(OnceLock::get) {
        queue.drain(DRAIN_TIMEOUT);
    }
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        match record.level() {
            Level::Error => complain(format_args!("error: {}", record.args())),
            Level::Warn => complain(format_args!("warn: {}", record.args())),
            Level::Info => match time() {
                Some(time) => say(format_args!("{} {}", time.iso(), record.args())),
                None => say(*record.args()),
            },
            Level::Debug | Level::Trace => {}
        }
    }

    fn flush(&self) {
        finish();
    }
}
