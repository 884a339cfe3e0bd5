//! Generates a program from a seed.
//!
//! Each program leaves out some features at random, so that the remaining features interact more often. Times are
//! chosen from a few values, so that several events often have the same time.

mod conn;
mod feature;

use clap::ValueEnum;
use fastrand::Rng;
use parse_display::Display;

use crate::{
    program::{
        EventDecl, ExternalEvent, Id, LEVELS, Limit, Line, Op, Program, Timeout, WaitsFor,
        WatcherKind, bits, run,
    },
    random::RandomChoice,
};
use feature::{Features, NOT_IN_WATCHERS, StepKind};

/// The signals in use.
const USED_SIGNALS: [u8; 2] = [10, 12];
/// The number of the first watcher.
const FIRST_WATCHER: Id = 20;

/// A kind of program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, ValueEnum)]
#[display(style = "lowercase")]
pub enum Kind {
    /// A program with all kinds of events.
    Events,
    /// A program with connections and a few events.
    Conns,
    /// A program with a pair of connections in memory, possibly another connection, and a few events.
    Pairs,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Events, Self::Conns, Self::Pairs];
}

/// Generates the program of a seed.
pub fn generate(kind: Kind, seed: u64) -> Program {
    match kind {
        Kind::Events => events(seed),
        Kind::Conns => conn::generate(seed, false),
        Kind::Pairs => conn::generate(seed, true),
    }
}

fn events(seed: u64) -> Program {
    let mut random = Rng::with_seed(seed);
    let features = Features::choose(&mut random);
    let mut draft =
        Draft { random, features, program: Program::default(), decls: Vec::new(), focus: 0 };
    draft.add_declarations();
    draft.add_external_events();
    draft.main();
    draft.add_callback_steps();
    draft.program
}

struct Draft {
    random: Rng,
    features: Features,
    program: Program,
    decls: Vec<EventDecl>,
    /// The index of the current event. The generated steps act on this event until another event is chosen at random.
    focus: usize,
}

impl Draft {
    fn push(&mut self, line: Line) {
        self.program.lines.push(line);
    }

    fn add_declarations(&mut self) {
        if self.features.limit {
            let callbacks = self.random.percent(60).then(|| 1 + self.random.usize(..3) as u32);
            let by_time = callbacks.is_none() || self.random.percent(30);
            let time = by_time.then(|| self.random.one_of(&[0, 5, 10]));
            let priority = self.random.one_of(&[0, 1, 4, 5]);
            self.push(Line::Limit(Limit { callbacks, time, priority }));
        }
        if self.features.common {
            for _ in 0..1 + self.random.usize(..3) {
                let ms = self.random.one_of(&[5, 10, 20]);
                self.push(Line::Common(ms));
            }
        }
        for id in 0..1 + self.random.usize(..6) as Id {
            let decl = self.decl(id);
            self.decls.push(decl);
            self.push(Line::Event(decl));
        }
        if self.features.watchers {
            for index in 0..1 + self.random.usize(..3) as Id {
                let when = self.random.one_of(&[WatcherKind::Prepare, WatcherKind::Check]);
                self.push(Line::Watcher(FIRST_WATCHER + index, when));
            }
        }
    }

    fn decl(&mut self, id: Id) -> EventDecl {
        let random = &mut self.random;
        let mut kinds = Vec::new();
        if self.features.timers {
            kinds.push(WaitsFor::Nothing);
        }
        if self.features.sources {
            let source = random.usize(..2) as u8;
            kinds.extend([WaitsFor::Source(source); 2]);
        }
        if self.features.signals {
            kinds.push(WaitsFor::Signal(random.one_of(&USED_SIGNALS)));
        }
        let waits = random.one_of(&kinds);
        let (is_signal, source) = match waits {
            WaitsFor::Signal(_) => (true, None),
            WaitsFor::Source(source) => (false, Some(source)),
            WaitsFor::Nothing => (false, None),
        };
        let all = [bits::READ, bits::READ, bits::WRITE, bits::CLOSED, bits::READ | bits::WRITE];
        // All events of a source are edge-triggered, or all are level-triggered, unless the program mixes them.
        let by_edge = if self.features.mixing { random.percent(50) } else { source == Some(0) };
        let once = self.features.once && !is_signal && random.percent(40);
        EventDecl {
            id,
            waits,
            what: if source.is_some() { random.one_of(&all) } else { 0 },
            edge: source.is_some() && self.features.edges && by_edge && !once,
            persist: !once && random.percent(60),
            once,
            drain: source.is_some() && random.percent(85),
            priority: (self.features.priorities && !once && random.percent(60))
                .then(|| random.usize(..LEVELS) as u8),
        }
    }

    fn add_external_events(&mut self) {
        let mut external_events = Vec::new();
        for _ in 0..self.random.usize(..7) {
            let random = &mut self.random;
            let time = random.one_of(&[0, 5, 10, 10, 12, 15, 20, 20, 30, 45]);
            if self.features.sources && (!self.features.signals || random.percent(60)) {
                external_events
                    .push((time, ExternalEvent::Ready(random.usize(..2) as u8, readiness(random))));
            } else if self.features.signals {
                let count = 1 + random.usize(..3) as u16;
                external_events
                    .push((time, ExternalEvent::Raise(random.one_of(&USED_SIGNALS), count)));
            }
        }
        external_events.sort_by_key(|(time, _)| *time);
        self.program
            .lines
            .extend(external_events.into_iter().map(|(time, event)| Line::At(time, event)));
    }

    fn main(&mut self) {
        for decl in self.decls.clone() {
            if self.random.percent(85) {
                let timeout = self.timeout(&decl, 60);
                self.push(Line::Main(Op::Add(decl.id, timeout)));
            }
        }
        for _ in 0..1 + self.random.usize(..3) {
            for _ in 0..self.random.usize(..4) {
                let step = self.random.one_of(&self.features.steps);
                if let Some(op) = self.op(step) {
                    self.push(Line::Main(op));
                }
            }
            let modes =
                [run::ONCE, run::NONBLOCK, run::ONCE | run::NONBLOCK, run::NO_EXIT_ON_EMPTY];
            let mode = if self.random.percent(60) { 0 } else { self.random.one_of(&modes) };
            self.push(Line::Main(Op::Run(mode)));
        }
    }

    fn add_callback_steps(&mut self) {
        let watchers: Vec<_> = self.program.lines.iter().filter_map(watcher).collect();
        let events: Vec<_> = self.decls.iter().map(|decl| decl.id).collect();
        for (ids, most) in [(events, 5), (watchers, 3)] {
            for id in ids {
                for firing in 0..self.random.usize(..most + 1) as u32 {
                    self.script(id, firing);
                }
            }
        }
    }

    fn script(&mut self, id: Id, firing: u32) {
        if usize::from(id) < self.decls.len() && self.random.percent(30) {
            self.focus = usize::from(id);
        }
        for _ in 0..self.random.usize(..4) {
            let step = self.random.one_of(&self.features.steps);
            if id >= FIRST_WATCHER && NOT_IN_WATCHERS.contains(&step) {
                continue;
            }
            if let Some(op) = self.op(step) {
                self.push(Line::On(id, firing, op));
            }
        }
    }

    fn op(&mut self, step: StepKind) -> Option<Op> {
        // Consecutive steps often act on the same event.
        if self.random.percent(60) {
            self.focus = self.random.usize(..self.decls.len());
        }
        let decl = self.decls[self.focus];
        let id = decl.id;
        if decl.once && !matches!(step, StepKind::Add | StepKind::AddTimed) && step.needs_handle() {
            return None;
        }
        let random = &mut self.random;
        Some(match step {
            StepKind::Add => Op::Add(id, self.timeout(&decl, 0)),
            StepKind::AddTimed => Op::Add(id, self.timeout(&decl, 100)),
            StepKind::Del => Op::Del(id),
            StepKind::Activate => Op::Activate(id, activation(random, &decl)),
            StepKind::Priority => Op::Priority(id, random.usize(..LEVELS) as u8),
            StepKind::RemoveTimer => Op::RemoveTimer(id),
            StepKind::Free if random.percent(50) => Op::Make(id),
            StepKind::Free => Op::Free(id),
            StepKind::Query => Op::Query(id),
            StepKind::Counts => Op::Counts,
            StepKind::Peaks => Op::Peaks,
            StepKind::All => Op::All,
            StepKind::Got => Op::Got,
            StepKind::Exit => {
                Op::Exit(random.one_of(&[None, None, Some(0), Some(5), Some(10), Some(20)]))
            }
            StepKind::Break => Op::Break,
            StepKind::Continue => Op::Continue,
            StepKind::PassTime => Op::PassTime(random.one_of(&[1, 5, 10, 25])),
            StepKind::UpdateNow => Op::UpdateNow,
            StepKind::Ready => Op::Ready(random.usize(..2) as u8, readiness(random)),
            StepKind::Raise => {
                Op::Raise(random.one_of(&USED_SIGNALS), 1 + random.usize(..3) as u16)
            }
            StepKind::Watch => {
                let watchers: Vec<_> = self.program.lines.iter().filter_map(watcher).collect();
                let id = random.one_of(&watchers);
                if random.percent(50) { Op::Watch(id) } else { Op::Unwatch(id) }
            }
        })
    }

    /// Chooses a timeout at random, or no timeout. The probability of a timeout is `chance` percent, and at least 85
    /// percent if the event is a timer.
    fn timeout(&mut self, decl: &EventDecl, chance: usize) -> Timeout {
        let random = &mut self.random;
        let chance = if decl.waits == WaitsFor::Nothing { chance.max(85) } else { chance };
        if !random.percent(chance) {
            return Timeout::None;
        }
        let commons = self.program.lines.iter().filter(|line| matches!(line, Line::Common(_)));
        let commons = commons.count();
        if commons > 0 && !decl.once && random.percent(60) {
            return Timeout::Common(random.usize(..commons));
        }
        if self.features.zero && random.percent(25) {
            return Timeout::After(0);
        }
        Timeout::After(random.one_of(&[1, 5, 5, 10, 10, 10, 15, 20, 30]))
    }
}

fn watcher(line: &Line) -> Option<Id> {
    match line {
        Line::Watcher(id, _) => Some(*id),
        _ => None,
    }
}

fn readiness(random: &mut Rng) -> u8 {
    let all = [
        0,
        bits::READ,
        bits::READ,
        bits::WRITE,
        bits::READ | bits::WRITE,
        bits::READ | bits::CLOSED,
        bits::IO,
    ];
    random.one_of(&all)
}

/// Chooses the flags with which a step activates an event. They are mostly flags that the loop could report for the
/// event.
fn activation(random: &mut Rng, decl: &EventDecl) -> u8 {
    let own = match decl.waits {
        WaitsFor::Nothing => bits::TIMEOUT,
        WaitsFor::Signal(_) => bits::SIGNAL,
        WaitsFor::Source(_) => decl.what,
    };
    random.one_of(&[own, own, bits::TIMEOUT, own | bits::TIMEOUT, bits::CUSTOM, bits::READ])
}
