//! More events at once than the selector returns in one call.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use picoevent::{EventBase, EventFlags, EventMut, Mode};
use picoevent_mio::{Capacities, HeapStorage, Live};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::run_alone;

/// The number of sources. The selector returns at most 1,024 events at once.
const SOURCES: usize = 1_500;
const TIMEOUT: Duration = Duration::from_millis(300);

#[derive(Default)]
struct App {
    ours: Vec<UnixStream>,
    theirs: Vec<UnixStream>,
    seen: Vec<EventFlags>,
}

impl App {
    fn ready(&mut self, event: &mut EventMut<Self>) {
        self.seen.push(event.what());
        if self.seen.len() == SOURCES {
            event.exit();
        }
    }
}

#[test]
fn all_input_comes_before_the_timeouts() {
    run_alone("many::more_sources_than_the_selector_returns_at_once");
}

#[test]
#[ignore = "it is run by the test above, in a separate process"]
fn more_sources_than_the_selector_returns_at_once() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let capacities = Capacities { events: SOURCES + 1, sources: SOURCES, ..Capacities::default() };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let (mut app, mut live) = (App::default(), Live::new().unwrap());

    for _ in 0..SOURCES {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let source = live.add_source(&mut base, &ours).unwrap();
        let event = base.new_event(source, EventFlags::READ, Mode::OneShot, App::ready).unwrap();
        base.event(event).unwrap().add(Some(TIMEOUT)).unwrap();
        app.ours.push(ours);
        app.theirs.push(theirs);
    }
    // All input arrives during a callback that takes longer than the timeout.
    base.after(Duration::ZERO, |app: &mut App, _| {
        app.theirs.iter_mut().for_each(|theirs| theirs.write_all(b"x").unwrap());
        thread::sleep(TIMEOUT);
    })
    .unwrap();
    live.run(&mut base, &mut app).unwrap();
    let late = app.seen.iter().filter(|what| **what == EventFlags::TIMEOUT).count();
    assert_eq!(late, 0, "of {SOURCES} sources");
}
