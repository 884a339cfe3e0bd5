//! Driving a world: everything that can happen now, then on to the next time something can.
//!
//! ```text
//!   faults, acts, clients ──▶ calm ──▶ every client served ──▶ every table empty ──▶ interrupt ──▶ end
//!                              T          or stuck                or leak                  or stuck
//! ```

use std::cell::RefCell;

use super::client::{Client, Stage};
use super::clock;
use super::device::{Device, at};
use super::ether::Ether;
use super::executor::Postpone;
use super::fault::{Fault, FaultKind};
use super::interrupt;
use super::lab::{Lab, message};
use super::peer::Peer;
use super::plan::{self, Plan};
use super::question::{Question, Stream};
use super::timeline::{Moment, Timeline};
use super::vandal::Vandal;
use super::verdict::Verdict;
use embassy_net::ConfigV4;

/// Microseconds after the faults' end by which every client must be served.
const SERVED_WITHIN: u64 = 240_000_000;
/// Microseconds after that by which everything must be given back.
const EMPTY_WITHIN: u64 = 160_000_000;
/// Microseconds after the interrupt by which the loop must have ended.
const ENDED_WITHIN: u64 = 60_000_000;
/// Microseconds after which no socket serves anyone any more: the stack's own timeout, and the times
/// for lingering and for a reset.
const AT_REST_AFTER: u64 = 100_000_000;
/// Microseconds in which those who call then must be served.
const CALLED_WITHIN: u64 = 60_000_000;
/// Rounds in which the world must come to rest at one time.
const ROUNDS: u32 = 2_000;
/// Times that a world may have. It is far more than any needs.
const TIMES: u32 = 200_000;

/// How far the world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Faults happen.
    Rough,
    /// They are over, and clients are still to be served by this time.
    Serving(u64),
    /// Everyone is served; what is held must be given back by this time.
    Emptying(u64),
    /// Everything is given back; the last sockets become free until this time.
    Resting(u64),
    /// Clients call, one for each socket, and must all be served by this time.
    RollCall(u64),
    /// The interrupt came; the loop must end by this time.
    Ending(u64),
}

/// What to do next.
enum Judgement {
    Over(Verdict),
    /// Something was done at this very time.
    Again,
    GoOn,
}

pub(crate) struct World<'w> {
    ether: &'w RefCell<Ether>,
    lab: &'w Lab,
    device: Device<'w>,
    peer: Peer<'w>,
    vandal: Vandal,
    plan: &'w Plan,
    timeline: Timeline,
    active: Vec<Fault>,
    roll_call: Vec<Client>,
    phase: Phase,
    now: u64,
    ends_when_interrupted: bool,
    mild: bool,
}

/// What is known of a world beside its verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) served: u32,
    pub(crate) longest: u64,
    pub(crate) lasted: u64,
}

impl<'w> World<'w> {
    pub(crate) fn new(
        lab: &'w Lab,
        device: Device<'w>,
        plan: &'w Plan,
        (clients, mut roll_call): (Vec<Client>, Vec<Client>),
        port: u16,
        ends_when_interrupted: bool,
        seed: u64,
    ) -> Self {
        let ether = &lab.ether;
        let device_sockets = device.sockets;
        let address = (plan::DEVICE, port);
        let mild = plan.is_mild() && clients.iter().all(Client::calls_once);
        ether.borrow_mut().has_vandal = !plan.acts.is_empty();
        Self {
            ether,
            lab,
            device,
            peer: Peer::new(ether, clients, address, seed),
            vandal: Vandal::new(address),
            plan,
            timeline: Timeline::new(plan),
            active: Vec::new(),
            phase: Phase::Rough,
            now: 0,
            roll_call: {
                roll_call.truncate(device_sockets);
                roll_call
            },
            ends_when_interrupted,
            mild,
        }
    }

    /// Runs the world to its end.
    pub(crate) fn run(&mut self) -> Verdict {
        for _ in 0..TIMES {
            if let Err(verdict) = self.settle() {
                return verdict;
            }
            match self.judge() {
                Judgement::Over(verdict) => return verdict,
                // What was done must come to its end before time goes on.
                Judgement::Again => continue,
                Judgement::GoOn => {}
            }
            let next = self.next().max(self.now);
            self.now = next;
            self.ether.borrow_mut().tape.now = next;
            clock::set(next);
            while let Some(moment) = self.timeline.due(next) {
                self.begin(moment);
            }
        }
        Verdict::Stuck(format!("after {TIMES} steps there is no end in sight"))
    }

    /// What is known of it.
    pub(crate) fn summary(&self) -> Summary {
        let served = self.peer.clients.iter().filter(|client| client.served);
        Summary {
            served: served.clone().count() as u32,
            longest: served.map(|client| client.waited).max().unwrap_or(0),
            lasted: self.now,
        }
    }

    /// Lets everything happen that can happen without time passing.
    fn settle(&mut self) -> Result<(), Verdict> {
        let odds = self.plan.postpone;
        let ether = self.ether;
        let mut postpone = || {
            let tape = &mut ether.borrow_mut().tape;
            tape.ask(Stream::Schedule, Question::Postponed, |r| u64::from(r.chance(odds))) == 1
        };
        let mut busy = [(false, ""); 5];
        for _ in 0..ROUNDS {
            let delivered = self.ether.borrow_mut().deliver();
            let postpone: Option<Postpone<'_>> = if odds > 0 { Some(&mut postpone) } else { None };
            let worked = self.device.tasks.work(postpone);
            let worked = worked.map_err(|panic| Verdict::Crash(message(&*panic)))?;
            if let Some(problem) = self.lab.seen.borrow_mut().violation.take() {
                return Err(Verdict::Invariant(problem));
            }
            let answered = !self.plan.acts.is_empty() && {
                let ether = &mut self.ether.borrow_mut();
                self.vandal.work(ether)
            };
            let calm = self.phase != Phase::Rough;
            let ending = self.is_ending();
            let talked = self.peer.work(self.now, calm, ending).map_err(|complaint| {
                Verdict::Invariant(format!("client {}: {}", complaint.client, complaint.text))
            })?;
            let woken = clock::wake();
            if !(delivered | worked | answered | talked | woken) {
                return Ok(());
            }
            busy = [
                (delivered, "frames arrive"),
                (worked, "the device works"),
                (answered, "the vandal answers"),
                (talked, "the peers work"),
                (woken, "the device is woken by its clock"),
            ];
        }
        let busy: Vec<_> = busy.iter().filter(|(busy, _)| *busy).map(|(_, what)| *what).collect();
        let busy = busy.join(" and ");
        Err(Verdict::Stuck(format!(
            "the world does not come to rest: {busy}, {ROUNDS} times at once"
        )))
    }

    /// Sees how far the world is.
    fn judge(&mut self) -> Judgement {
        let over = Judgement::Over;
        if let Some(end) = self.device.end.get() {
            return over(match interrupt::raised() > 0 {
                true => Verdict::Pass,
                false => Verdict::Invariant(format!("the loop ended ({end:?}), and nobody asked")),
            });
        }
        if self.is_ending() && !matches!(self.phase, Phase::Ending(_)) {
            self.phase = Phase::Ending(self.now + ENDED_WITHIN);
        }
        if self.mild
            && self.is_roomy()
            && let Some(client) = self.peer.clients.iter().find(|client| client.turned_away > 0)
        {
            let text = "was turned away, and nothing was in the way";
            return over(Verdict::Invariant(format!("client {} {text}", client.number)));
        }
        match self.phase {
            Phase::Serving(_) if self.peer.is_served() => {
                self.phase = Phase::Emptying(self.now + EMPTY_WITHIN);
                Judgement::Again
            }
            Phase::Serving(by) if self.now >= by => over(self.unserved()),
            Phase::Emptying(by) => match self.is_empty() {
                Err(held) if self.now >= by => over(Verdict::Leak(held)),
                Err(_) => Judgement::GoOn,
                Ok(()) if !self.roll_call.is_empty() => {
                    self.phase = Phase::Resting(self.now + AT_REST_AFTER);
                    Judgement::Again
                }
                Ok(()) if !self.ends_when_interrupted => over(Verdict::Pass),
                Ok(()) => {
                    interrupt::raise();
                    self.phase = Phase::Ending(self.now + ENDED_WITHIN);
                    Judgement::Again
                }
            },
            Phase::Resting(until) if self.now >= until => {
                let now = self.now;
                self.roll_call.iter_mut().for_each(|client| client.call_at(now));
                self.peer.clients.append(&mut self.roll_call);
                self.phase = Phase::RollCall(now + CALLED_WITHIN);
                Judgement::Again
            }
            Phase::RollCall(by) => match self.roll_call() {
                Ok(true) => {
                    self.phase = Phase::Emptying(self.now + EMPTY_WITHIN);
                    Judgement::Again
                }
                Ok(false) if self.now < by => Judgement::GoOn,
                Ok(false) => over(Verdict::Leak("a socket is gone: nobody answers".to_owned())),
                Err(problem) => over(problem),
            },
            Phase::Ending(by) if self.now >= by => {
                let after = ENDED_WITHIN / 1_000_000;
                over(Verdict::Stuck(format!("the loop goes on {after} s after the interrupt")))
            }
            Phase::Rough | Phase::Serving(_) | Phase::Resting(_) | Phase::Ending(_) => {
                Judgement::GoOn
            }
        }
    }

    /// Whether the application was asked to end.
    fn is_ending(&self) -> bool {
        self.ends_when_interrupted && interrupt::raised() > 0
    }

    /// Whether there is a socket for each client from the beginning.
    fn is_roomy(&self) -> bool {
        self.peer.clients.len() <= self.device.sockets
    }

    /// Whether all who call at the end are served.
    fn roll_call(&self) -> Result<bool, Verdict> {
        let calling = || self.peer.clients.iter().filter(|client| client.is_of_roll_call());
        match calling().find(|client| client.turned_away > 0) {
            Some(client) => Err(Verdict::Leak(format!(
                "a socket is gone: client {} was turned away when all of them should listen",
                client.number
            ))),
            None => Ok(calling().all(|client| client.served)),
        }
    }

    fn unserved(&self) -> Verdict {
        let client = self.peer.clients.iter().find(|client| client.is_owed());
        let (number, how) = client.map_or((0, Stage::Gone), |client| (client.number, client.stage));
        let how = match how {
            Stage::Calling => "is connected and waits",
            _ => "is turned away again and again",
        };
        let after = SERVED_WITHIN / 1_000_000;
        Verdict::Stuck(format!("client {number} {how}, {after} s after the last fault"))
    }

    /// Whether everything is given back.
    fn is_empty(&self) -> Result<(), String> {
        let (held, first) = (self.lab.seen.borrow().counts, self.device.baseline);
        for (what, held, first) in [
            ("connections", held.conns, 0),
            ("events", held.events, first.events),
            ("listeners", held.listeners, first.listeners),
            ("things waited for", held.added, first.added),
        ] {
            if held > first {
                return Err(format!("{held} {what} are still there, and {first} should be"));
            }
        }
        Ok(())
    }

    fn begin(&mut self, moment: Moment) {
        match moment {
            Moment::Begins(fault) => {
                self.note(&fault, true);
                self.strike(&fault);
                self.active.push(fault);
            }
            Moment::Ends(fault) => {
                self.note(&fault, false);
                if let Some(index) = self.active.iter().position(|active| *active == fault) {
                    self.active.remove(index);
                }
                self.relieve(&fault);
            }
            Moment::Act(act) => self.vandal.act(act, &mut self.ether.borrow_mut()),
            Moment::Calm => {
                self.ether.borrow_mut().mark(|| "the faults are over".to_owned());
                if self.phase == Phase::Rough {
                    self.phase = Phase::Serving(self.now + SERVED_WITHIN);
                }
                let clients = self.peer.clients.iter_mut();
                clients.filter(|client| client.socket.is_some()).for_each(|c| c.wake = self.now);
            }
        }
        self.ether.borrow_mut().suffer(self.active.iter());
    }

    fn note(&mut self, fault: &Fault, begins: bool) {
        let mut ether = self.ether.borrow_mut();
        if begins {
            ether.struck[fault.kind as usize] += u32::from(!fault.kind.is_of_frames());
        }
        ether.digest.word(fault.kind as u64 | u64::from(begins) << 8);
        let now = self.now;
        if let Some(observer) = &mut ether.observer {
            observer.fault(now, fault, begins);
        }
    }

    /// What a fault does when it begins, beside what it does to frames.
    fn strike(&mut self, fault: &Fault) {
        match fault.kind {
            FaultKind::AddressLost | FaultKind::AddressChanged => {
                self.device.stack.set_config_v4(ConfigV4::None);
            }
            FaultKind::Reboot => self.peer.reboot(self.now, self.is_ending()),
            FaultKind::ClockStep => clock::step(fault.degree.min(86_400_000_000)),
            _ => {}
        }
    }

    /// What happens when a fault ends.
    fn relieve(&mut self, fault: &Fault) {
        let lost = |fault: &Fault| {
            matches!(fault.kind, FaultKind::AddressLost | FaultKind::AddressChanged)
        };
        if lost(fault) && !self.active.iter().any(lost) {
            if fault.kind == FaultKind::AddressChanged {
                let [a, b, c, last] = self.peer.device.0.octets();
                let address = [a, b, c, last % 60 + 2].into();
                self.peer.device_is_at(address, self.now, self.is_ending());
            }
            let address = self.peer.device.0;
            self.vandal.device_is_at(address);
            self.device.stack.set_config_v4(ConfigV4::Static(at(address)));
        }
    }

    /// The next time something happens.
    fn next(&self) -> u64 {
        let by = match self.phase {
            Phase::Rough => u64::MAX,
            Phase::Serving(by)
            | Phase::Emptying(by)
            | Phase::Resting(by)
            | Phase::RollCall(by)
            | Phase::Ending(by) => by,
        };
        let arrival = self.ether.borrow().next_arrival().unwrap_or(u64::MAX);
        let device = clock::next().unwrap_or(u64::MAX);
        arrival.min(device).min(self.peer.next()).min(self.timeline.next()).min(by)
    }
}
