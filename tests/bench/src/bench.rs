//! A base with full tables, and the application over it.

use std::time::Duration;

use picoevent::{Conn, Event, EventBase, Source};

/// The application: it counts its calls.
#[derive(Default)]
pub struct App {
    pub calls: usize,
}

/// What operations work on.
pub struct Bench<'s> {
    pub base: EventBase<'s, App>,
    pub app: App,
    pub size: usize,
    pub events: Vec<Event>,
    pub sources: Vec<Source>,
    pub conns: Vec<Conn>,
    at: usize,
}

/// Distances between deadlines, and the time that passes with an operation.
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

    /// The number of a slot: all of them have their turn, in no order that helps.
    pub fn turn(&mut self) -> usize {
        let turn = self.at;
        // 7 divides no power of ten, so the walk comes to every slot.
        self.at = (turn + 7) % self.size;
        turn
    }

    /// The event whose turn it is.
    pub fn event(&mut self) -> Event {
        let turn = self.turn();
        self.events[turn]
    }

    /// The connection whose turn it is.
    pub fn conn(&mut self) -> Conn {
        let turn = self.turn();
        self.conns[turn]
    }

    /// Lets time pass and the callbacks run that are due. These are single steps, since the rest of a turn is
    /// no part of an operation.
    pub fn dispatch(&mut self) {
        let now = self.base.now().after(TICK);
        self.base.advance(now);
        self.base.dispatch(&mut self.app);
        while self.base.next_action().is_some() {}
    }
}
