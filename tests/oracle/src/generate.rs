//! Draws a program from a seed.
//!
//! Each program leaves out features at random, so that the remaining ones interact more often.
//! Times are drawn from a few values, so that they coincide.

mod conn;
mod feature;

use clap::ValueEnum;
use fastrand::Rng;
use parse_display::Display;

use crate::{
    program::{Decl, Id, LEVELS, Limit, Line, News, Op, Program, Timeout, Waits, When, bits, run},
    random::Draw,
};
use feature::{Features, NOT_OF_WATCHERS, Verb};

/// The signals in use.
const USED_SIGNALS: [u8; 2] = [10, 12];
/// The number of the first watcher.
const FIRST_WATCHER: Id = 20;

/// A kind of programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, ValueEnum)]
#[display(style = "lowercase")]
pub enum Kind {
    /// Events of all sorts.
    Events,
    /// Connections, and a few events.
    Conns,
    /// A pair of connections in memory, another connection, and a few events.
    Pairs,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Events, Self::Conns, Self::Pairs];
}

/// Draws the program of a seed.
pub fn generate(kind: Kind, seed: u64) -> Program {
    match kind {
        Kind::Events => events(seed),
        Kind::Conns => conn::generate(seed, false),
        Kind::Pairs => conn::generate(seed, true),
    }
}

fn events(seed: u64) -> Program {
    let mut random = Rng::with_seed(seed);
    let features = Features::draw(&mut random);
    let mut draft =
        Draft { random, features, program: Program::default(), decls: Vec::new(), focus: 0 };
    draft.makes();
    draft.news();
    draft.main();
    draft.scripts();
    draft.program
}

struct Draft {
    random: Rng,
    features: Features,
    program: Program,
    decls: Vec<Decl>,
    /// The index of the event that steps concern until another event is drawn.
    focus: usize,
}

impl Draft {
    fn put(&mut self, line: Line) {
        self.program.lines.push(line);
    }

    fn makes(&mut self) {
        if self.features.limit {
            let callbacks = self.random.percent(60).then(|| 1 + self.random.usize(..3) as u32);
            let by_time = callbacks.is_none() || self.random.percent(30);
            let time = by_time.then(|| self.random.one(&[0, 5, 10]));
            let priority = self.random.one(&[0, 1, 4, 5]);
            self.put(Line::Limit(Limit { callbacks, time, priority }));
        }
        if self.features.common {
            for _ in 0..1 + self.random.usize(..3) {
                let ms = self.random.one(&[5, 10, 20]);
                self.put(Line::Common(ms));
            }
        }
        for id in 0..1 + self.random.usize(..6) as Id {
            let decl = self.decl(id);
            self.decls.push(decl);
            self.put(Line::Event(decl));
        }
        if self.features.watchers {
            for place in 0..1 + self.random.usize(..3) as Id {
                let when = self.random.one(&[When::Prepare, When::Check]);
                self.put(Line::Watcher(FIRST_WATCHER + place, when));
            }
        }
    }

    fn decl(&mut self, id: Id) -> Decl {
        let random = &mut self.random;
        let mut kinds = Vec::new();
        if self.features.timers {
            kinds.push(Waits::Nothing);
        }
        if self.features.sources {
            let source = random.usize(..2) as u8;
            kinds.extend([Waits::Source(source); 2]);
        }
        if self.features.signals {
            kinds.push(Waits::Signal(random.one(&USED_SIGNALS)));
        }
        let waits = random.one(&kinds);
        let (is_signal, source) = match waits {
            Waits::Signal(_) => (true, None),
            Waits::Source(source) => (false, Some(source)),
            Waits::Nothing => (false, None),
        };
        let all = [bits::READ, bits::READ, bits::WRITE, bits::CLOSED, bits::READ | bits::WRITE];
        // All events of a source are edge-triggered, or all are level-triggered, unless the program mixes them.
        let by_edge = if self.features.mixing { random.percent(50) } else { source == Some(0) };
        let once = self.features.once && !is_signal && random.percent(40);
        Decl {
            id,
            waits,
            what: if source.is_some() { random.one(&all) } else { 0 },
            edge: source.is_some() && self.features.edges && by_edge && !once,
            persist: !once && random.percent(60),
            once,
            drain: source.is_some() && random.percent(85),
            priority: (self.features.priorities && !once && random.percent(60))
                .then(|| random.usize(..LEVELS) as u8),
        }
    }

    fn news(&mut self) {
        let mut news = Vec::new();
        for _ in 0..self.random.usize(..7) {
            let random = &mut self.random;
            let time = random.one(&[0, 5, 10, 10, 12, 15, 20, 20, 30, 45]);
            if self.features.sources && (!self.features.signals || random.percent(60)) {
                news.push((time, News::Ready(random.usize(..2) as u8, readiness(random))));
            } else if self.features.signals {
                let count = 1 + random.usize(..3) as u16;
                news.push((time, News::Raise(random.one(&USED_SIGNALS), count)));
            }
        }
        news.sort_by_key(|(time, _)| *time);
        self.program.lines.extend(news.into_iter().map(|(time, news)| Line::At(time, news)));
    }

    fn main(&mut self) {
        for decl in self.decls.clone() {
            if self.random.percent(85) {
                let timeout = self.timeout(&decl, 60);
                self.put(Line::Main(Op::Add(decl.id, timeout)));
            }
        }
        for _ in 0..1 + self.random.usize(..3) {
            for _ in 0..self.random.usize(..4) {
                let verb = self.random.one(&self.features.verbs);
                if let Some(op) = self.op(verb) {
                    self.put(Line::Main(op));
                }
            }
            let modes =
                [run::ONCE, run::NONBLOCK, run::ONCE | run::NONBLOCK, run::NO_EXIT_ON_EMPTY];
            let mode = if self.random.percent(60) { 0 } else { self.random.one(&modes) };
            self.put(Line::Main(Op::Run(mode)));
        }
    }

    fn scripts(&mut self) {
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
            let verb = self.random.one(&self.features.verbs);
            if id >= FIRST_WATCHER && NOT_OF_WATCHERS.contains(&verb) {
                continue;
            }
            if let Some(op) = self.op(verb) {
                self.put(Line::On(id, firing, op));
            }
        }
    }

    fn op(&mut self, verb: Verb) -> Option<Op> {
        // Consecutive steps often concern the same event.
        if self.random.percent(60) {
            self.focus = self.random.usize(..self.decls.len());
        }
        let decl = self.decls[self.focus];
        let id = decl.id;
        if decl.once && !matches!(verb, Verb::Add | Verb::AddTimed) && verb.needs_handle() {
            return None;
        }
        let random = &mut self.random;
        Some(match verb {
            Verb::Add => Op::Add(id, self.timeout(&decl, 0)),
            Verb::AddTimed => Op::Add(id, self.timeout(&decl, 100)),
            Verb::Del => Op::Del(id),
            Verb::Activate => Op::Activate(id, activation(random, &decl)),
            Verb::Priority => Op::Priority(id, random.usize(..LEVELS) as u8),
            Verb::RemoveTimer => Op::RemoveTimer(id),
            Verb::Free if random.percent(50) => Op::Make(id),
            Verb::Free => Op::Free(id),
            Verb::Ask => Op::Ask(id),
            Verb::Counts => Op::Counts,
            Verb::Peaks => Op::Peaks,
            Verb::All => Op::All,
            Verb::Got => Op::Got,
            Verb::Exit => Op::Exit(random.one(&[None, None, Some(0), Some(5), Some(10), Some(20)])),
            Verb::Break => Op::Break,
            Verb::Continue => Op::Continue,
            Verb::Take => Op::Take(random.one(&[1, 5, 10, 25])),
            Verb::Look => Op::Look,
            Verb::Ready => Op::Ready(random.usize(..2) as u8, readiness(random)),
            Verb::Raise => Op::Raise(random.one(&USED_SIGNALS), 1 + random.usize(..3) as u16),
            Verb::Watch => {
                let watchers: Vec<_> = self.program.lines.iter().filter_map(watcher).collect();
                let id = random.one(&watchers);
                if random.percent(50) { Op::Watch(id) } else { Op::Unwatch(id) }
            }
        })
    }

    /// Draws a timeout for an event in `chance` of a hundred cases, and for a timer in at least 85 of them.
    fn timeout(&mut self, decl: &Decl, chance: usize) -> Timeout {
        let random = &mut self.random;
        let chance = if decl.waits == Waits::Nothing { chance.max(85) } else { chance };
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
        Timeout::After(random.one(&[1, 5, 5, 10, 10, 10, 15, 20, 30]))
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
    random.one(&all)
}

/// Draws the flags with which a step activates an event. They are mostly flags that the loop could report for it.
fn activation(random: &mut Rng, decl: &Decl) -> u8 {
    let own = match decl.waits {
        Waits::Nothing => bits::TIMEOUT,
        Waits::Signal(_) => bits::SIGNAL,
        Waits::Source(_) => decl.what,
    };
    random.one(&[own, own, bits::TIMEOUT, own | bits::TIMEOUT, bits::CUSTOM, bits::READ])
}
