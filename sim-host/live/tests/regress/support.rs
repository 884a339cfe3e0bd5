//! A base, a back end and an application for one scenario.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use std::{process, thread};

use picoevent::{End, Event, EventBase, EventFlags, EventMut, Mode, OnEvent, Run, Source, Storage};
use picoevent_mio::Live;

/// How long a scenario may take. It bounds a hang and says nothing about speed.
const LIMIT: Duration = Duration::from_secs(60);

/// An application that writes down its calls, and holds what its callbacks need.
#[derive(Default)]
pub struct App {
    pub calls: Vec<(u32, EventFlags)>,
    pub events: Vec<Event>,
    pub streams: Vec<UnixStream>,
    pub data: Vec<Vec<u8>>,
    pub count: usize,
}

impl App {
    pub fn note(&mut self, event: &mut EventMut<'_, '_, Self>) {
        self.calls.push((event.user(), event.what()));
    }

    pub fn whats(&self) -> Vec<EventFlags> {
        self.calls.iter().map(|call| call.1).collect()
    }

    pub fn users(&self) -> Vec<u32> {
        self.calls.iter().map(|call| call.0).collect()
    }
}

/// What a scenario plays with.
pub struct Scene<'b, 's> {
    pub live: Live,
    pub base: &'b mut EventBase<'s, App>,
    pub app: App,
}

/// Plays a scenario. A timer that bounded it would be one more event, which scenarios about the
/// end of a loop cannot have, so a thread does.
pub fn play(scenario: impl FnOnce(Scene<'_, '_>)) {
    let (done, watched) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or("a scenario").to_owned();
    thread::spawn(move || {
        if watched.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // What is printed by macros would be kept for the end of the test, which never comes.
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

    /// Makes an event with a word and adds it.
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

/// Two ends of a stream, neither of which blocks.
pub fn pair() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    for stream in [&ours, &theirs] {
        stream.set_nonblocking(true).unwrap();
    }
    (ours, theirs)
}
