//! The report of a failed simulation in a test. A report contains only commands that work in any project.

use std::panic::{AssertUnwindSafe, catch_unwind};

use picoevent_sim::world::{AnyTestCase, Report, Simulator};

use crate::lines::lines;

fn message(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("the check fails");
    panic.downcast_ref::<String>().cloned().expect("the panic has a message")
}

#[test]
fn a_failing_check_shows_how_to_run_its_seed_again_from_the_test() {
    let report = message(|| drop(lines(true).check(0..300)));
    let test = "cargo test --package picoevent-sim \
                reports::a_failing_check_shows_how_to_run_its_seed_again_from_the_test";
    let seed = report.split_once(", seed ").and_then(|(_, rest)| rest.split_once(':'));
    let seed = seed.expect("the seed is named").0;
    for wanted in [
        format!("  repeat: SIM_SEED={seed} {test}\n"),
        format!("  shrink: SIM_SHRINK=1 SIM_SEED={seed} {test}\n"),
    ] {
        assert!(report.contains(&wanted), "{report}");
    }
    assert!(!report.contains("cargo sim"), "{report}");
}

#[test]
fn a_failing_choice_log_names_its_test() {
    let mut simulator = Simulator::new();
    let choice_log = (0..300).find_map(|seed| {
        simulator.take_seed(seed);
        let outcome = lines(true).run(&mut simulator);
        (!outcome.verdict.is_pass()).then_some(outcome)
    });
    let outcome = choice_log.expect("a seed fails");
    let text: String = outcome.choices.iter().map(|line| format!("{line}\n")).collect();
    let report = message(|| lines(true).check_choices(&text));
    let wanted = "repeat: cargo test --package picoevent-sim \
                  reports::a_failing_choice_log_names_its_test\n";
    assert!(report.contains(wanted), "{report}");
    let bare = Report::new(&lines(true), Some(3), &outcome).to_string();
    assert!(!bare.contains("cargo"), "a report knows no command of its own: {bare}");
}
