//! Where an application's lines go: what it says to standard output as it is, warnings of the loop
//! to standard error. Neither makes the loop wait.

use std::fmt;
use std::io;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::queue::Queue;

/// How long the end of the program waits for readers.
const PATIENCE: Duration = Duration::from_secs(1);

static OUT: Queue = Queue::new();
static ERR: Queue = Queue::new();

struct Lines;

/// Writes lines until it is dropped, which waits for them to be written, also after a panic.
pub(crate) struct Started(());

/// Starts to write lines. Once in a process.
///
/// # Errors
/// The system's, when it has no thread.
pub(crate) fn start() -> io::Result<Started> {
    OUT.start(io::stdout())?;
    ERR.start(io::stderr())?;
    // It fails if there is a logger already, which then gets the application's lines.
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

/// Says a line on standard output.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    OUT.push(line);
}

/// Says a line on standard error.
pub(crate) fn complain(line: fmt::Arguments<'_>) {
    ERR.push(line);
}

/// Waits for the lines to be written, and for readers that do not read only so long.
fn finish() {
    OUT.drain(PATIENCE);
    ERR.drain(PATIENCE);
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        match record.level() {
            Level::Error => complain(format_args!("error: {}", record.args())),
            Level::Warn => complain(format_args!("warn: {}", record.args())),
            Level::Info => say(*record.args()),
            Level::Debug | Level::Trace => {}
        }
    }

    fn flush(&self) {
        finish();
    }
}
