//! Where an application's lines go: what it says to standard output as it is, warnings of the loop
//! to standard error.

use std::io::{self, Write};

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Lines;

pub(crate) fn start() {
    // It fails if there is a logger already, which then gets the lines.
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        // A reader that is gone is no reason to stop serving.
        let _ = match record.level() {
            Level::Error | Level::Warn => {
                writeln!(
                    io::stderr(),
                    "{}: {}",
                    record.level().as_str().to_lowercase(),
                    record.args()
                )
            }
            _ => writeln!(io::stdout(), "{}", record.args()),
        };
    }

    fn flush(&self) {
        let _ = io::stdout().flush();
    }
}
