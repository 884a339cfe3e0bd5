//! A trial: an application, its clients and what must be true of it, to be put into worlds.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use picoevent::{Cx, End, Full};
use picoevent_embassy::Config;

use crate::recording::Recorded;
use crate::world::cases::lab::{Lab, Watched, message};
use crate::world::cases::replay;
use crate::world::cases::report::{Report, test_text};
use crate::world::cases::shrink::{LIMIT, shrink};
use crate::world::cases::sweep::{Failure, Sweep, Tally};
use crate::world::choices::random::mix;
use crate::world::choices::seed;
use crate::world::choices::tape::{Line, TapeError};
use crate::world::device::clock;
use crate::world::device::interrupt;
use crate::world::device::probe::Invariant;
use crate::world::device::size::Size;
use crate::world::peers::script::{Choices, Script};
use crate::world::simulation::drive::{Application, Summary, World};
use crate::world::simulation::plan::Plan;
use crate::world::simulation::verdict::{Outcome, Verdict};

type Start<A> = dyn Fn(&mut A, &mut Cx<'_, A>, SocketAddr) -> Result<(), Full> + Send + Sync;
type Write = dyn Fn(&mut Choices<'_>) -> Script + Send + Sync;

/// An application under test.
///
/// It is the application's own code, started as its `main` would start it; see the
/// [module's documentation](super) for an example.
pub struct Trial<A> {
    name: String,
    pub(crate) port: u16,
    pub(crate) config: Config,
    pub(crate) make: Box<dyn Fn() -> A + Send + Sync>,
    pub(crate) start: Box<Start<A>>,
    pub(crate) invariants: Vec<Box<Invariant<A>>>,
    /// What clients say, and the port they call.
    scripts: Vec<(u16, Box<Write>)>,
    sizes: Vec<Size<A>>,
    /// Bytes that a device's rings have at least.
    min_input: usize,
    min_output: usize,
    /// Sockets that its pool has at least.
    min_sockets: usize,
    ends_when_interrupted: bool,
}

/// Something that can be put into a world: a [`Trial`], whatever its application's type.
pub trait Subject: Sync {
    /// The application's name.
    fn name(&self) -> &str;

    /// Runs one world: the one that `lab` was told to take.
    fn run(&self, lab: &mut Lab) -> Outcome;

    /// Runs the application on what was recorded, without a world; how its loop ended.
    ///
    /// # Errors
    /// The first difference, the panic, or why there is no replay.
    fn replay_recording(&self, recorded: &Recorded) -> Result<Option<End>, String>;
}

impl<A: 'static> Trial<A> {
    /// A trial of the application that `make` makes and `start` starts, as its `main` would: `start`
    /// listens on the address it is given.
    pub fn new<R>(
        name: &str,
        port: u16,
        make: impl Fn() -> A + Send + Sync + 'static,
        start: impl Fn(&mut Cx<'_, A>, SocketAddr) -> Result<R, Full> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            port,
            config: Config::default(),
            make: Box::new(make),
            start: Box::new(move |_, cx, address| start(cx, address).map(drop)),
            invariants: Vec::new(),
            scripts: Vec::new(),
            sizes: Size::standard::<8, 1>().to_vec(),
            min_input: 0,
            min_output: 0,
            min_sockets: 0,
            ends_when_interrupted: true,
        }
    }

    /// Adds a kind of client: what it says and must hear. Worlds have clients of all kinds.
    #[must_use]
    pub fn client(
        self,
        script: impl Fn(&mut Choices<'_>) -> Script + Send + Sync + 'static,
    ) -> Self {
        let port = self.port;
        self.client_at(port, script)
    }

    /// Adds a kind of client that calls another listener of the application, at this port.
    #[must_use]
    pub fn client_at(
        mut self,
        port: u16,
        script: impl Fn(&mut Choices<'_>) -> Script + Send + Sync + 'static,
    ) -> Self {
        self.scripts.push((port, Box::new(script)));
        self
    }

    /// Adds something that must be true after each callback, and when the loop sleeps.
    #[must_use]
    pub fn invariant(
        mut self,
        invariant: impl Fn(&A, &Cx<'_, A>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.invariants.push(Box::new(invariant));
        self
    }

    /// Sets the sizes that the device's memory may have, the comfortable one first. Without it they
    /// are [`Size::standard`] with 8 events and 1 listener.
    ///
    /// # Panics
    /// When there are none, or all of them are smaller than the application needs.
    #[must_use]
    pub fn sizes(mut self, sizes: &[Size<A>]) -> Self {
        assert!(!sizes.is_empty(), "a device has some size");
        self.sizes = sizes.to_vec();
        self.leave_out_small()
    }

    /// Leaves out the sizes whose input ring is smaller than what the application needs to have
    /// received before it takes anything: the longest line, the largest packet.
    ///
    /// # Panics
    /// When no size is left.
    #[must_use]
    pub fn min_input_ring(mut self, bytes: usize) -> Self {
        self.min_input = bytes;
        self.leave_out_small()
    }

    /// Leaves out the sizes whose output ring is smaller than what the application writes at once.
    ///
    /// # Panics
    /// When no size is left.
    #[must_use]
    pub fn min_output_ring(mut self, bytes: usize) -> Self {
        self.min_output = bytes;
        self.leave_out_small()
    }

    /// Leaves out the sizes with fewer sockets than the application needs at once: one for each
    /// listener at least.
    ///
    /// # Panics
    /// When no size is left.
    #[must_use]
    pub fn min_sockets(mut self, sockets: usize) -> Self {
        self.min_sockets = sockets;
        self.leave_out_small()
    }

    fn leave_out_small(mut self) -> Self {
        let Self { min_input: input, min_output: output, min_sockets: sockets, .. } = self;
        let fits = |size: &Size<A>| {
            size.input >= input && size.output >= output && size.sockets >= sockets
        };
        self.sizes.retain(fits);
        assert!(
            !self.sizes.is_empty(),
            "no size has {sockets} sockets, an input ring of {input} bytes and an output ring of \
             {output} bytes"
        );
        self
    }

    /// Sets how the adapter treats its sockets.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Says that an interrupt does not end the application.
    #[must_use]
    pub fn goes_on_when_interrupted(mut self) -> Self {
        self.ends_when_interrupted = false;
        self
    }

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
            None => (port.unwrap_or(self.port), Script::new().pause(Duration::from_millis(10))),
        }
    }

    fn world(&self, lab: &Lab) -> (Verdict, Summary) {
        let script = |port: Option<u16>, choices: &mut Choices<'_>| self.script(port, choices);
        let mut ether = lab.ether.borrow_mut();
        let mut plan = Plan::draw(&mut ether.tape, self.sizes.len(), &script);
        ether.restart(plan.latency);
        drop(ether);
        lab.seen.borrow_mut().restart();
        clock::start(plan.clock_start, plan.pace);
        let trigger = interrupt::start(plan.interrupt);
        let seed = mix(plan.numbers);
        let (leased, size) = (plan.lease.is_some(), plan.size);
        let mut summary = Summary::default();
        let mut judge = |device: crate::world::device::size::Device<'_>| {
            let application = Application {
                port: self.port,
                backlog: self.config.backlog,
                ends_when_interrupted: self.ends_when_interrupted,
            };
            let mut world = World::new(lab, device, &mut plan, &script, application, seed);
            let verdict = world.run();
            summary = world.summary();
            verdict
        };
        let verdict = self.sizes[size].run(self, lab, trigger, seed, leased, &mut judge);
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
        let ether = lab.ether.get_mut();
        let mut digest = ether.digest;
        digest.word(verdict.kind() as u64);
        digest.word(summary.lasted);
        let line = || verdict.to_string();
        ether.mark(line);
        Outcome {
            digest: digest.value(),
            lasted: summary.lasted,
            frames: ether.frames,
            callbacks: lab.seen.get_mut().callbacks,
            served: summary.served,
            waited: summary.waited,
            struck: ether.struck,
            lines: if verdict.is_pass() { Vec::new() } else { ether.tape.lines().to_vec() },
            verdict,
        }
    }

    fn replay_recording(&self, recorded: &Recorded) -> Result<Option<End>, String> {
        replay::replay(self, recorded)
    }
}

/// For tests.
impl<A: 'static> Trial<A> {
    /// Runs a world for each seed. `SIM_SEED`, `SIM_SEEDS` (`A..B`) and `SIM_CHECK` of the
    /// environment say otherwise, as `--seed`, `--seeds` and `--check` do to the command. With
    /// `SIM_SHRINK` the report has the shortest tape that fails alike, as a test.
    ///
    /// # Panics
    /// With a report, when a world fails or does not repeat itself.
    pub fn check(&self, seeds: std::ops::Range<u64>) -> Tally {
        self.check_sweep(Sweep::over(seeds))
    }

    /// Runs a scenario with the luck of each seed.
    ///
    /// # Panics
    /// As [`Trial::check`], and when the text is no scenario.
    pub fn check_scenario(&self, scenario: &str, seeds: std::ops::Range<u64>) -> Tally {
        let scenario = scenario.parse().unwrap_or_else(|error| panic!("the scenario: {error}"));
        self.check_sweep(Sweep { scenario: Some(scenario), ..Sweep::over(seeds) })
    }

    fn check_sweep(&self, mut sweep: Sweep) -> Tally {
        if let Some(seeds) = seed::of_environment() {
            sweep.seeds = seeds;
        }
        sweep.check = std::env::var_os("SIM_CHECK").is_some();
        let tally = sweep.run(self, |_| ());
        if let Some(failure) = tally.failures.first() {
            panic!("{}", self.told_to_test(failure));
        }
        assert!(tally.diverged.is_empty(), "seeds {:?} do not repeat themselves", tally.diverged);
        tally
    }

    /// Tells of a failure, with commands that exist wherever the test stands.
    fn told_to_test(&self, failure: &Failure) -> String {
        let again = format!("SIM_SEED={} {}", failure.seed, test_command());
        if std::env::var_os("SIM_SHRINK").is_some()
            && let Some(shrunk) = shrink(self, &failure.outcome.lines, LIMIT)
        {
            let report = Report::new(self, Some(failure.seed), &shrunk.outcome).once_more(again);
            let test = test_text(&self.name, &shrunk.lines, &shrunk.outcome);
            return format!("{report}\n{test}");
        }
        let report = Report::new(self, Some(failure.seed), &failure.outcome);
        report.shorter(format!("SIM_SHRINK=1 {again}")).once_more(again).to_string()
    }

    /// Runs the world of a tape; how it went.
    ///
    /// # Errors
    /// When the text is no tape.
    pub fn replay(&self, tape: &str) -> Result<Outcome, TapeError> {
        let (_, lines) = Line::read_all(tape)?;
        let mut lab = Lab::new();
        lab.take_lines(&lines);
        Ok(self.run(&mut lab))
    }

    /// Runs the world of a tape.
    ///
    /// # Panics
    /// With a report when it fails, or when the text is no tape.
    pub fn check_tape(&self, tape: &str) {
        let outcome = self.replay(tape).unwrap_or_else(|error| panic!("the tape's {error}"));
        if !outcome.verdict.is_pass() {
            panic!("{}", Report::new(self, None, &outcome).once_more(test_command()));
        }
    }
}

/// The command that runs the test of this thread alone, as Cargo and the test harness name it.
fn test_command() -> String {
    let package = std::env::var("CARGO_PKG_NAME").map(|name| format!(" --package {name}"));
    let test = std::thread::current().name().map(|name| format!(" {name}"));
    format!("cargo test{}{}", package.unwrap_or_default(), test.unwrap_or_default())
}
