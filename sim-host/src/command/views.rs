//! The files that show a simulation: the capture and the timeline.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::{fs, io};

use super::End;
use super::line::Views;
use crate::observers::{Capture, Trace};
use crate::world::{AnyTestCase, Failure, Observer, Simulator};

/// The observers of a simulation, and the files they are written to.
pub(super) struct ViewFiles {
    capture: Option<(PathBuf, Rc<RefCell<Capture>>)>,
    trace: Option<(PathBuf, Rc<RefCell<Trace>>)>,
}

impl ViewFiles {
    /// Makes the observers whose files are requested.
    pub(super) fn new(Views { pcap, trace }: &Views, title: &str) -> Self {
        let capture = |path| (path, Rc::new(RefCell::new(Capture::new(title))));
        let timeline = |path| (path, Rc::new(RefCell::new(Trace::new())));
        Self { capture: pcap.clone().map(capture), trace: trace.clone().map(timeline) }
    }

    /// Returns the observers.
    pub(super) fn observers(&self) -> Vec<Box<dyn Observer>> {
        let capture = self.capture.iter().map(|(_, it)| Box::new(it.clone()) as Box<dyn Observer>);
        let trace = self.trace.iter().map(|(_, it)| Box::new(it.clone()) as Box<dyn Observer>);
        capture.chain(trace).collect()
    }

    /// Writes the observers' files.
    pub(super) fn write(&self) -> Result<(), End> {
        if let Some((path, capture)) = &self.capture {
            write(path, &capture.borrow().file())?;
        }
        if let Some((path, trace)) = &self.trace {
            write(path, trace.borrow_mut().file().as_bytes())?;
        }
        Ok(())
    }
}

/// Runs the simulation of a failure again, and writes its views.
pub(super) fn at(case: &dyn AnyTestCase, failure: &Failure, views: &Views) -> Result<(), End> {
    let files = ViewFiles::new(views, &format!("{}, seed {}", case.name(), failure.seed));
    let mut simulator = Simulator::new();
    simulator.take_choices(&failure.outcome.choices);
    simulator.observe(Box::new(files.observers()));
    case.run(&mut simulator);
    files.write()
}

/// Reads a file as text. Invalid UTF-8 is replaced.
pub(super) fn read(path: &Path) -> Result<String, End> {
    let bytes = fs::read(path);
    let bytes =
        bytes.map_err(|error| End::Error(format!("{} cannot be read: {error}", path.display())))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes a file and prints its path.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<(), End> {
    fs::write(path, text).map_err(|error| unwritten(path, &error))?;
    println!("written: {}", path.display());
    Ok(())
}

/// Returns the error for a file that cannot be written.
pub(super) fn unwritten(path: &Path, error: &io::Error) -> End {
    End::Error(format!("{} cannot be written: {error}", path.display()))
}
