//! The files that show a simulation: its capture and its timeline.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::End;
use super::line::Views;
use crate::observers::{Capture, Trace};
use crate::world::{AnyTestCase, Failure, Observer, Simulator};

/// Those who look on in a simulation, and where what they saw goes.
pub(super) struct Looks {
    capture: Option<(PathBuf, Rc<RefCell<Capture>>)>,
    trace: Option<(PathBuf, Rc<RefCell<Trace>>)>,
}

impl Looks {
    /// Those whose files are wanted.
    pub(super) fn new(views: &Views, title: &str) -> Self {
        let Views { pcap, trace } = views.clone();
        let shared = |path| (path, Rc::new(RefCell::new(Capture::new(title))));
        let drawn = |path| (path, Rc::new(RefCell::new(Trace::new())));
        Self { capture: pcap.map(shared), trace: trace.map(drawn) }
    }

    /// They, as observers.
    pub(super) fn observers(&self) -> Vec<Box<dyn Observer>> {
        let mut observers: Vec<Box<dyn Observer>> = Vec::new();
        if let Some((_, capture)) = &self.capture {
            observers.push(Box::new(capture.clone()));
        }
        if let Some((_, trace)) = &self.trace {
            observers.push(Box::new(trace.clone()));
        }
        observers
    }

    /// Writes what they saw.
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

/// Looks at the simulation of a failure, which runs once more for it.
pub(super) fn at(case: &dyn AnyTestCase, failure: &Failure, views: &Views) -> Result<(), End> {
    let looks = Looks::new(views, &format!("{}, seed {}", case.name(), failure.seed));
    let mut simulator = Simulator::new();
    simulator.take_lines(&failure.outcome.lines);
    simulator.observe(Box::new(looks.observers()));
    case.run(&mut simulator);
    looks.write()
}

/// Writes a file, and says so.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<(), End> {
    let place = path.display();
    fs::write(path, text)
        .map_err(|error| End::Trouble(format!("{place} cannot be written: {error}")))?;
    println!("written: {place}");
    Ok(())
}
