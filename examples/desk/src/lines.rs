//! Output of log lines. The application's lines go to standard output, the loop's warnings to standard error. Neither
//! output delays the loop. Once the clock is set, the application's lines begin with the time.

use std::fmt;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};

use picoevent_sntp::WallTime;

use crate::queue::Queue;

/// A program that ends waits until its output is read, for at most this time. The limit is long because a machine can
/// be busy. The program waits for the whole limit only if nobody reads the output.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

static OUT: OnceLock<Queue> = OnceLock::new();
static ERR: OnceLock<Queue> = OnceLock::new();

/// The instant at which the clock was set, and the time that was set, in microseconds since 1970.
static CLOCK: Mutex<Option<(Instant, u64)>> = Mutex::new(None);

struct Lines;

/// Keeps the output running. Dropping this value waits until all lines are written, for at most [`DRAIN_TIMEOUT`] on
/// each output. A panic drops the value, too.
pub(crate) struct OutputGuard(());

/// Starts the output of lines. Call this function once per process.
///
/// # Errors
/// The system's error, if the system cannot start a thread.
pub(crate) fn start() -> io::Result<OutputGuard> {
    let (out, err) = (Queue::start(io::stdout())?, Queue::start(io::stderr())?);
    OUT.get_or_init(|| out);
    ERR.get_or_init(|| err);
    // `set_logger` fails if there is already a logger. The existing logger then receives the application's lines.
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
    Ok(OutputGuard(()))
}

impl Drop for OutputGuard {
    fn drop(&mut self) {
        finish();
    }
}

/// Queues a line for standard output.
pub fn print_line(line: fmt::Arguments<'_>) {
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
pub(crate) fn print_error_line(line: fmt::Arguments<'_>) {
    push(&ERR, line);
}

fn push(queue: &OnceLock<Queue>, line: fmt::Arguments<'_>) {
    if let Some(queue) = queue.get() {
        queue.push(line.to_string());
    }
}

/// Waits until the lines are written, on each output for at most [`DRAIN_TIMEOUT`].
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
            Level::Error => print_error_line(format_args!("error: {}", record.args())),
            Level::Warn => print_error_line(format_args!("warn: {}", record.args())),
            Level::Info => match time() {
                Some(time) => print_line(format_args!("{} {}", time.iso(), record.args())),
                None => print_line(*record.args()),
            },
            Level::Debug | Level::Trace => {}
        }
    }

    fn flush(&self) {
        finish();
    }
}
