//! Makes, prints and replays recordings.

use std::path::Path;
use std::sync::Arc;

use log::{Level, LevelFilter, Log, Metadata};

use super::{End, views};
use crate::recording::{Recorded, RecordingFile};
use crate::world::AnyTestCase;

/// Starts a recording into a file.
pub(super) fn create(path: &Path) -> Result<Arc<RecordingFile>, End> {
    RecordingFile::create(path).map(Arc::new).map_err(|error| views::unwritten(path, &error))
}

/// Prints a recording, one line for each call.
pub(super) fn read(path: &Path, cut_off: bool) -> Result<(), End> {
    let recorded = recorded(path, cut_off)?;
    if recorded.cut > 0 {
        println!("        … {} calls of this iteration that had no room", recorded.cut);
    }
    recorded.lines().for_each(|line| println!("{line}"));
    if recorded.after > 0 {
        println!("        … and {} calls that had no room", recorded.after);
    }
    Ok(())
}

/// Replays a recording on an application. Prints the lines that the application logs during the replay.
pub(super) fn replay(case: &dyn AnyTestCase, path: &Path, cut_off: bool) -> Result<(), End> {
    let recorded = recorded(path, cut_off)?;
    // If a logger is already set, the application's lines go to that logger.
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
            return Err(End::Error(format!("{} on {}: {problem}", case.name(), path.display())));
        }
    }
    Ok(())
}

fn recorded(path: &Path, cut_off: bool) -> Result<Recorded, End> {
    let log = views::read(path)?;
    let recorded = if cut_off { Recorded::read_cut_off(&log) } else { Recorded::read(&log) };
    recorded.map_err(|error| End::Error(format!("{}: {error}", path.display())))
}

/// A logger that prints the application's lines unchanged.
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
