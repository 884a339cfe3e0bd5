//! Test cases in Rust tests. A test panics with a report if a simulation fails.

use crate::world::cases::any_test_case::AnyTestCase;
use crate::world::cases::report::{Report, test_text};
use crate::world::cases::shrink::{LIMIT, shrink};
use crate::world::cases::simulator::Simulator;
use crate::world::cases::sweep::{Failure, Sweep, Tally};
use crate::world::cases::test_case::TestCase;
use crate::world::choices::choice_log::{Choice, ChoiceLogError};
use crate::world::choices::seed;
use crate::world::simulation::verdict::Outcome;

/// Runs test cases in Rust tests.
impl<A: 'static> TestCase<A> {
    /// Runs a simulation for each seed. The environment variables `SIM_SEED` and `SIM_SEEDS` (`A..B`) replace `seeds`,
    /// like the options `--seed` and `--seeds` of the command. With `SIM_CHECK`, some seeds are run twice, as with
    /// `--check`. With `SIM_SHRINK`, the choice log of a failure is shrunk. The report then contains a test with the
    /// shortest choice log that was found.
    ///
    /// # Panics
    /// Panics with a report if a simulation fails, or if its second run differs from the first.
    pub fn check(&self, seeds: std::ops::Range<u64>) -> Tally {
        self.check_sweep(Sweep::over(seeds))
    }

    /// Runs a scenario once for each seed. All choices that the scenario does not make are chosen at random from the
    /// seed.
    ///
    /// # Panics
    /// Panics in the same cases as [`TestCase::check`]. Panics if the text is not a scenario.
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
            panic!("{}", self.report_for_test(failure));
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
        if std::env::var_os("SIM_SHRINK").is_some()
            && let Some(shrunk) = shrink(self, &failure.outcome.choices, LIMIT)
        {
            let report = Report::new(self, Some(failure.seed), &shrunk.outcome).repeat(again);
            let test = test_text(self.name(), &shrunk.choices, &shrunk.outcome);
            return format!("{report}\n{test}");
        }
        let report = Report::new(self, Some(failure.seed), &failure.outcome);
        report.shorter(format!("SIM_SHRINK=1 {again}")).repeat(again).to_string()
    }

    /// Runs the simulation of a choice log. Returns the outcome of the simulation.
    ///
    /// # Errors
    /// The first line of the text that is not a choice.
    pub fn replay(&self, choice_log: &str) -> Result<Outcome, ChoiceLogError> {
        let (_, lines) = Choice::read_all(choice_log)?;
        let mut simulator = Simulator::new();
        simulator.take_choices(&lines);
        Ok(self.run(&mut simulator))
    }

    /// Runs the simulation of a choice log.
    ///
    /// # Panics
    /// Panics with a report if the simulation fails. Panics if the text is not a choice log.
    pub fn check_choices(&self, choice_log: &str) {
        let outcome =
            self.replay(choice_log).unwrap_or_else(|error| panic!("the choice log's {error}"));
        if !outcome.verdict.is_pass() {
            panic!("{}", Report::new(self, None, &outcome).repeat(test_command()));
        }
    }
}

/// Returns the command that runs the current thread's test alone.
fn test_command() -> String {
    let package = std::env::var("CARGO_PKG_NAME").map(|name| format!(" --package {name}"));
    let test = std::thread::current().name().map(|name| format!(" {name}"));
    format!("cargo test{}{}", package.unwrap_or_default(), test.unwrap_or_default())
}
