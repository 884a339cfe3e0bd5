//! Tests of choice logs: a choice log repeats its simulation, and can be shrunk.

use std::time::Duration;

use picoevent_sim::world::{
    AnyTestCase, Choice, Kind, Simulator, TestCase, choice_log_text, shrink, test_text,
};

use crate::lines::{Lines, client, lines};

/// Returns the choice log of the first seed that fails.
fn first_failure(case: &TestCase<Lines>) -> Vec<Choice> {
    let mut simulator = Simulator::new();
    for seed in 0..1_000 {
        simulator.take_seed(seed);
        let outcome = case.run(&mut simulator);
        if !outcome.verdict.is_pass() {
            return outcome.choices;
        }
    }
    panic!("no seed fails");
}

#[test]
fn a_choice_log_repeats_its_simulation() {
    let case = lines(true);
    let choice_log = first_failure(&case);
    let mut simulator = Simulator::new();
    simulator.take_choices(&choice_log);
    let first = case.run(&mut simulator);
    let second = case.replay(&choice_log_text("lines", &first)).unwrap();
    assert_eq!((first.digest, &first.verdict), (second.digest, &second.verdict));
    assert_eq!(first.choices.len(), choice_log.len());
}

#[test]
fn a_planted_bug_shrinks_to_a_few_lines() {
    let case = lines(true);
    let choice_log = first_failure(&case);
    let shrunk = shrink(&case, &choice_log, Duration::from_secs(10)).expect("it fails");
    assert_eq!(shrunk.outcome.verdict.kind(), Kind::Invariant);
    assert!(shrunk.choices.len() <= 4, "{:?}", shrunk.choices);
    let test = test_text("lines", &shrunk.choices, &shrunk.outcome);
    assert!(test.contains("\nfn lines_invariant_"), "{test}");
    assert!(test.contains("lines().check_choices(choices);"), "{test}");
}

#[test]
fn the_test_of_each_failure_has_its_own_name() {
    // The verdict contains line breaks.
    let case = lines(false).invariant(|app: &Lines, _| match app.open {
        1.. => Err("a client\r\nis there".to_owned()),
        _ => Ok(()),
    });
    let mut simulator = Simulator::new();
    let mut text_of = |choice_log: &str| {
        let outcome = case.replay(choice_log).unwrap();
        let log = choice_log_text("lines", &outcome);
        assert!(log.contains("\n# invariant: a client\\r\\nis there\n"), "{log}");
        simulator.take_choices(&Choice::read_all(&log).unwrap().1);
        assert_eq!(case.run(&mut simulator).digest, outcome.digest);
        test_text("2-lines", &outcome.choices, &outcome)
    };
    let tests = [text_of("client start-us 0 1"), text_of("client start-us 0 2")];
    let names = tests.each_ref().map(|test| {
        let lines: Vec<_> = test.lines().collect();
        assert_eq!(lines[..2], ["/// invariant: a client\\r\\nis there", "#[test]"], "{test}");
        assert!(lines[2].starts_with("fn case_2_lines_invariant_"), "{test}");
        lines[2].to_owned()
    });
    assert_ne!(names[0], names[1]);
}

#[test]
fn a_violated_invariant_shrinks_to_the_needed_lines() {
    let case = lines(false).invariant(|app: &Lines, _| match app.open {
        3.. => Err("three are there".to_owned()),
        _ => Ok(()),
    });
    let choice_log = first_failure(&case);
    let shrunk = shrink(&case, &choice_log, Duration::from_secs(10)).expect("it fails");
    assert_eq!(shrunk.outcome.verdict.to_string(), "invariant: three are there");
    let needed: Vec<_> = shrunk.choices.iter().map(|line| line.to_string()).collect();
    // The invariant is violated by three clients at the same time. These are clients from the beginning, or clients of
    // the socket-leak check.
    let ways = ["setup more-clients 0 2 ", "setup socket-leak-check 0 3 "];
    let three = needed.iter().any(|line| ways.iter().any(|way| line.starts_with(way)));
    assert!(three && needed.len() <= 3, "{needed:#?}");
}

#[test]
fn a_choice_log_of_a_simulation_that_passes_does_not_shrink() {
    assert!(shrink(&lines(false), &[], Duration::from_secs(1)).is_none());
}

#[test]
fn a_text_that_is_not_a_choice_log_is_refused() {
    let case = TestCase::new("lines", 7000, Lines::default, Lines::start).client(client);
    let error = case.replay("setup sise 0 1").unwrap_err();
    assert_eq!(error.to_string(), "line 1: there is no choice point \"sise\"");
    // A number that is too large is replaced by the largest valid number.
    let huge = "setup size 0 18446744073709551615\nsetup latency-us 0 18446744073709551615\n\
        setup faults 0 99999999\nfault kind 3 clock-step\nfault severity 3 18446744073709551615\n\
        setup clock-start-us 0 18446744073709551615\nsetup drift-ppm 0 18446744073709551615\n\
        client start-us 0 18446744073709551615\nfault life-us 3 18446744073709551615\n\
        setup quiet-after-us 0 18446744073709551615\nsetup postpone-per-mille 0 99999999999\n";
    let outcome = case.replay(huge).unwrap();
    assert!(!matches!(outcome.verdict.kind(), Kind::Crash), "{}", outcome.verdict);
}
