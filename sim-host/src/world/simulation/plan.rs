//! The plan of a simulation: its configuration. All choices in a plan are made before the simulation begins.
//!
//! Each seed leaves out some kinds of faults and clients (swarm testing). If all kinds occurred in every simulation, a
//! bug that appears only when one kind of fault occurs often would not be found.

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{
    ChoicePoint, LATENCY, LEASES, MAX_DHCP_START, MAX_LATENCY, MAX_POSTPONE, MAX_QUIET, MAX_SLOW,
    MIN_QUIET, MOST, Stream,
};
use crate::world::choices::fault::Fault;
use crate::world::choices::kinds::AttackKind;
use crate::world::choices::kinds::FaultKind;
use crate::world::choices::random::Random;
use crate::world::choices::server_fault::ServerFault;
use crate::world::peers::answers::UdpService;
use crate::world::peers::attacker::Attack;
use crate::world::peers::client::Client;
use crate::world::peers::crowd::{Crowd, CrowdMaker};
use crate::world::peers::script::{CROWD, Choices, MakeScript};
use crate::world::peers::udp_client::UdpClient;

pub(crate) struct Plan {
    /// The index of the device's size.
    pub(crate) size: usize,
    /// The time at which the faults end, in microseconds.
    pub(crate) quiet: u64,
    /// The latency of a frame, in microseconds.
    pub(crate) latency: u64,
    /// The lease time of the device's address in seconds; `None` for a static address.
    pub(crate) lease: Option<u32>,
    /// The time at which the DHCP server starts, in microseconds.
    pub(crate) dhcp_start: u64,
    /// The seed of the stacks' ports and sequence numbers.
    pub(crate) numbers: u64,
    pub(crate) clock_start: u64,
    /// Ticks of the device's clock per million ticks of the simulation's clock.
    pub(crate) pace: u64,
    /// The probability, in thousandths, that a task that is ready to run is postponed.
    pub(crate) postpone: u64,
    /// The number of the preemption point at which the device is interrupted. Zero means that the interrupt is raised
    /// after all clients are served and all objects are freed. A preemption point is a point in the device's program at
    /// which an interrupt can occur while the device works.
    pub(crate) interrupt: u64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) attacks: Vec<Attack>,
    pub(crate) server_faults: Vec<ServerFault>,
    pub(crate) runs: Vec<Run>,
    pub(crate) clients: Vec<Client>,
    pub(crate) udp_clients: Vec<UdpClient>,
    pub(crate) crowd: Option<Crowd>,
    /// The maximum number of clients that connect to each listener at once in the socket-leak
    /// check.
    pub(crate) leak_check_clients: usize,
}

/// The properties of a test case that a plan depends on.
#[derive(Clone, Copy)]
pub(crate) struct Given<'c> {
    /// The number of sizes that the device may have.
    pub(crate) sizes: usize,
    /// For each server: the kinds of server faults that the server may have, as bits.
    pub(crate) servers: &'c [u64],
    /// The number of interrupt handlers.
    pub(crate) handlers: usize,
    pub(crate) has_ipv6: bool,
    pub(crate) has_clients: bool,
    /// The device's UDP services.
    pub(crate) services: &'c [UdpService],
    pub(crate) crowd: Option<&'c CrowdMaker>,
}

/// A run of an interrupt handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The number of the handler in the test case.
    pub(crate) handler: usize,
    pub(crate) at: u64,
    /// The number of preemption points between the time `at` and the run of the handler.
    pub(crate) points: u64,
    /// The number that the handler is called with.
    pub(crate) number: u64,
}

impl Run {
    /// Chooses the runs of a handler. No run has a time `at` that is later than `quiet`.
    fn choose_all(choice_log: &mut ChoiceLog, handler: usize, quiet: u64) -> Vec<Self> {
        let stream = Stream::Interrupt;
        let runs = choice_log.choose_for(stream, ChoicePoint::Runs, handler as u32, |r| {
            r.below(2) * r.below(MOST + 1)
        });
        let choose_run = |nth| {
            let nth = (handler as u64 * MOST + nth) as u32;
            let mut choose = |point, generate: &dyn Fn(&mut Random) -> u64| {
                choice_log.choose_for(stream, point, nth, generate)
            };
            let at = choose(ChoicePoint::Start, &|r| r.below(2) * r.spread(1, quiet)).min(quiet);
            let points = choose(ChoicePoint::Points, &|r| r.below(2) * r.spread(1, 200));
            let number = choose(ChoicePoint::Number, &|r| r.below(2) * r.next());
            Self { handler, at, points, number }
        };
        (0..runs.min(MOST)).map(choose_run).collect()
    }
}

impl Plan {
    pub(crate) fn choose(
        choice_log: &mut ChoiceLog,
        given: Given<'_>,
        script: MakeScript<'_>,
    ) -> Self {
        let Given { sizes, servers, handlers, has_ipv6, has_clients, services, crowd } = given;
        let mut choose = |point, generate: &dyn Fn(&mut Random) -> u64| {
            choice_log.choose(Stream::Setup, point, generate)
        };
        let size = choose(ChoicePoint::Size, &|r| r.below(sizes as u64));
        let more = choose(ChoicePoint::MoreClients, &|r| r.below(2) * r.below(4));
        let faults =
            choose(ChoicePoint::Faults, &|r| if r.chance(350) { 0 } else { r.spread(1, 4) });
        let attacks =
            choose(ChoicePoint::Attacks, &|r| if r.chance(800) { 0 } else { r.spread(1, 3) });
        // While a server is down, the application increases the delay between its connects, for example to a minute. To
        // test this, the fault phase may be longer if there are servers.
        let longest = if !servers.is_empty() { 60_000_000 } else { 12_000_000 };
        let quiet = choose(ChoicePoint::QuietAfter, &|r| r.below(2) * r.below(longest));
        let latency = choose(ChoicePoint::Latency, &|r| match r.below(4) {
            0 => r.spread(100, 100_000),
            _ => 0,
        });
        let lease =
            choose(ChoicePoint::Lease, &|r| if r.chance(120) { r.spread(20, 120) } else { 0 });
        let dhcp_start = match lease {
            0 => 0,
            _ => choose(ChoicePoint::DhcpStart, &|r| r.below(2) * r.spread(1_000, 6_000_000)),
        };
        let numbers = choose(ChoicePoint::Numbers, &|r| r.below(1 << 16));
        let clock_start = choose(ChoicePoint::ClockStart, &|r| match r.below(8) {
            0 => (1 << 31) - r.spread(1, 60_000_000),
            1 => (1 << 32) - r.spread(1, 60_000_000),
            2 => (1_000 << 32) - r.spread(1, 60_000_000),
            3 => (1 << 53) - r.spread(1, 60_000_000),
            _ => 0,
        });
        let drift = choose(ChoicePoint::Drift, &|r| match r.below(6) {
            0 => r.spread(1, 50_000),
            1 => 1_000_000 + r.spread(1, 50_000),
            _ => 0,
        });
        let postpone = choose(ChoicePoint::Postpone, &|r| r.below(2) * r.below(2) * r.below(500));
        let interrupt =
            choose(ChoicePoint::Interrupt, &|r| if r.chance(250) { r.spread(1, 600) } else { 0 });
        let leak_check_clients = choose(ChoicePoint::SocketLeakCheck, &|r| {
            if r.chance(200) { r.between(1, 6) } else { 0 }
        });
        let quiet = quiet.saturating_add(MIN_QUIET).min(MAX_QUIET);
        let swarm = choice_log.swarm();
        let (kinds, may_misbehave) = (swarm >> 8, swarm & 1 != 0);
        let choose_fault = |nth| Fault::choose(choice_log, nth as u32, kinds, quiet);
        let faults: Vec<_> = (0..faults.min(MOST)).map(choose_fault).collect();
        let server_faults = servers
            .iter()
            .enumerate()
            .flat_map(|(server, kinds)| {
                ServerFault::choose_all(choice_log, server, swarm >> 32 & kinds, quiet)
            })
            .collect();
        let runs =
            (0..handlers).flat_map(|handler| Run::choose_all(choice_log, handler, quiet)).collect();
        let attacks = (0..attacks.min(MOST))
            .map(|nth| Attack::choose(choice_log, nth as u32, quiet))
            .collect();
        let clients = (0..=more.min(MOST))
            .filter(|_| has_clients)
            .map(|number| {
                Client::choose(choice_log, number as u32, may_misbehave, has_ipv6, script)
            })
            .collect();
        let more = match services {
            [] => 0,
            _ => choice_log
                .choose(Stream::UdpClient, ChoicePoint::MoreClients, |r| r.below(2) * r.below(4)),
        };
        let udp_clients = (0..=more.min(MOST))
            .filter(|_| !services.is_empty())
            .map(|number| UdpClient::choose(choice_log, number as u32, services, has_ipv6))
            .collect();
        let crowd = crowd.map(|crowd| crowd.make(&mut Choices::new(choice_log, CROWD)));
        Self {
            size: (size as usize).min(sizes.saturating_sub(1)),
            quiet,
            latency: LATENCY + latency.min(MAX_LATENCY),
            lease: (lease > 0).then_some(lease.clamp(*LEASES.start(), *LEASES.end()) as u32),
            dhcp_start: dhcp_start.min(MAX_DHCP_START),
            numbers,
            clock_start,
            pace: match drift {
                fast @ 0..1_000_000 => 1_000_000 + fast,
                slow => 1_000_000 - (slow - 1_000_000).min(MAX_SLOW),
            },
            postpone: postpone.min(MAX_POSTPONE),
            interrupt,
            faults: faults.into_iter().filter(|fault| fault.kind != FaultKind::None).collect(),
            attacks,
            server_faults,
            runs,
            clients,
            udp_clients,
            crowd,
            leak_check_clients: leak_check_clients.min(MOST) as usize,
        }
    }

    /// Returns whether the plan has no faults, server faults, attacks, early interrupt or lease. In such a simulation,
    /// a connection that fails is an error of the device, unless the client's behaviour is the reason.
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.faults.is_empty()
            && self.server_faults.is_empty()
            && self.attacks.iter().all(|attack| attack.kind == AttackKind::None)
            && self.interrupt == 0
            && self.lease.is_none()
    }
}
