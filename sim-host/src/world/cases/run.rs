//! One run of a trial.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use picoevent::End;

use crate::recording::Recorded;
use crate::world::cases::lab::Lab;
use crate::world::cases::replay;
use crate::world::cases::subject::Subject;
use crate::world::cases::trial::Trial;
use crate::world::choices::random::mix;
use crate::world::device::clock;
use crate::world::device::interrupt;
use crate::world::device::panics::{Watched, message};
use crate::world::device::size::Device;
use crate::world::peers::script::{Choices, Script};
use crate::world::simulation::drive::{Application, Summary, World};
use crate::world::simulation::plan::Plan;
use crate::world::simulation::verdict::{Outcome, Verdict};

impl<A: 'static> Trial<A> {
    /// Chooses one of the kinds of clients, of those that call this port if there is one.
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

    fn world(&self, lab: &Lab) -> (Verdict, Summary) {
        let script = |port: Option<u16>, choices: &mut Choices<'_>| self.script(port, choices);
        let mut ether = lab.shared.ether.borrow_mut();
        let mut plan = Plan::draw(&mut ether.tape, self.sizes.len(), &script);
        ether.restart(plan.latency);
        drop(ether);
        lab.shared.seen.borrow_mut().restart();
        clock::start(plan.clock_start, plan.pace);
        let trigger = interrupt::start(plan.interrupt);
        let seed = mix(plan.numbers);
        let (leased, size) = (plan.lease.is_some(), plan.size);
        let mut summary = Summary::default();
        let mut verdict = None;
        let mut judge = |device: Device<'_>| {
            let application = Application {
                port: self.program.port,
                backlog: self.program.config.backlog,
                ends_when_interrupted: self.ends_when_interrupted,
            };
            let mut world = World::new(&lab.shared, device, &mut plan, &script, application, seed);
            verdict = Some(world.run());
            summary = world.summary();
        };
        let ran =
            self.sizes[size].run(&self.program, &lab.shared, trigger, seed, leased, &mut judge);
        let verdict = match (ran, verdict) {
            (Err(problem), _) => Verdict::Invariant(problem),
            (Ok(()), Some(verdict)) => verdict,
            (Ok(()), None) => Verdict::Invariant("the device did not run".to_owned()),
        };
        (verdict, summary)
    }
}

impl<A: 'static> Subject for Trial<A> {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&self, lab: &mut Lab) -> Outcome {
        let watched = Watched::new();
        let ran = catch_unwind(AssertUnwindSafe(|| self.world(lab)));
        let (verdict, summary) =
            ran.unwrap_or_else(|panic| (Verdict::Crash(message(&*panic)), Summary::default()));
        drop(watched);
        interrupt::start(0);
        let ether = lab.shared.ether.get_mut();
        let mut digest = ether.digest;
        digest.word(verdict.kind() as u64);
        digest.word(summary.lasted);
        let line = || verdict.to_string();
        ether.mark(line);
        Outcome {
            digest: digest.value(),
            lasted: summary.lasted,
            frames: ether.frames,
            callbacks: lab.shared.seen.get_mut().callbacks,
            served: summary.served,
            waited: summary.waited,
            struck: ether.struck,
            lines: if verdict.is_pass() { Vec::new() } else { ether.tape.lines().to_vec() },
            verdict,
        }
    }

    fn replay_recording(&self, recorded: &Recorded) -> Result<Option<End>, String> {
        replay::replay(&self.program, recorded)
    }
}
