//! Test cases in Rust tests. A test panics with a report if a simulation fails.

use std::cell::RefCell;
use std::env;
use std::path::PathBuf;
use std::rc::Rc;

use crate::observers::{Capture, Trace};
use crate::world::seed;
use crate::world::{
    AnyTestCase, Choice, ChoiceLogError, Failure, LIMIT, Observer, Outcome, Report, Simulator,
    Sweep, Tally, TestCase, shrink, test_text,
};

/// Runs test cases in Rust tests.
impl<A: 'static> TestCase<A> {
    /// Runs a simulation for each seed. The environment variables `SIM_SEED` and `SIM_SEEDS` (`A..B`) replace `seeds`,
    /// like the options `--seed` and `--seeds` of the command. With `SIM_CHECK`, some seeds are run twice, as with
    /// `--check`. With `SIM_SHRINK`, the choice log of a failure is shrunk. The report then contains a test with the
    /// shortest choice log that was found.
    ///
    /// With `SIM_PCAP` and `SIM_TRACE`, the first simulation that fails writes a capture and a timeline to these files,
    /// like the options `--pcap` and `--trace`. If `SIM_SEED` is set, its simulation writes them even if it passes. A
    /// relative path begins in the folder of the package.
    ///
    /// # Panics
    /// Panics with a report if a simulation fails, or if its second run differs from the first.
    #[track_caller]
    pub fn check(&self, seeds: std::ops::Range<u64>) -> Tally {
        self.check_sweep(Sweep::over(seeds))
    }

    /// Runs a scenario once for each seed. All choices that the scenario does not make are chosen at random from the
    /// seed.
    ///
    /// # Panics
    /// Panics in the same cases as [`TestCase::check`]. Panics if the text is not a scenario of this test case.
    #[track_caller]
    pub fn check_scenario(&self, scenario: &str, seeds: std::ops::Range<u64>) -> Tally {
        let parsed =
            scenario.parse().and_then(|scenario| self.accepts(&scenario).map(|()| scenario));
        let scenario = match parsed {
            Ok(scenario) => scenario,
            Err(error) => panic!("the scenario: {error}"),
        };
        self.check_sweep(Sweep { scenario: Some(scenario), ..Sweep::over(seeds) })
    }

    #[track_caller]
    fn check_sweep(&self, mut sweep: Sweep) -> Tally {
        if let Some(seeds) = seed::of_environment() {
            sweep.seeds = seeds;
        }
        sweep.check = env::var_os("SIM_CHECK").is_some();
        let tally = sweep.run(self, |_| ());
        if let Some(failure) = tally.failures.first() {
            panic!("{}", self.report_for_test(failure));
        }
        if sweep.seeds.end - sweep.seeds.start == 1 {
            let mut simulator = Simulator::new();
            match &sweep.scenario {
                Some(scenario) => simulator.take_scenario(scenario, sweep.seeds.start),
                None => simulator.take_seed(sweep.seeds.start),
            }
            write_views(self, simulator);
        }
        assert!(
            tally.diverged.is_empty(),
            "the second runs of seeds {:?} differ from the first",
            tally.diverged
        );
        tally
    }

    /// Returns the report of a failure. The report contains only commands that work in any project.
    fn report_for_test(&self, failure: &Failure) -> String {
        let again = format!("SIM_SEED={} {}", failure.seed, test_command());
        if env::var_os("SIM_SHRINK").is_some()
            && let Some(shrunk) = shrink(self, &failure.outcome.choices, LIMIT)
        {
            write_views(self, simulator_of(&shrunk.choices));
            let report = Report::new(self, Some(failure.seed), &shrunk.outcome).repeat(again);
            let test = test_text(self.name(), &shrunk.choices, &shrunk.outcome);
            return format!("{report}\n{test}");
        }
        write_views(self, simulator_of(&failure.outcome.choices));
        let report = Report::new(self, Some(failure.seed), &failure.outcome);
        report.shorter(format!("SIM_SHRINK=1 {again}")).repeat(again).to_string()
    }

    /// Runs the simulation of a choice log. Returns the outcome of the simulation.
    ///
    /// # Errors
    /// The first line of the text that is not a choice.
    pub fn replay(&self, choice_log: &str) -> Result<Outcome, ChoiceLogError> {
        let (_, lines) = Choice::read_all(choice_log)?;
        Ok(self.run(&mut simulator_of(&lines)))
    }

    /// Runs the simulation of a choice log. `SIM_PCAP` and `SIM_TRACE` have the same effect as for
    /// [`check`](Self::check).
    ///
    /// # Panics
    /// Panics with a report if the simulation fails. Panics if the text is not a choice log.
    #[track_caller]
    pub fn check_choices(&self, choice_log: &str) {
        let outcome =
            self.replay(choice_log).unwrap_or_else(|error| panic!("the choice log's {error}"));
        if let Ok((_, lines)) = Choice::read_all(choice_log) {
            write_views(self, simulator_of(&lines));
        }
        if !outcome.verdict.is_pass() {
            panic!("{}", Report::new(self, None, &outcome).repeat(test_command()));
        }
    }
}

fn simulator_of(choices: &[Choice]) -> Simulator {
    let mut simulator = Simulator::new();
    simulator.take_choices(choices);
    simulator
}

/// Runs the simulation again, if the environment variables `SIM_PCAP` or `SIM_TRACE` name a file. Writes a capture and a
/// timeline to these files.
fn write_views(case: &dyn AnyTestCase, mut simulator: Simulator) {
    let path = |variable| env::var_os(variable).map(PathBuf::from);
    let (pcap, timeline) = (path("SIM_PCAP"), path("SIM_TRACE"));
    if pcap.is_none() && timeline.is_none() {
        return;
    }
    let capture = Rc::new(RefCell::new(Capture::new(case.name())));
    let trace = Rc::new(RefCell::new(Trace::new()));
    let observers: Vec<Box<dyn Observer>> =
        vec![Box::new(capture.clone()), Box::new(trace.clone())];
    simulator.observe(Box::new(observers));
    case.run(&mut simulator);
    let write = |path: Option<PathBuf>, bytes: &[u8]| {
        let Some(path) = path else { return };
        if let Err(error) = std::fs::write(&path, bytes) {
            panic!("{} cannot be written: {error}", path.display());
        }
    };
    write(pcap, &capture.borrow().file());
    write(timeline, trace.borrow_mut().file().as_bytes());
}

/// Returns the command that runs the current thread's test alone.
fn test_command() -> String {
    let package = env::var("CARGO_PKG_NAME").map(|name| format!(" --package {name}"));
    let thread = std::thread::current();
    // With one thread, tests run on the main thread, whose name is not the name of a test.
    let test = thread.name().filter(|name| *name != "main");
    let test = test.map(|name| format!(" {name} -- --exact"));
    format!("cargo test{}{}", package.unwrap_or_default(), test.unwrap_or_default())
}
