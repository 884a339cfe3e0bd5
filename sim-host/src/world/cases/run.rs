//! One run of a test case.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use picoevent::End;

use crate::recording::Recorded;
use crate::world::cases::any_test_case::AnyTestCase;
use crate::world::cases::replay;
use crate::world::cases::simulator::Simulator;
use crate::world::cases::test_case::TestCase;
use crate::world::choices::random::mix;
use crate::world::choices::scenario::{Properties, Scenario, ScenarioError};
use crate::world::device::clock;
use crate::world::device::interrupt;
use crate::world::device::panics::{Watched, message};
use crate::world::device::size::{Device, Size};
use crate::world::peers::script::{Choices, SERVERS_FROM, Script, UDP_SERVERS_FROM};
use crate::world::peers::service::Running;
use crate::world::peers::udp_server::UdpServing;
use crate::world::simulation::drive::{Application, Simulation, Summary};
use crate::world::simulation::plan::{Given, Plan};
use crate::world::simulation::verdict::{Outcome, Verdict};

impl<A: 'static> TestCase<A> {
    /// Chooses a kind of client, and makes the script of the client. If `port` is given, only kinds of clients that
    /// connect to `port` are chosen.
    fn script(&self, port: Option<u16>, choices: &mut Choices<'_>) -> (u16, Script) {
        let of_port = |kind: &&(u16, _)| port.is_none_or(|port| kind.0 == port);
        let kinds: Vec<_> = self.scripts.iter().filter(of_port).collect();
        let kind = match kinds.len() {
            0 | 1 => 0,
            kinds => choices.up_to(kinds as u64 - 1) as usize,
        };
        match kinds.get(kind) {
            Some((port, script)) => (*port, script(choices)),
            None => {
                (port.unwrap_or(self.program.port), Script::new().pause(Duration::from_millis(10)))
            }
        }
    }

    /// Returns whether the test case has TCP clients. If it has no scripts, no servers and no UDP clients, it has TCP
    /// clients that only connect.
    fn has_clients(&self) -> bool {
        !self.scripts.is_empty() || self.program.servers.is_empty() && self.services.is_empty()
    }

    fn simulate(&self, simulator: &Simulator) -> (Verdict, Summary) {
        let script = |port: Option<u16>, choices: &mut Choices<'_>| self.script(port, choices);
        let mut ether = simulator.shared.ether.borrow_mut();
        let (servers, handlers) = (&self.program.servers, &self.program.handlers);
        let server_faults: Vec<_> = servers.iter().map(|server| server.server_faults).collect();
        let given = Given {
            sizes: self.sizes.len(),
            servers: &server_faults,
            handlers: handlers.len(),
            has_ipv6: self.program.has_ipv6,
            has_clients: self.has_clients(),
            services: &self.services,
            crowd: self.crowd.as_ref(),
        };
        let mut plan = Plan::choose(&mut ether.choice_log, given, &script);
        let choice_log = &mut ether.choice_log;
        *simulator.shared.programs.borrow_mut() = (SERVERS_FROM..)
            .zip(servers)
            .map(|(number, server)| server.make(&mut Choices::new(choice_log, number)))
            .map(Running::new)
            .collect();
        let mut udp_servers: Vec<_> = (UDP_SERVERS_FROM..)
            .zip(&self.udp_servers)
            .map(|(number, (port, make))| {
                UdpServing::new(*port, make(&mut Choices::new(choice_log, number)))
            })
            .collect();
        ether.restart(plan.latency);
        drop(ether);
        let ports: Vec<_> = servers.iter().map(|server| server.port).collect();
        let limits: Vec<_> = servers.iter().flat_map(|server| server.limits()).collect();
        let limits: Vec<_> = limits.iter().map(|limit| limit.as_micros() as u64).collect();
        simulator.shared.seen.borrow_mut().restart();
        clock::start(plan.clock_start, plan.pace);
        let triggers = interrupt::start(plan.interrupt, handlers);
        let seed = mix(plan.numbers);
        let (leased, size) = (plan.lease.is_some(), plan.size);
        let mut summary = Summary::default();
        let mut verdict = None;
        let mut judge = |device: Device<'_>| {
            let application = Application {
                port: self.program.port,
                backlog: self.program.config.backlog,
                ends_when_interrupted: self.ends_when_interrupted,
                servers: &ports,
                limits: &limits,
                handlers,
                services: &self.services,
                keeps_silent_clients: self.keeps_silent_clients,
                relays: self.relays,
                later: self.later,
                has_ipv6: given.has_ipv6,
            };
            let mut simulation =
                Simulation::new(&simulator.shared, device, &mut plan, &script, application, seed);
            simulation.set_udp_servers(std::mem::take(&mut udp_servers));
            verdict = Some(simulation.run());
            summary = simulation.summary();
        };
        let ran = self.sizes[size].run(
            &self.program,
            &simulator.shared,
            &triggers,
            seed,
            leased,
            &mut judge,
        );
        let verdict = match (ran, verdict) {
            (Err(problem), _) => Verdict::Invariant(problem),
            (Ok(()), Some(verdict)) => verdict,
            (Ok(()), None) => Verdict::Invariant("the device did not run".to_owned()),
        };
        (verdict, summary)
    }
}

impl<A: 'static> AnyTestCase for TestCase<A> {
    fn name(&self) -> &str {
        &self.name
    }

    fn accepts(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        scenario.check(&Properties {
            name: &self.name,
            sizes: self.sizes.iter().map(Size::may_lease).collect(),
            servers: self.program.servers.iter().map(|server| server.port).collect(),
            has_clients: self.has_clients(),
        })
    }

    fn run(&self, simulator: &mut Simulator) -> Outcome {
        let watched = Watched::new();
        let ran = catch_unwind(AssertUnwindSafe(|| self.simulate(simulator)));
        let (verdict, summary) =
            ran.unwrap_or_else(|panic| (Verdict::Crash(message(&*panic)), Summary::default()));
        drop(watched);
        interrupt::start(0, &self.program.handlers);
        let ether = simulator.shared.ether.get_mut();
        let mut digest = ether.digest;
        digest.word(verdict.kind() as u64);
        digest.word(summary.lasted);
        let line = || verdict.to_string();
        ether.mark(line);
        Outcome {
            digest: digest.value(),
            lasted: summary.lasted,
            frames: ether.frames,
            callbacks: simulator.shared.seen.get_mut().callbacks,
            served: summary.served,
            waited: summary.waited,
            fault_counts: ether.fault_counts,
            accepted: summary.accepted,
            server_fault_counts: ether.server_fault_counts,
            choices: if verdict.is_pass() { Vec::new() } else { ether.choice_log.lines().to_vec() },
            verdict,
        }
    }

    fn replay_recording(&self, recorded: &Recorded) -> Result<Option<End>, String> {
        replay::replay(&self.program, recorded)
    }
}
