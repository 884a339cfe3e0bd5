//! The model: a simple implementation of the loop, with lists and linear searches.
//!
//! Where a switch of [`crate::differences`] is at libevent's side, the model follows libevent 2.1.12 line by line,
//! including unintended behaviour. Where the switch is at our side, the model follows picoevent's documented rules. The
//! model shares no code with libevent or picoevent, so a bug in one of the three makes the traces differ.

mod bufferevent;
mod closure;
mod conn;
mod event;
mod iteration;
mod pair;
mod step;
mod timeout;

mod watcher;

use std::{collections::VecDeque, fmt::Write, rc::Rc};

use crate::{
    differences::{Sides, Switch},
    program::{CONNS, Id, LEVELS, MAX_ID, Plan, SIGNALS, SOURCES, WaitsFor, bits},
    world::{Reporting, World},
};

/// Runs the program with this setting of the switches. Returns the trace.
pub fn run(plan: &Rc<Plan>, sides: Sides) -> String {
    let mut model = Model::new(plan, sides);
    model.begin();
    for op in &plan.main {
        if model.is_over {
            break;
        }
        model.step(*op);
    }
    if model.is_over {
        model.trace.push_str("over\n");
    }
    model.trace
}

/// The index of an event in [`Model::events`].
type EventIndex = usize;

/// The owner of an event, or libevent's internal use of the event.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Owner {
    Declared(Id),
    Once(Id),
    /// libevent's event that sets the exit flag.
    #[default]
    Exit,
    /// libevent's event that reads the signals' pipe.
    Signals,
    /// libevent's event of a common timeout.
    CommonTimeout(usize),
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

/// A timeout in milliseconds, and the common timeout that it uses, if there is one.
#[derive(Clone, Copy)]
struct Interval {
    ms: u64,
    common: Option<usize>,
}

#[derive(Default)]
struct Event {
    owner: Owner,
    waits: WaitsFor,
    what: u8,
    edge: bool,
    persist: bool,
    priority: usize,
    /// Whether the event is on the list of its source or signal.
    registered: bool,
    queued: bool,
    result: u8,
    timer: Timer,
    deadline: u64,
    /// The sequence number of the deadline.
    sequence: u64,
    interval: Option<Interval>,
    /// The number of callbacks that are due for a signal: libevent's `ev_ncalls`.
    calls: u32,
    /// Whether libevent's `ev_pncalls` points to the counter of the closure that runs.
    counted: bool,
    /// The event's slot in picoevent's table.
    slot: Option<usize>,
}

impl Event {
    fn new(owner: Owner, waits: WaitsFor) -> Self {
        Self { owner, waits, priority: LEVELS / 2, ..Self::default() }
    }

    fn is_internal(&self) -> bool {
        matches!(self.owner, Owner::Signals | Owner::CommonTimeout(_))
    }

    fn is_signal(&self) -> bool {
        matches!(self.waits, WaitsFor::Signal(_))
    }
}

/// A common timeout: its members in the order of their deadlines, and libevent's event for the common timeout.
struct Common {
    ms: u64,
    members: Vec<EventIndex>,
    internal_event: EventIndex,
}

/// A count and its peak.
#[derive(Clone, Copy, Default)]
struct Count {
    now: i64,
    peak: i64,
}

impl Count {
    /// Adds one to the count, unless the event is an internal event of libevent. Then updates the peak.
    fn increment(&mut self, internal: bool) {
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
    by_id: [Option<EventIndex>; MAX_ID],
    firings: [u32; MAX_ID],
    watchers: Vec<Id>,
    /// The watcher that is called next.
    next_watcher: Option<Id>,
    /// The events on each source and socket, and on each signal.
    on_source: [Vec<EventIndex>; SOURCES + CONNS],
    on_signal: [Vec<EventIndex>; SIGNALS],
    /// The index in `commons` of each common timeout of the plan.
    common_index: Vec<usize>,
    commons: Vec<Common>,
    heap: Vec<EventIndex>,
    last_sequence: u64,

    conns: Vec<conn::Conn>,
    /// The connections of pairs that have pending actions, in order.
    conns_with_actions: Vec<usize>,
    /// The connection whose callbacks run now, and the callbacks of this connection that have run in this pass.
    conn_progress: (usize, u8),
    /// Whether a connection reached the front of the current level's queue, but none of its callbacks could run.
    no_callback_ran: bool,
    /// The number of deferred callbacks in this iteration of the loop, as libevent counts them.
    deferred_count: u32,
    /// The deferred callbacks that wait for the next iteration.
    deferred_to_next: Vec<EventIndex>,

    queues: [VecDeque<EventIndex>; LEVELS],
    running: Option<usize>,
    pass: u32,
    /// For each slot, the number of the last pass in which it ran.
    last_pass: Vec<u32>,
    /// The free slots.
    free_slots: Vec<usize>,
    added: Count,
    active: Count,

    /// The cached time that callbacks get, if a time is cached.
    cached_now: Option<u64>,
    /// The number of unreported raises of each signal.
    caught: [u32; SIGNALS],
    signal_reader: Option<EventIndex>,
    exit_at: Option<u64>,
    got_exit: bool,
    got_break: bool,
    ended_by_exit: bool,
    ended_by_break: bool,
    cut_short: bool,
    in_pass: bool,
    /// The remaining repeats of a signal's callback. `repeating` is the event with this callback.
    repeats: u32,
    repeating: Option<EventIndex>,
    calls: u32,
    is_over: bool,
}

impl Model {
    fn new(plan: &Rc<Plan>, sides: Sides) -> Self {
        let world = World::new(&plan.external_events, Reporting::EachPoll);
        Self { plan: plan.clone(), sides, world, pass: 1, ..Self::default() }
    }

    fn ours(&self, switch: Switch) -> bool {
        self.sides.ours(switch)
    }

    fn begin(&mut self) {
        let plan = self.plan.clone();
        for ms in &plan.commons {
            let known = self.commons.iter().position(|common| common.ms == *ms);
            let index = known.unwrap_or(self.commons.len());
            if known.is_none() {
                let internal_event = self.events.len();
                self.events.push(Event {
                    priority: 0,
                    ..Event::new(Owner::CommonTimeout(index), WaitsFor::Nothing)
                });
                self.commons.push(Common { ms: *ms, members: Vec::new(), internal_event });
            }
            self.common_index.push(index);
        }
        for decl in &plan.conns {
            self.make_conn(decl);
        }
        for (one, other) in &plan.pairs {
            self.make_pair(*one, *other);
        }
        for id in &plan.declared {
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
            ..Event::new(Owner::Declared(id), decl.waits)
        };
        self.by_id[usize::from(id)] = Some(self.events.len());
        self.events.push(event);
    }

    /// Takes the slot that was freed last, or a new slot if no slot is free.
    fn take_slot(&mut self) -> usize {
        self.free_slots.pop().unwrap_or_else(|| {
            self.last_pass.push(0);
            self.last_pass.len() - 1
        })
    }

    fn give_slot(&mut self, event: EventIndex) {
        self.free_slots.extend(self.events[event].slot.take());
    }

    fn now(&self) -> u64 {
        self.cached_now.unwrap_or(self.world.clock)
    }

    /// Returns the conditions for which an event is pending, and the flags with which the event is active. Models
    /// `event_pending`.
    fn pending(&self, event: EventIndex) -> u8 {
        let event = &self.events[event];
        let waits = match event.waits {
            WaitsFor::Nothing => 0,
            WaitsFor::Source(_) => event.what,
            WaitsFor::Signal(_) => bits::SIGNAL,
        };
        let waits = if event.registered { waits } else { 0 };
        let timer = if event.timer == Timer::None { 0 } else { bits::TIMEOUT };
        let result = if !event.queued { 0 } else { event.result };
        (waits | timer | result) & bits::PENDING
    }

    fn write_position(&mut self) {
        let (polls, clock, now) = (self.world.polls, self.world.clock, self.now());
        self.write_trace(format_args!("p{polls} t{clock} n{now} "));
    }

    fn write_trace(&mut self, text: std::fmt::Arguments<'_>) {
        let written = self.trace.write_fmt(text);
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }
}
