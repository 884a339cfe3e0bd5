//! Recordings: made, read, and replayed.

use std::path::Path;
use std::sync::Arc;

use log::{Level, LevelFilter, Log, Metadata};

use super::{End, look};
use crate::recording::{Recorded, RecordingFile};
use crate::world::AnyTestCase;

/// Begins a recording in a file.
pub(super) fn create(path: &Path) -> Result<Arc<RecordingFile>, End> {
    RecordingFile::create(path).map(Arc::new).map_err(|error| look::unwritten(path, &error))
}

/// Tells what was recorded, a line for each call.
pub(super) fn read(path: &Path, cut_off: bool) -> Result<(), End> {
    let recorded = recorded(path, cut_off)?;
    recorded.lines().for_each(|line| println!("{line}"));
    if recorded.after > 0 {
        println!("        … and {} calls that had no room", recorded.after);
    }
    Ok(())
}

/// Runs an application on what was recorded. It says again what it said then.
pub(super) fn replay(case: &dyn AnyTestCase, path: &Path, cut_off: bool) -> Result<(), End> {
    let recorded = recorded(path, cut_off)?;
    // It fails if there is a logger already, which then gets the lines.
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
    match case.replay_recording(&recorded) {
        Ok(Some(end)) => println!("the same as recorded; the loop ended: {end:?}"),
        Ok(None) if recorded.after > 0 => {
            println!("the same as recorded, but {} calls had no room", recorded.after);
        }
        Ok(None) => println!("the same as recorded, which ends while the loop runs"),
        Err(problem) => {
            return Err(End::Trouble(format!("{} on {}: {problem}", case.name(), path.display())));
        }
    }
    Ok(())
}

fn recorded(path: &Path, cut_off: bool) -> Result<Recorded, End> {
    let log = look::read(path)?;
    let recorded = if cut_off { Recorded::read_cut_off(&log) } else { Recorded::read(&log) };
    recorded.map_err(|error| End::Trouble(format!("{}: {error}", path.display())))
}

/// What the application says, as it is.
struct Lines;

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("{}", record.args());
    }

    fn flush(&self) {}
}
