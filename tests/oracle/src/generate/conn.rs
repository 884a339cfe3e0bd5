//! Draws programs with connections, timers and sources.
//!
//! The order of a connection's timeout and another deadline at the same time is not promised. So in a program
//! with timeouts, each connection has a priority that no other connection or event has.

use fastrand::Rng;

use crate::{
    program::{
        ConnDecl, Decl, FIRST_CONN, INPUT, Id, Line, News, OUTPUT, Op, Peer, Program, SEND_BUFFER,
        Timeout, Waits, bits, run,
    },
    random::Draw,
};

/// The kinds of steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Write,
    Room,
    Consume,
    Enable,
    Disable,
    Timeouts,
    Again,
    Refill,
    Marks,
    State,
    Abort,
    Finish,
    Peer,
    Time,
    Event,
    Loop,
}

const VERBS: [Verb; 16] = [
    Verb::Write,
    Verb::Room,
    Verb::Consume,
    Verb::Enable,
    Verb::Disable,
    Verb::Timeouts,
    Verb::Again,
    Verb::Refill,
    Verb::Marks,
    Verb::State,
    Verb::Abort,
    Verb::Finish,
    Verb::Peer,
    Verb::Time,
    Verb::Event,
    Verb::Loop,
];

/// The priorities of connections in a program with timeouts, and of its events.
const OF_CONNS: [u8; 4] = [1, 3, 5, 6];
const OF_EVENTS: [u8; 4] = [0, 2, 4, 7];
/// The priorities of connections in a program without timeouts.
const OF_ALL: [u8; 5] = [4, 4, 4, 3, 5];
const TIMES: [u64; 9] = [0, 5, 10, 10, 15, 20, 25, 30, 40];
const AMOUNTS: [usize; 8] = [1, 2, 3, 5, 8, INPUT, OUTPUT, OUTPUT + 4];

/// Draws the program of a seed. If it has a pair, the first two connections are the pair.
pub fn generate(seed: u64, has_pair: bool) -> Program {
    let mut random = Rng::with_seed(seed);
    let has_timeouts = random.percent(45);
    let of_pair = |verb| has_pair || verb != Verb::Finish;
    let mut verbs: Vec<_> = VERBS
        .into_iter()
        .filter(|verb| of_pair(*verb))
        .filter(|verb| random.percent(chance(*verb)))
        .collect();
    verbs.retain(|verb| has_timeouts || *verb != Verb::Timeouts);
    // In picoevent new settings restart both timeouts. In libevent a high mark restarts the timeout for reading.
    verbs.retain(|verb| !has_timeouts || *verb != Verb::Marks);
    if verbs.is_empty() {
        verbs.push(Verb::Write);
    }
    let program = Program::default();
    let conns = if has_pair { 2 + random.usize(..2) } else { 1 + random.usize(..3) };
    let events = random.usize(..4);
    let has_resets = random.percent(25);
    let mut draft =
        Draft { random, program, conns, events, has_pair, has_timeouts, has_resets, verbs };
    draft.makes();
    draft.news();
    draft.main();
    draft.scripts();
    draft.ends();
    draft.holds_back();
    draft.program
}

/// Returns the percentage of programs that take such steps.
fn chance(verb: Verb) -> usize {
    match verb {
        Verb::Write | Verb::Consume => 80,
        Verb::Timeouts => 90,
        Verb::Abort | Verb::Loop => 15,
        Verb::Room | Verb::Refill | Verb::Finish => 20,
        Verb::Marks => 35,
        _ => 45,
    }
}

struct Draft {
    random: Rng,
    program: Program,
    conns: usize,
    events: usize,
    has_pair: bool,
    has_timeouts: bool,
    has_resets: bool,
    verbs: Vec<Verb>,
}

impl Draft {
    fn put(&mut self, line: Line) {
        self.program.lines.push(line);
    }

    fn makes(&mut self) {
        let mut own = OF_CONNS;
        self.random.shuffle(&mut own);
        for (place, own) in own.into_iter().take(self.conns).enumerate() {
            let priority = if self.has_timeouts { own } else { self.random.one(&OF_ALL) };
            self.put(Line::Conn(ConnDecl { id: (FIRST_CONN + place) as Id, priority }));
        }
        if self.has_pair {
            self.put(Line::Pair(FIRST_CONN as Id, FIRST_CONN as Id + 1));
        }
        for id in 0..self.events as Id {
            let random = &mut self.random;
            let is_source = random.percent(30);
            let levels: &[u8] = if self.has_timeouts { &OF_EVENTS } else { &OF_ALL };
            let decl = Decl {
                id,
                waits: if is_source { Waits::Source(id) } else { Waits::Nothing },
                what: if is_source { random.one(&[bits::READ, bits::WRITE]) } else { 0 },
                edge: false,
                persist: random.percent(50),
                once: false,
                drain: is_source,
                priority: Some(random.one(levels)),
            };
            self.put(Line::Event(decl));
        }
    }

    fn news(&mut self) {
        let mut news: Vec<_> = (0..2 + self.random.usize(..7))
            .map(|_| {
                let time = self.random.one(&TIMES);
                if self.events > 0 && self.random.percent(15) {
                    let source = self.random.usize(..self.events) as u8;
                    return (time, News::Ready(source, bits::READ | bits::WRITE));
                }
                (time, News::Peer(self.conn(), self.peer()))
            })
            .collect();
        news.retain(|(_, news)| !matches!(news, News::Peer(id, _) if self.is_of_pair(*id)));
        news.sort_by_key(|(time, _)| *time);
        for (time, news) in news {
            self.put(Line::At(time, news));
        }
    }

    fn main(&mut self) {
        for place in 0..self.conns {
            let id = (FIRST_CONN + place) as Id;
            if self.has_timeouts && self.random.percent(75) {
                let op = self.timeouts(id);
                self.put(Line::Main(op));
            }
            if self.random.percent(80) {
                self.put(Line::Main(Op::Enable(id, bits::READ)));
            }
            if self.random.percent(50) {
                let amount = self.random.one(&AMOUNTS);
                self.put(Line::Main(Op::Write(id, amount)));
            }
        }
        for id in 0..self.events as Id {
            let timeout = self.delay();
            self.put(Line::Main(Op::Add(id, timeout)));
        }
        for _ in 0..1 + self.random.usize(..3) {
            for _ in 0..self.random.usize(..3) {
                let op = self.op(None);
                self.put(Line::Main(op));
            }
            let modes = [run::ONCE, run::NONBLOCK, run::ONCE | run::NONBLOCK];
            let mode = if self.random.percent(65) { 0 } else { self.random.one(&modes) };
            self.put(Line::Main(Op::Run(mode)));
        }
    }

    fn scripts(&mut self) {
        for id in (0..self.events).chain(FIRST_CONN..FIRST_CONN + self.conns) {
            let of_conn = (id >= FIRST_CONN).then_some(id as Id);
            for firing in 0..self.random.usize(..8) as u32 {
                if let Some(id) = of_conn.filter(|_| self.random.percent(55)) {
                    let amount = self.random.one(&[1, 3, INPUT, INPUT]);
                    self.put(Line::On(id, firing, Op::Consume(id, amount)));
                }
                for _ in 0..self.random.usize(..3) {
                    let op = self.op(of_conn);
                    self.put(Line::On(id as Id, firing, op));
                }
            }
        }
    }

    /// Deletes each event in one of its later calls. Otherwise persistent timers would use up the
    /// program's limit of calls.
    fn ends(&mut self) {
        for id in 0..self.events as Id {
            let firing = self.random.u32(3..8);
            self.put(Line::On(id, firing, Op::Del(id)));
        }
    }

    /// In some programs, holds a callback for input back, and enables reading again after the run.
    fn holds_back(&mut self) {
        if self.random.percent(30) {
            let (id, firing) = (self.conn(), self.random.u32(..3));
            self.put(Line::On(id, firing, Op::Again(id)));
            self.put(Line::On(id, firing, Op::Disable(id, bits::READ)));
            self.put(Line::Main(Op::Enable(id, bits::READ)));
            self.put(Line::Main(Op::Run(0)));
        }
    }

    fn conn(&mut self) -> Id {
        (FIRST_CONN + self.random.usize(..self.conns)) as Id
    }

    fn is_of_pair(&self, id: Id) -> bool {
        self.has_pair && usize::from(id) < FIRST_CONN + 2
    }

    fn delay(&mut self) -> Timeout {
        Timeout::After(self.random.one(&[1, 5, 10, 10, 15, 20]))
    }

    fn peer(&mut self) -> Peer {
        match self.random.usize(..100) {
            0..50 => Peer::Send(self.random.one(&AMOUNTS)),
            50..80 => Peer::Take(self.random.one(&[1, 3, SEND_BUFFER, SEND_BUFFER])),
            80..90 if self.has_resets => Peer::Reset,
            _ => Peer::End,
        }
    }

    fn timeouts(&mut self, id: Id) -> Op {
        let each = [None, Some(3), Some(5), Some(10), Some(10), Some(20)];
        Op::Timeouts(id, self.random.one(&each), self.random.one(&each))
    }

    /// Draws marks that mostly fit the rings.
    fn marks(&mut self, id: Id) -> Op {
        if self.random.percent(60) {
            let high = self.random.one(&[1, 3, 5, 8, INPUT, INPUT]);
            let low = self.random.one(&[0, 1, 2, 3, 5, 8]);
            let low = if self.random.percent(90) { low.min(high) } else { low };
            return Op::Marks(id, bits::READ, low, high);
        }
        let high = self.random.one(&[3, 5, 8, OUTPUT, OUTPUT]);
        Op::Marks(id, bits::WRITE, self.random.one(&[0, 1, 3, 5]).min(high), high)
    }

    /// Draws a step. A step in a connection's callback mostly concerns that connection.
    fn op(&mut self, of_conn: Option<Id>) -> Op {
        let verb = self.random.one(&self.verbs);
        let id = match of_conn {
            Some(id) if self.random.percent(70) => id,
            _ => self.conn(),
        };
        let directions = [bits::READ, bits::READ, bits::WRITE, bits::READ | bits::WRITE];
        match verb {
            Verb::Write if self.random.percent(25) => Op::Some(id, self.random.one(&AMOUNTS)),
            Verb::Write => Op::Write(id, self.random.one(&AMOUNTS)),
            Verb::Room => Op::Room(id, self.random.one(&[1, 4, OUTPUT / 2, OUTPUT])),
            Verb::Consume => Op::Consume(id, self.random.one(&AMOUNTS)),
            Verb::Enable => Op::Enable(id, self.random.one(&directions)),
            Verb::Disable => Op::Disable(id, self.random.one(&directions)),
            Verb::Timeouts => self.timeouts(id),
            Verb::Again => Op::Again(id),
            Verb::Refill => Op::Refill(id),
            Verb::Marks => self.marks(id),
            Verb::Abort => Op::Abort(id),
            Verb::Finish if self.is_of_pair(id) => Op::Finish(id),
            Verb::Peer if !self.is_of_pair(id) => Op::Peer(id, self.peer()),
            Verb::Time => Op::Take(self.random.one(&[1, 5, 10])),
            Verb::Event if self.events > 0 => {
                let event = self.random.usize(..self.events) as Id;
                match self.random.usize(..3) {
                    0 => Op::Del(event),
                    1 => Op::Activate(event, bits::TIMEOUT),
                    _ => Op::Add(event, self.delay()),
                }
            }
            Verb::Loop => self.random.one(&[
                Op::Break,
                Op::Continue,
                Op::Exit(None),
                Op::Exit(Some(10)),
                Op::Look,
                Op::Counts,
            ]),
            Verb::State | Verb::Event | Verb::Finish | Verb::Peer => Op::State(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_timeouts_a_connection_shares_its_priority_with_nothing() {
        for seed in 0..500 {
            let lines = generate(seed, seed % 2 == 0).lines;
            let has_timeouts = lines.iter().any(|line| matches!(line.op(), Some(Op::Timeouts(..))));
            if !has_timeouts {
                continue;
            }
            let conns: Vec<_> = lines
                .iter()
                .filter_map(|line| match line {
                    Line::Conn(decl) => Some(decl.priority),
                    _ => None,
                })
                .collect();
            let events = lines.iter().filter_map(|line| match line {
                Line::Event(decl) => decl.priority,
                _ => None,
            });
            let mut all: Vec<_> = events.filter(|priority| conns.contains(priority)).collect();
            assert!(all.is_empty(), "seed {seed}");
            all.extend(&conns);
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), conns.len(), "seed {seed}");
        }
    }
}
