//! Generates programs with connections, timers and sources.
//!
//! If a connection's timeout and another deadline expire at the same time, the order of their callbacks is not
//! specified. So in a program with timeouts, each connection has a priority that no other connection or event has.

use fastrand::Rng;

use crate::{
    program::{
        ConnDecl, EventDecl, ExternalEvent, FIRST_CONN, INPUT, Id, Line, OUTPUT, Op, PeerAction,
        Program, SEND_BUFFER, Timeout, WaitsFor, bits, run,
    },
    random::RandomChoice,
};

/// The kinds of steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StepKind {
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
    PeerAction,
    PassTime,
    Event,
    Loop,
}

const STEP_KINDS: [StepKind; 16] = [
    StepKind::Write,
    StepKind::Room,
    StepKind::Consume,
    StepKind::Enable,
    StepKind::Disable,
    StepKind::Timeouts,
    StepKind::Again,
    StepKind::Refill,
    StepKind::Marks,
    StepKind::State,
    StepKind::Abort,
    StepKind::Finish,
    StepKind::PeerAction,
    StepKind::PassTime,
    StepKind::Event,
    StepKind::Loop,
];

/// The priorities of connections and of events in a program with timeouts.
const CONN_PRIORITIES: [u8; 4] = [1, 3, 5, 6];
const EVENT_PRIORITIES: [u8; 4] = [0, 2, 4, 7];
/// The priorities of connections in a program without timeouts.
const SHARED_PRIORITIES: [u8; 5] = [4, 4, 4, 3, 5];
const TIMES: [u64; 9] = [0, 5, 10, 10, 15, 20, 25, 30, 40];
const AMOUNTS: [usize; 8] = [1, 2, 3, 5, 8, INPUT, OUTPUT, OUTPUT + 4];

/// Generates the program of a seed. If the program has a pair, the first two connections are the pair.
pub fn generate(seed: u64, has_pair: bool) -> Program {
    let mut random = Rng::with_seed(seed);
    let has_timeouts = random.percent(45);
    let is_possible = |step| has_pair || step != StepKind::Finish;
    let mut steps: Vec<_> = STEP_KINDS
        .into_iter()
        .filter(|step| is_possible(*step))
        .filter(|step| random.percent(percent_of_programs(*step)))
        .collect();
    steps.retain(|step| has_timeouts || *step != StepKind::Timeouts);
    // If marks change, picoevent restarts both timeouts, but libevent restarts only the timeout for reading. So a
    // program with timeouts does not change marks.
    steps.retain(|step| !has_timeouts || *step != StepKind::Marks);
    if steps.is_empty() {
        steps.push(StepKind::Write);
    }
    let program = Program::default();
    let conns = if has_pair { 2 + random.usize(..2) } else { 1 + random.usize(..3) };
    let events = random.usize(..4);
    let has_resets = random.percent(25);
    let mut draft =
        Draft { random, program, conns, events, has_pair, has_timeouts, has_resets, steps };
    draft.add_declarations();
    draft.add_external_events();
    draft.main();
    draft.add_callback_steps();
    draft.add_deletes();
    draft.add_held_back_input();
    draft.program
}

/// Returns the probability, in percent, that a program has steps of this kind.
fn percent_of_programs(step: StepKind) -> usize {
    match step {
        StepKind::Write | StepKind::Consume => 80,
        StepKind::Timeouts => 90,
        StepKind::Abort | StepKind::Loop => 15,
        StepKind::Room | StepKind::Refill | StepKind::Finish => 20,
        StepKind::Marks => 35,
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
    steps: Vec<StepKind>,
}

impl Draft {
    fn push(&mut self, line: Line) {
        self.program.lines.push(line);
    }

    fn add_declarations(&mut self) {
        let mut unique_priorities = CONN_PRIORITIES;
        self.random.shuffle(&mut unique_priorities);
        for (index, unique) in unique_priorities.into_iter().take(self.conns).enumerate() {
            let priority =
                if self.has_timeouts { unique } else { self.random.one_of(&SHARED_PRIORITIES) };
            self.push(Line::Conn(ConnDecl { id: (FIRST_CONN + index) as Id, priority }));
        }
        if self.has_pair {
            self.push(Line::Pair(FIRST_CONN as Id, FIRST_CONN as Id + 1));
        }
        for id in 0..self.events as Id {
            let random = &mut self.random;
            let is_source = random.percent(30);
            let levels: &[u8] =
                if self.has_timeouts { &EVENT_PRIORITIES } else { &SHARED_PRIORITIES };
            let decl = EventDecl {
                id,
                waits: if is_source { WaitsFor::Source(id) } else { WaitsFor::Nothing },
                what: if is_source { random.one_of(&[bits::READ, bits::WRITE]) } else { 0 },
                edge: false,
                persist: random.percent(50),
                once: false,
                drain: is_source,
                priority: Some(random.one_of(levels)),
            };
            self.push(Line::Event(decl));
        }
    }

    fn add_external_events(&mut self) {
        let mut external_events: Vec<_> = (0..2 + self.random.usize(..7))
            .map(|_| {
                let time = self.random.one_of(&TIMES);
                if self.events > 0 && self.random.percent(15) {
                    let source = self.random.usize(..self.events) as u8;
                    return (time, ExternalEvent::Ready(source, bits::READ | bits::WRITE));
                }
                (time, ExternalEvent::Peer(self.conn(), self.peer()))
            })
            .collect();
        external_events.retain(
            |(_, event)| !matches!(event, ExternalEvent::Peer(id, _) if self.is_of_pair(*id)),
        );
        external_events.sort_by_key(|(time, _)| *time);
        for (time, event) in external_events {
            self.push(Line::At(time, event));
        }
    }

    fn main(&mut self) {
        for index in 0..self.conns {
            let id = (FIRST_CONN + index) as Id;
            if self.has_timeouts && self.random.percent(75) {
                let op = self.timeouts(id);
                self.push(Line::Main(op));
            }
            if self.random.percent(80) {
                self.push(Line::Main(Op::Enable(id, bits::READ)));
            }
            if self.random.percent(50) {
                let amount = self.random.one_of(&AMOUNTS);
                self.push(Line::Main(Op::Write(id, amount)));
            }
        }
        for id in 0..self.events as Id {
            let timeout = self.delay();
            self.push(Line::Main(Op::Add(id, timeout)));
        }
        for _ in 0..1 + self.random.usize(..3) {
            for _ in 0..self.random.usize(..3) {
                let op = self.op(None);
                self.push(Line::Main(op));
            }
            let modes = [run::ONCE, run::NONBLOCK, run::ONCE | run::NONBLOCK];
            let mode = if self.random.percent(65) { 0 } else { self.random.one_of(&modes) };
            self.push(Line::Main(Op::Run(mode)));
        }
    }

    fn add_callback_steps(&mut self) {
        for id in (0..self.events).chain(FIRST_CONN..FIRST_CONN + self.conns) {
            let of_conn = (id >= FIRST_CONN).then_some(id as Id);
            for firing in 0..self.random.usize(..8) as u32 {
                if let Some(id) = of_conn.filter(|_| self.random.percent(55)) {
                    let amount = self.random.one_of(&[1, 3, INPUT, INPUT]);
                    self.push(Line::On(id, firing, Op::Consume(id, amount)));
                }
                for _ in 0..self.random.usize(..3) {
                    let op = self.op(of_conn);
                    self.push(Line::On(id as Id, firing, op));
                }
            }
        }
    }

    /// Adds a step to one of the later callbacks of each event: the callback deletes the event. Without this step, a
    /// persistent timer would use up the program's limit of callbacks.
    fn add_deletes(&mut self) {
        for id in 0..self.events as Id {
            let firing = self.random.u32(3..8);
            self.push(Line::On(id, firing, Op::Del(id)));
        }
    }

    /// In some programs, adds steps that make the callback for input due and then disable reading, so that the callback
    /// must wait. Further steps enable reading after the run, and run the loop again.
    fn add_held_back_input(&mut self) {
        if self.random.percent(30) {
            let (id, firing) = (self.conn(), self.random.u32(..3));
            self.push(Line::On(id, firing, Op::Again(id)));
            self.push(Line::On(id, firing, Op::Disable(id, bits::READ)));
            self.push(Line::Main(Op::Enable(id, bits::READ)));
            self.push(Line::Main(Op::Run(0)));
        }
    }

    fn conn(&mut self) -> Id {
        (FIRST_CONN + self.random.usize(..self.conns)) as Id
    }

    fn is_of_pair(&self, id: Id) -> bool {
        self.has_pair && usize::from(id) < FIRST_CONN + 2
    }

    fn delay(&mut self) -> Timeout {
        Timeout::After(self.random.one_of(&[1, 5, 10, 10, 15, 20]))
    }

    fn peer(&mut self) -> PeerAction {
        match self.random.usize(..100) {
            0..50 => PeerAction::Send(self.random.one_of(&AMOUNTS)),
            50..80 => PeerAction::Take(self.random.one_of(&[1, 3, SEND_BUFFER, SEND_BUFFER])),
            80..90 if self.has_resets => PeerAction::Reset,
            _ => PeerAction::End,
        }
    }

    fn timeouts(&mut self, id: Id) -> Op {
        let each = [None, Some(3), Some(5), Some(10), Some(10), Some(20)];
        Op::Timeouts(id, self.random.one_of(&each), self.random.one_of(&each))
    }

    /// Chooses marks at random. Most of these marks are valid.
    fn marks(&mut self, id: Id) -> Op {
        if self.random.percent(60) {
            let high = self.random.one_of(&[1, 3, 5, 8, INPUT, INPUT]);
            let low = self.random.one_of(&[0, 1, 2, 3, 5, 8]);
            let low = if self.random.percent(90) { low.min(high) } else { low };
            return Op::Marks(id, bits::READ, low, high);
        }
        let high = self.random.one_of(&[3, 5, 8, OUTPUT, OUTPUT]);
        Op::Marks(id, bits::WRITE, self.random.one_of(&[0, 1, 3, 5]).min(high), high)
    }

    /// Chooses a step at random. A step in a connection's callback mostly acts on this connection.
    fn op(&mut self, of_conn: Option<Id>) -> Op {
        let step = self.random.one_of(&self.steps);
        let id = match of_conn {
            Some(id) if self.random.percent(70) => id,
            _ => self.conn(),
        };
        let directions = [bits::READ, bits::READ, bits::WRITE, bits::READ | bits::WRITE];
        match step {
            StepKind::Write if self.random.percent(25) => {
                Op::WriteSome(id, self.random.one_of(&AMOUNTS))
            }
            StepKind::Write => Op::Write(id, self.random.one_of(&AMOUNTS)),
            StepKind::Room => Op::Room(id, self.random.one_of(&[1, 4, OUTPUT / 2, OUTPUT])),
            StepKind::Consume => Op::Consume(id, self.random.one_of(&AMOUNTS)),
            StepKind::Enable => Op::Enable(id, self.random.one_of(&directions)),
            StepKind::Disable => Op::Disable(id, self.random.one_of(&directions)),
            StepKind::Timeouts => self.timeouts(id),
            StepKind::Again => Op::Again(id),
            StepKind::Refill => Op::Refill(id),
            StepKind::Marks => self.marks(id),
            StepKind::Abort => Op::Abort(id),
            StepKind::Finish if self.is_of_pair(id) => Op::Finish(id),
            StepKind::PeerAction if !self.is_of_pair(id) => Op::Peer(id, self.peer()),
            StepKind::PassTime => Op::PassTime(self.random.one_of(&[1, 5, 10])),
            StepKind::Event if self.events > 0 => {
                let event = self.random.usize(..self.events) as Id;
                match self.random.usize(..3) {
                    0 => Op::Del(event),
                    1 => Op::Activate(event, bits::TIMEOUT),
                    _ => Op::Add(event, self.delay()),
                }
            }
            StepKind::Loop => self.random.one_of(&[
                Op::Break,
                Op::Continue,
                Op::Exit(None),
                Op::Exit(Some(10)),
                Op::UpdateNow,
                Op::Counts,
            ]),
            StepKind::State | StepKind::Event | StepKind::Finish | StepKind::PeerAction => {
                Op::State(id)
            }
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
