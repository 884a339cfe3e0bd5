//! Runs a simulation: does everything that can happen now, then advances to the next time.
//!
//! ```text
//!   fault phase ──▶ quiet phase ──▶ every client served ──▶ every table empty ──▶ interrupt ──▶ end
//!                   (from time T)   or stuck                or leak                            or stuck
//! ```

use std::cell::RefCell;
use std::net::Ipv4Addr;

use picoevent::Counts;

use crate::world::choices::choice_point::{ChoicePoint, Stream};
use crate::world::choices::fault::Fault;
use crate::world::choices::kinds::UdpBehaviour;
use crate::world::device::clock;
use crate::world::device::executor::Postpone;
use crate::world::device::interrupt::{self, Handler};
use crate::world::device::panics::message;
use crate::world::device::shared::Shared;
use crate::world::device::size::Device;
use crate::world::network::address;
use crate::world::network::dhcp::Dhcp;
use crate::world::network::ether::Ether;
use crate::world::peers::answers::UdpService;
use crate::world::peers::attacker::Attacker;
use crate::world::peers::client::Client;
use crate::world::peers::peer::{DeviceError, Peer};
use crate::world::peers::script::MakeScript;
use crate::world::peers::udp_server::UdpServing;
use crate::world::simulation::plan::Plan;
use crate::world::simulation::timeline::Timeline;
use crate::world::simulation::verdict::Verdict;
use crate::world::simulation::waits::Waits;

mod judge;
mod planned_events;

/// The maximum number of rounds of work at one point in time. If there is still work to do after these rounds, the
/// verdict is stuck.
const ROUNDS: u32 = 2_000;
/// The maximum number of points in time at which something happens in a simulation. No correct simulation needs this
/// number of points.
const TIMES: u64 = 200_000;
/// The number of additional points in time for each second of the longest time limit of a condition of the quiet phase.
/// These points are added to [`TIMES`].
const TIMES_A_SECOND: u64 = 200;

/// The phase of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Faults happen.
    Faults,
    /// The faults are over. At this time, the progress of the clients that are not served yet is checked.
    Serving(u64),
    /// All clients are served. All objects must be freed by this time.
    Emptying(u64),
    /// All objects are freed. At this time no socket can be in use any more, and the socket-leak check begins.
    Resting(u64),
    /// Socket-leak check: several clients connect to a listener at once, at most one client for each socket of the
    /// listener. All of them must be served by this time.
    SocketLeakCheck(u64),
    /// The interrupt was raised. The loop must end by this time.
    Ending(u64),
}

/// What to do next.
enum Judgement {
    Over(Verdict),
    /// The judgement has started new work. Do this work at the current time, and then judge again.
    Again,
    GoOn,
}

pub(crate) struct Simulation<'w> {
    ether: &'w RefCell<Ether>,
    shared: &'w Shared,
    device: Device<'w>,
    peer: Peer<'w>,
    attacker: Attacker,
    dhcp: Option<Dhcp>,
    plan: &'w Plan,
    timeline: Timeline,
    active: Vec<Fault>,
    script: MakeScript<'w>,
    /// The ports of the listeners that the socket-leak check has already tested.
    checked: Vec<u16>,
    /// The number of times that an open listener had been closed when the last listener was checked.
    closings: u32,
    backlog: usize,
    /// See [`Application::limits`].
    limits: &'w [u64],
    handlers: &'w [Handler],
    /// The time at which the faults ended.
    quiet_since: u64,
    faults_are_over: bool,
    /// The number of interrupts reported to the observer.
    interrupts: u32,
    phase: Phase,
    /// The remaining number of checks of slow clients.
    checks_left: u32,
    progress_seen: u64,
    now: u64,
    ends_when_interrupted: bool,
    /// There are no faults, and each client connects only once. So no client may be refused.
    must_accept_all: bool,
    /// No datagram can be lost, and there is only one UDP client.
    loses_none: bool,
    /// See [`Application`].
    keeps_silent_clients: bool,
    relays: bool,
    /// See [`Application::later`].
    later: Counts,
}

/// The summary of a simulation, without its verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) served: u32,
    pub(crate) waited: Waits,
    pub(crate) lasted: u64,
    /// The number of connections that servers have accepted.
    pub(crate) accepted: u32,
}

/// The properties of an application that a simulation depends on.
#[derive(Clone, Copy)]
pub(crate) struct Application<'w> {
    /// The port on which the application listens.
    pub(crate) port: u16,
    /// The maximum number of sockets that listen for one listener.
    pub(crate) backlog: usize,
    pub(crate) ends_when_interrupted: bool,
    /// The ports of the servers that the application may connect to.
    pub(crate) servers: &'w [u16],
    /// The time limits of the conditions on the application and the servers, in microseconds from the end of the
    /// faults.
    pub(crate) limits: &'w [u64],
    pub(crate) handlers: &'w [Handler],
    pub(crate) has_ipv6: bool,
    /// The application's UDP services.
    pub(crate) services: &'w [UdpService],
    pub(crate) keeps_silent_clients: bool,
    pub(crate) relays: bool,
    /// The number of connections and events that the application adds after its start and does not free.
    pub(crate) later: Counts,
}

impl<'w> Simulation<'w> {
    pub(crate) fn new(
        shared: &'w Shared,
        device: Device<'w>,
        plan: &'w mut Plan,
        script: MakeScript<'w>,
        application: Application<'w>,
        seed: u64,
    ) -> Self {
        let clients = std::mem::take(&mut plan.clients);
        let udp_clients = std::mem::take(&mut plan.udp_clients);
        let crowd = plan.crowd.take();
        let plan = &*plan;
        let ether = &shared.ether;
        let Application { port, backlog, ends_when_interrupted, servers, limits, .. } = application;
        let must_accept_all = plan.is_undisturbed() && clients.iter().all(Client::connects_once);
        // If there are several clients, a datagram may be lost because the stack's buffers are full.
        let loses_none = match &*udp_clients {
            [client] => plan.is_undisturbed() && client.behaviour == UdpBehaviour::Normal,
            _ => false,
        };
        let services = application.services;
        ether.borrow_mut().udp_ports = services.iter().map(|service| service.port).collect();
        ether.borrow_mut().has_attacker = !plan.attacks.is_empty();
        ether.borrow_mut().servers = servers.to_vec();
        let lease = plan.lease.filter(|_| device.leased);
        ether.borrow_mut().has_server = lease.is_some();
        Self {
            ether,
            shared,
            device,
            peer: Peer::new(
                ether,
                clients,
                (udp_clients, services),
                (crowd, application.relays),
                (servers, &shared.programs),
                application.has_ipv6,
                address::DEVICE,
                seed,
            ),
            attacker: Attacker::new((address::DEVICE, port)),
            dhcp: lease.map(|lease| Dhcp::new(address::DEVICE, lease, plan.dhcp_start)),
            plan,
            timeline: Timeline::new(plan),
            active: Vec::new(),
            interrupts: 0,
            phase: Phase::Faults,
            checks_left: judge::SLOW_CLIENT_CHECKS,
            progress_seen: 0,
            now: 0,
            script,
            checked: Vec::new(),
            closings: 0,
            backlog,
            limits,
            handlers: application.handlers,
            quiet_since: 0,
            faults_are_over: false,
            ends_when_interrupted,
            must_accept_all,
            loses_none,
            keeps_silent_clients: application.keeps_silent_clients,
            relays: application.relays,
            later: application.later,
        }
    }

    /// Adds the UDP servers that the device may query.
    pub(crate) fn set_udp_servers(&mut self, servers: Vec<UdpServing>) {
        self.peer.udp_servers = servers;
    }

    /// Runs the simulation to its end.
    pub(crate) fn run(&mut self) -> Verdict {
        let verdict = self.run_to_end();
        let unserved = matches!(verdict, Verdict::Stuck(_)) && !self.peer.is_served();
        if verdict.is_pass() {
            return verdict;
        }
        let seen = self.shared.seen.borrow();
        let too_small = seen.rings.too_small(unserved);
        let sockets = self.device.sockets;
        let too_few = || seen.listeners.too_many(sockets).filter(|_| unserved);
        too_small.or_else(too_few).iter().fold(verdict, |verdict, why| verdict.because(why))
    }

    fn run_to_end(&mut self) -> Verdict {
        let longest = self.limits.iter().max().map_or(0, |micros| micros / 1_000_000);
        let times = TIMES + longest * TIMES_A_SECOND;
        for _ in 0..times {
            if let Err(verdict) = self.settle() {
                return verdict;
            }
            match self.judge() {
                Judgement::Over(verdict) => return verdict,
                // The judgement may have started new work, which must be done before the time advances.
                Judgement::Again => continue,
                Judgement::GoOn => {}
            }
            let next = self.next().max(self.now);
            self.now = next;
            self.ether.borrow_mut().choice_log.now = next;
            clock::set(next);
            while let Some(event) = self.timeline.due(next) {
                self.apply(event);
            }
        }
        Verdict::Stuck(format!("the simulation has not ended after {times} steps"))
    }

    /// Returns the summary.
    pub(crate) fn summary(&self) -> Summary {
        let accepted = self.peer.servers.iter().map(|server| server.accepted).sum();
        let mut summary = Summary { lasted: self.now, accepted, ..Summary::default() };
        for client in self.peer.clients.iter().filter(|client| client.served) {
            summary.served += 1;
            summary.waited.count(client.waited);
        }
        for client in self.peer.udp_clients.iter().filter(|client| client.served) {
            summary.served += 1;
            summary.waited.count(client.waited);
        }
        summary
    }

    /// Runs everything that can happen at the current time.
    fn settle(&mut self) -> Result<(), Verdict> {
        let odds = self.plan.postpone;
        let ether = self.ether;
        let mut postpone = || {
            let choice_log = &mut ether.borrow_mut().choice_log;
            choice_log
                .choose(Stream::Schedule, ChoicePoint::Postponed, |r| u64::from(r.chance(odds)))
                == 1
        };
        let mut busy = [(false, ""); 5];
        for _ in 0..ROUNDS {
            let delivered = self.ether.borrow_mut().deliver();
            let postpone: Option<Postpone<'_>> = if odds > 0 { Some(&mut postpone) } else { None };
            let worked = self.device.tasks.work(postpone);
            let worked = worked.map_err(|panic| Verdict::Crash(message(&*panic)))?;
            if self.interrupts != interrupt::raised() {
                self.interrupts = interrupt::raised();
                self.ether.borrow_mut().mark(|| "the interrupt is raised".to_owned());
            }
            if let Some(problem) = self.shared.seen.borrow_mut().violation.take() {
                return Err(Verdict::Invariant(problem));
            }
            let violated = |DeviceError(text)| Verdict::Invariant(text);
            self.peer.report_connects(clock::device_now()).map_err(violated)?;
            self.peer.check_datagrams().map_err(violated)?;
            self.peer.check_address_requests().map_err(violated)?;
            let answered = !self.plan.attacks.is_empty() && {
                let ether = &mut self.ether.borrow_mut();
                self.attacker.work(ether)
            };
            self.lease();
            let quiet = self.phase != Phase::Faults;
            let ending = self.is_ending();
            if quiet && self.keeps_silent_clients {
                self.peer.dismiss_others();
            }
            let quiet = (quiet, self.faults_are_over);
            let peers_worked = self.peer.work(self.now, quiet, ending).map_err(violated)?;
            let rechecked = self.check_conditions_again();
            let woken = clock::wake();
            if !(delivered | worked | answered | peers_worked | woken | rechecked) {
                return Ok(());
            }
            busy = [
                (delivered, "frames arrive"),
                (worked, "the device is busy"),
                (answered, "the attacker answers"),
                (peers_worked, "the peers are busy"),
                (woken, "the device is woken by its clock"),
            ];
        }
        let busy: Vec<_> = busy.iter().filter(|(busy, _)| *busy).map(|(_, what)| *what).collect();
        let busy = busy.join(" and ");
        Err(Verdict::Stuck(format!(
            "the virtual time does not advance: after {ROUNDS} rounds of work, {busy}"
        )))
    }

    /// Wakes the device if the program of a server was called since the last check and a condition of the quiet phase
    /// has not held yet. The device then checks the conditions again. Returns whether the device was woken.
    fn check_conditions_again(&mut self) -> bool {
        let mut programs = self.shared.programs.borrow_mut();
        let mut is_needed = false;
        programs
            .iter_mut()
            .for_each(|running| is_needed |= std::mem::take(&mut running.has_changed));
        is_needed &= self.shared.seen.borrow().unmet.iter().any(Option::is_some);
        if is_needed {
            self.device.tasks.wake();
        }
        is_needed
    }

    /// Runs the DHCP server.
    fn lease(&mut self) {
        let Some(dhcp) = &mut self.dhcp else { return };
        let granted = dhcp.work(&mut self.ether.borrow_mut());
        if let Some(address) = granted.filter(|address| *address != self.peer.device) {
            self.moved(address);
        }
    }

    /// Handles a change of the device's address.
    fn moved(&mut self, address: Ipv4Addr) {
        self.peer.device_is_at(address, self.now, self.is_ending());
        self.attacker.device_is_at(address);
    }

    /// Returns the next time at which something happens or a limit passes.
    fn next(&self) -> u64 {
        let by = match self.phase {
            Phase::Faults => u64::MAX,
            Phase::Serving(by)
            | Phase::Emptying(by)
            | Phase::Resting(by)
            | Phase::SocketLeakCheck(by)
            | Phase::Ending(by) => by,
        };
        let by = by.min(self.next_limit());
        let arrival = self.ether.borrow().next_arrival().unwrap_or(u64::MAX);
        let device = clock::next().unwrap_or(u64::MAX);
        arrival.min(device).min(self.peer.next()).min(self.timeline.next()).min(by)
    }
}
