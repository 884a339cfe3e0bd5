//! A base, a back end and an application for one scenario.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use std::{process, thread};

use picoevent::{End, Event, EventBase, EventFlags, EventMut, Mode, OnEvent, Run, Source, Storage};
use picoevent_mio::Live;

/// The time limit of a scenario. It only detects loops that hang, and does not measure the speed.
const LIMIT: Duration = Duration::from_secs(60);

/// An application that records the calls of its callbacks, and contains the data that the callbacks use.
#[derive(Default)]
pub struct App {
    pub calls: Vec<(u32, EventFlags)>,
    pub events: Vec<Event>,
    pub streams: Vec<UnixStream>,
    pub data: Vec<Vec<u8>>,
    pub count: usize,
}

impl App {
    pub fn record(&mut self, event: &mut EventMut<'_, '_, Self>) {
        self.calls.push((event.user(), event.what()));
    }

    pub fn whats(&self) -> Vec<EventFlags> {
        self.calls.iter().map(|call| call.1).collect()
    }

    pub fn users(&self) -> Vec<u32> {
        self.calls.iter().map(|call| call.0).collect()
    }
}

/// The base, back end and application of a scenario.
pub struct Scene<'b, 's> {
    pub live: Live,
    pub base: &'b mut EventBase<'s, App>,
    pub app: App,
}

/// Runs a scenario with a time limit. A timer of the base is an event, and the loop ends only when no event is left. So
/// a timer for the limit would change the scenario, and a thread checks the limit instead.
pub fn play(scenario: impl FnOnce(Scene<'_, '_>)) {
    let (done, watched) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or("a scenario").to_owned();
    thread::spawn(move || {
        if watched.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // The test harness shows the output of print macros only after the end of the test, but this test does not
            // end. So the message is written to standard error directly.
            drop(writeln!(io::stderr(), "{name} has not ended within {LIMIT:?}"));
            process::abort();
        }
    });
    let mut storage = Box::new(Storage::<App, 80, 0, 0, 0, 0, 80>::new());
    let mut base = EventBase::new(&mut storage);
    scenario(Scene { live: Live::new().unwrap(), base: &mut base, app: App::default() });
    drop(done);
}

impl Scene<'_, '_> {
    pub fn run(&mut self, run: Run) -> End {
        self.live.run_with(self.base, &mut self.app, run).unwrap()
    }

    pub fn watch(&mut self, stream: &UnixStream) -> Source {
        self.live.add_source(self.base, stream).unwrap()
    }

    /// Makes an event with a user value and adds it.
    pub fn wait(
        &mut self,
        source: Source,
        interest: EventFlags,
        mode: Mode,
        user: u32,
        call: OnEvent<App>,
    ) -> Event {
        let event = self.base.new_event(source, interest, mode, call).unwrap();
        self.base.event(event).unwrap().set_user(user).add(None).unwrap();
        event
    }
}

/// Returns two connected sockets. Both sockets are non-blocking.
pub fn pair() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    for stream in [&ours, &theirs] {
        stream.set_nonblocking(true).unwrap();
    }
    (ours, theirs)
}
