//! The model: the loop in its plainest form, with lists and searches.
//!
//! Where a switch of [`crate::differences`] is at libevent's side, the model follows libevent 2.1.12 line by line,
//! including unintended behaviour. Where the switch is at our side, the model follows picoevent's documented rules. The
//! model shares no code with libevent or picoevent, so a bug in one of the three makes the traces differ.

mod bufferevent;
mod closure;
mod conn;
mod pair;
mod step;
mod timeout;
mod turn;
mod verb;
mod watcher;

use std::{collections::VecDeque, fmt::Write, rc::Rc};

use crate::{
    differences::{Sides, Switch},
    program::{CONNS, Id, LEVELS, MAX_ID, Plan, SIGNALS, SOURCES, Waits, bits},
    world::{Level, World},
};

/// Plays the program with the switches at these sides. Returns the trace.
pub fn play(plan: &Rc<Plan>, sides: Sides) -> String {
    let mut model = Model::new(plan, sides);
    model.begin();
    for op in &plan.main {
        if model.over {
            break;
        }
        model.step(*op);
    }
    if model.over {
        model.trace.push_str("over\n");
    }
    model.trace
}

/// The index of an event in [`Model::events`].
type Place = usize;

/// The owner of an event.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Who {
    Declared(Id),
    Once(Id),
    /// libevent's event that sets the exit flag.
    #[default]
    Exit,
    /// libevent's event that reads the signals' pipe.
    Signals,
    /// libevent's event of a common timeout.
    Head(usize),
    /// libevent's event for a direction of a connection.
    Io(usize, usize),
    /// The callbacks of a connection.
    Call(usize),
    /// libevent's callback that frees a connection.
    Finalizer,
}

/// Where an event's deadline is stored.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Timer {
    #[default]
    None,
    Heap,
    Common(usize),
}

/// A timeout: milliseconds, and the common timeout it belongs to.
#[derive(Clone, Copy)]
struct Pace {
    ms: u64,
    common: Option<usize>,
}

#[derive(Default)]
struct Event {
    who: Who,
    waits: Waits,
    what: u8,
    edge: bool,
    persist: bool,
    priority: usize,
    /// Whether it is on the list of its source or signal.
    registered: bool,
    queued: bool,
    result: u8,
    timer: Timer,
    deadline: u64,
    /// The sequence number of its deadline.
    order: u64,
    interval: Option<Pace>,
    /// The number of callbacks that are due for a signal: libevent's `ev_ncalls`.
    calls: u32,
    /// Whether libevent's `ev_pncalls` points to the counter of the closure that runs.
    counted: bool,
    /// Its slot in picoevent's table.
    slot: Option<usize>,
}

impl Event {
    fn new(who: Who, waits: Waits) -> Self {
        Self { who, waits, priority: LEVELS / 2, ..Self::default() }
    }

    fn is_internal(&self) -> bool {
        matches!(self.who, Who::Signals | Who::Head(_))
    }

    fn is_signal(&self) -> bool {
        matches!(self.waits, Waits::Signal(_))
    }
}

/// A common timeout: its members in the order of their deadlines, and libevent's event for it.
struct Common {
    ms: u64,
    members: Vec<Place>,
    head: Place,
}

/// A count and its peak.
#[derive(Clone, Copy, Default)]
struct Count {
    now: i64,
    peak: i64,
}

impl Count {
    /// Counts one more. An internal event of libevent only updates the peak.
    fn up(&mut self, internal: bool) {
        self.now += i64::from(!internal);
        self.peak = self.peak.max(self.now);
    }
}

#[derive(Default)]
struct Model {
    plan: Rc<Plan>,
    sides: Sides,
    world: World,
    trace: String,

    events: Vec<Event>,
    by_id: [Option<Place>; MAX_ID],
    firings: [u32; MAX_ID],
    watchers: Vec<Id>,
    /// The watcher that is called next.
    next_watcher: Option<Id>,
    /// The events on each source and socket, and on each signal.
    on_source: [Vec<Place>; SOURCES + CONNS],
    on_signal: [Vec<Place>; SIGNALS],
    /// The index in `commons` of each common timeout of the plan.
    common_of: Vec<usize>,
    commons: Vec<Common>,
    heap: Vec<Place>,
    armings: u64,

    conns: Vec<conn::Conn>,
    /// The connections of pairs that have pending actions, in order.
    outbox: Vec<usize>,
    /// The connection whose turn it is, and its callbacks that have run in this turn.
    conn_turn: (usize, u8),
    /// Whether a connection of the current level had its turn and called no callback.
    no_call: bool,
    /// libevent's count of deferred callbacks in this turn of the loop, and the callbacks that wait for the next turn.
    deferred: u32,
    later: Vec<Place>,

    queues: [VecDeque<Place>; LEVELS],
    running: Option<usize>,
    pass: u32,
    /// The pass in which each slot ran last, and the free slots.
    ran: Vec<u32>,
    free: Vec<usize>,
    added: Count,
    active: Count,

    /// The cached time that callbacks see, if there is one.
    kept_now: Option<u64>,
    /// Raises that were not reported yet.
    caught: [u32; SIGNALS],
    signals: Option<Place>,
    exit_at: Option<u64>,
    got_exit: bool,
    got_break: bool,
    ended_by_exit: bool,
    ended_by_break: bool,
    cut_short: bool,
    in_pass: bool,
    /// Repeats left of a signal's callback, and their event.
    repeats: u32,
    repeating: Option<Place>,
    calls: u32,
    over: bool,
}

impl Model {
    fn new(plan: &Rc<Plan>, sides: Sides) -> Self {
        let world = World::new(&plan.news, Level::EachLook);
        Self { plan: plan.clone(), sides, world, pass: 1, ..Self::default() }
    }

    fn ours(&self, switch: Switch) -> bool {
        self.sides.ours(switch)
    }

    fn begin(&mut self) {
        let plan = self.plan.clone();
        for ms in &plan.commons {
            let known = self.commons.iter().position(|common| common.ms == *ms);
            let place = known.unwrap_or(self.commons.len());
            if known.is_none() {
                let head = self.events.len();
                self.events
                    .push(Event { priority: 0, ..Event::new(Who::Head(place), Waits::Nothing) });
                self.commons.push(Common { ms: *ms, members: Vec::new(), head });
            }
            self.common_of.push(place);
        }
        for decl in &plan.conns {
            self.make_conn(decl);
        }
        for (one, other) in &plan.pairs {
            self.make_pair(*one, *other);
        }
        for id in &plan.makes {
            if plan.watchers[usize::from(*id)].is_some() {
                self.take_slot();
                self.watchers.push(*id);
            } else {
                self.make(*id);
            }
        }
    }

    /// Makes a declared event. A one-time event (`once`) is made when it is added, and not here.
    fn make(&mut self, id: Id) {
        let plan = self.plan.clone();
        let Some(decl) = plan.decl(id).filter(|decl| !decl.once) else { return };
        let slot = self.take_slot();
        let event = Event {
            what: decl.what,
            edge: decl.edge,
            persist: decl.persist,
            priority: decl.priority.map_or(LEVELS / 2, usize::from),
            slot: Some(slot),
            ..Event::new(Who::Declared(id), decl.waits)
        };
        self.by_id[usize::from(id)] = Some(self.events.len());
        self.events.push(event);
    }

    /// Takes the slot that was freed last, or a new one.
    fn take_slot(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.ran.push(0);
            self.ran.len() - 1
        })
    }

    fn give_slot(&mut self, event: Place) {
        self.free.extend(self.events[event].slot.take());
    }

    fn now(&self) -> u64 {
        self.kept_now.unwrap_or(self.world.clock)
    }

    /// Returns the conditions for which an event is pending, and the flags with which it is active (`event_pending`).
    fn pending(&self, event: Place) -> u8 {
        let event = &self.events[event];
        let waits = match event.waits {
            Waits::Nothing => 0,
            Waits::Source(_) => event.what,
            Waits::Signal(_) => bits::SIGNAL,
        };
        let waits = if event.registered { waits } else { 0 };
        let timer = if event.timer == Timer::None { 0 } else { bits::TIMEOUT };
        let result = if !event.queued { 0 } else { event.result };
        (waits | timer | result) & bits::PENDING
    }

    fn say_place(&mut self) {
        let (polls, clock, now) = (self.world.polls, self.world.clock, self.now());
        self.say(format_args!("p{polls} t{clock} n{now} "));
    }

    fn say(&mut self, words: std::fmt::Arguments<'_>) {
        let written = self.trace.write_fmt(words);
        debug_assert!(written.is_ok(), "a string takes everything");
    }
}
