//! A base with full tables, and its application.

use std::time::Duration;

use picoevent::{Conn, Event, EventBase, Source};

/// The application: it counts its calls.
#[derive(Default)]
pub struct App {
    pub calls: usize,
}

/// The state that operations work on.
pub struct Bench<'s> {
    pub base: EventBase<'s, App>,
    pub app: App,
    pub size: usize,
    pub events: Vec<Event>,
    pub sources: Vec<Source>,
    pub conns: Vec<Conn>,
    at: usize,
}

/// The distance between deadlines, and the time that passes with each operation.
pub const TICK: Duration = Duration::from_micros(10);

impl<'s> Bench<'s> {
    pub fn new(base: EventBase<'s, App>, size: usize) -> Self {
        Self {
            base,
            app: App::default(),
            size,
            events: Vec::new(),
            sources: Vec::new(),
            conns: Vec::new(),
            at: 0,
        }
    }

    /// Returns the index of the next slot. Successive calls return all slots. The slots are not in memory order,
    /// because some implementations would be faster with that order.
    pub fn next_index(&mut self) -> usize {
        let index = self.at;
        // The size is a power of ten, which 7 does not divide. So steps of 7 reach every slot.
        self.at = (index + 7) % self.size;
        index
    }

    /// Returns the next event.
    pub fn event(&mut self) -> Event {
        let index = self.next_index();
        self.events[index]
    }

    /// Returns the next connection.
    pub fn conn(&mut self) -> Conn {
        let index = self.next_index();
        self.conns[index]
    }

    /// Advances the time, and runs the callbacks of active events. This function calls single steps of an iteration,
    /// because the other steps are not part of the measured operations.
    pub fn dispatch(&mut self) {
        let now = self.base.now().after(TICK);
        self.base.advance(now);
        self.base.dispatch(&mut self.app);
        while self.base.next_action().is_some() {}
    }
}
