//! An application for scenarios: it records its calls, and stores the data that its callbacks need.

use std::time::Duration;

use picoevent::{Cx, Event, EventBase, EventFlags, EventMut, Instant, Mode, OnEvent, Source};

use super::stream::End;
use super::{Handle, ms};

/// One call: the event's data word, its flags and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub user: u32,
    pub what: EventFlags,
    pub at: Instant,
}

/// The application.
pub struct App {
    pub calls: Vec<Call>,
    /// The clock, the raised signals and the scheduled actions. The back end uses them, too.
    pub world: Handle,
    pub events: Vec<Event>,
    pub ends: Vec<End>,
    /// The bytes that each endpoint in `ends` has received. A test may store other bytes in further entries.
    pub data: Vec<Vec<u8>>,
    pub count: usize,
    pub wait: Option<Duration>,
}

impl App {
    pub fn new(world: Handle) -> Self {
        Self {
            calls: Vec::new(),
            world,
            events: Vec::new(),
            ends: Vec::new(),
            data: vec![Vec::new(); 4],
            count: 0,
            wait: None,
        }
    }

    /// A callback that only records the call.
    pub fn record(&mut self, event: &mut EventMut<Self>) {
        let user = event.user();
        self.calls.push(Call { user, what: event.what(), at: event.now() });
    }

    /// Records the call and ends the loop.
    pub fn record_and_exit(&mut self, event: &mut EventMut<Self>) {
        self.record(event);
        event.exit();
    }

    /// Returns the data words of the calls.
    pub fn users(&self) -> Vec<u32> {
        self.calls.iter().map(|call| call.user).collect()
    }

    /// Returns the number of calls of the event with this data word.
    pub fn calls_of(&self, user: u32) -> usize {
        self.calls.iter().filter(|call| call.user == user).count()
    }

    /// Returns the flags of the calls.
    pub fn whats(&self) -> Vec<EventFlags> {
        self.calls.iter().map(|call| call.what).collect()
    }

    /// Returns the times of the calls, in milliseconds.
    pub fn millis(&self) -> Vec<u64> {
        self.calls.iter().map(|call| call.at.as_micros() / 1000).collect()
    }
}

/// Makes a timer with a data word.
pub fn timer(base: &mut EventBase<App>, mode: Mode, user: u32, call: OnEvent<App>) -> Event {
    let event = base.new_timer(mode, call).unwrap();
    base.event(event).unwrap().set_user(user);
    event
}

/// Makes an event that waits for a source, sets its data word, and adds the event.
pub fn waiting(
    base: &mut EventBase<App>,
    source: Source,
    interest: EventFlags,
    mode: Mode,
    user: u32,
    call: OnEvent<App>,
) -> Event {
    let event = base.new_event(source, interest, mode, call).unwrap();
    base.event(event).unwrap().set_user(user).add(None).unwrap();
    event
}

/// Adds an event with a timeout of `millis` milliseconds.
pub fn add(base: &mut EventBase<App>, event: Event, millis: u64) {
    base.event(event).unwrap().add(Some(ms(millis))).unwrap();
}

/// Returns the flags for which an event is pending or active.
pub fn pending(cx: &mut Cx<App>, event: Event) -> EventFlags {
    cx.event(event).unwrap().pending()
}
