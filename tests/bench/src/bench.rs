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

    /// Returns the index of the next slot. The calls reach all slots in an order that favours no implementation.
    pub fn turn(&mut self) -> usize {
        let turn = self.at;
        // The size is a power of ten and 7 does not divide it, so the walk reaches every slot.
        self.at = (turn + 7) % self.size;
        turn
    }

    /// Returns the next event.
    pub fn event(&mut self) -> Event {
        let turn = self.turn();
        self.events[turn]
    }

    /// Returns the next connection.
    pub fn conn(&mut self) -> Conn {
        let turn = self.turn();
        self.conns[turn]
    }

    /// Advances the time and runs the callbacks of active events. It calls single steps of a turn, since the other
    /// steps do not belong to an operation.
    pub fn dispatch(&mut self) {
        let now = self.base.now().after(TICK);
        self.base.advance(now);
        self.base.dispatch(&mut self.app);
        while self.base.next_action().is_some() {}
    }
}
