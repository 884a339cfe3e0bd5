//! The lab: what one thread needs to run one world after another in the same memory.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::{Arc, Once};

use picoevent::record::Record;

use crate::world::choices::scenario::Scenario;
use crate::world::choices::tape::{Line, Tape};
use crate::world::device::probe::Seen;
use crate::world::network::ether::Ether;
use crate::world::observe::observer::Observer;

/// A place for worlds, one at a time. Each thread has its own.
pub struct Lab {
    pub(crate) ether: RefCell<Ether>,
    pub(crate) seen: RefCell<Seen>,
    pub(crate) recorder: Option<Arc<dyn Record>>,
}

impl Lab {
    /// Makes a lab.
    pub fn new() -> Self {
        listen_for_panics();
        Self { ether: RefCell::new(Ether::new()), seen: RefCell::default(), recorder: None }
    }

    /// The next world follows this seed.
    pub fn take_seed(&mut self, seed: u64) {
        self.ether.get_mut().tape.restart(seed);
    }

    /// The next world follows these lines.
    pub fn take_lines(&mut self, lines: &[Line]) {
        self.ether.get_mut().tape = Tape::of_lines(lines);
    }

    /// The next world follows this scenario, with the luck of this seed.
    pub fn take_scenario(&mut self, scenario: &Scenario, seed: u64) {
        self.ether.get_mut().tape = Tape::of_scenario(&scenario.lines, seed);
    }

    /// Has someone look on in the worlds to come.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.ether.get_mut().observer = Some(observer);
    }

    /// Has what the adapter feeds to the device's base in the worlds to come be recorded.
    pub fn record_to(&mut self, recorder: Arc<dyn Record>) {
        self.recorder = Some(recorder);
    }

    /// Nobody looks on any more.
    pub fn observe_no_more(&mut self) -> Option<Box<dyn Observer>> {
        self.ether.get_mut().observer.take()
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics of worlds be kept instead of printed. Others are printed as before.
pub(crate) fn listen_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !WATCHED.get() {
                return before(info);
            }
            let place = info.location().map(|place| {
                let file = place.file().rsplit_once("/src/").map_or(place.file(), |(_, file)| file);
                format!(" at {file}:{}", place.line())
            });
            LAST.set(place.unwrap_or_default());
        }));
    });
}

/// Keeps panics of this thread from being printed while it lives.
pub(crate) struct Watched(bool);

impl Watched {
    pub(crate) fn new() -> Self {
        Self(WATCHED.replace(true))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCHED.set(self.0);
    }
}

/// What a panic said, and where.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let line = text.unwrap_or("a panic without words").lines().next().unwrap_or_default();
    format!("{line}{}", LAST.take())
}
