//! Tapes: they repeat what happened, and become short.

use std::time::Duration;

use picoevent_sim::world::{Kind, Lab, Line, Subject, Trial, shrink, tape_text, test_text};

use crate::lines::{Lines, client, lines};

/// The first seed that fails, and its tape.
fn first_failure(trial: &Trial<Lines>) -> Vec<Line> {
    let mut lab = Lab::new();
    for seed in 0..1_000 {
        lab.take_seed(seed);
        let outcome = trial.run(&mut lab);
        if !outcome.verdict.is_pass() {
            return outcome.lines;
        }
    }
    panic!("no seed fails");
}

#[test]
fn a_tape_repeats_its_world() {
    let trial = lines(true);
    let tape = first_failure(&trial);
    let mut lab = Lab::new();
    lab.take_lines(&tape);
    let first = trial.run(&mut lab);
    let second = trial.replay(&tape_text("lines", &first)).unwrap();
    assert_eq!((first.digest, &first.verdict), (second.digest, &second.verdict));
    assert_eq!(first.lines.len(), tape.len());
}

#[test]
fn a_planted_bug_shrinks_to_a_few_lines() {
    let trial = lines(true);
    let tape = first_failure(&trial);
    let shrunk = shrink(&trial, &tape, Duration::from_secs(10)).expect("it fails");
    assert_eq!(shrunk.outcome.verdict.kind(), Kind::Invariant);
    assert!(shrunk.lines.len() <= 4, "{:?}", shrunk.lines);
    let test = test_text("lines", &shrunk.lines, &shrunk.outcome);
    assert!(test.contains("fn lines_is_free_of_this_invariant() {"), "{test}");
    assert!(test.contains("lines().check_tape(tape);"), "{test}");
}

#[test]
fn an_invariant_shrinks_to_what_it_needs() {
    let trial = lines(false).invariant(|app: &Lines, _| match app.open {
        3.. => Err("three are there".to_owned()),
        _ => Ok(()),
    });
    let tape = first_failure(&trial);
    let shrunk = shrink(&trial, &tape, Duration::from_secs(10)).expect("it fails");
    assert_eq!(shrunk.outcome.verdict.to_string(), "invariant: three are there");
    let needed: Vec<_> = shrunk.lines.iter().map(|line| line.to_string()).collect();
    // Three clients at once: at the beginning, or when all is over.
    let ways = ["world more-clients 0 2 ", "world roll-call 0 3 "];
    let three = needed.iter().any(|line| ways.iter().any(|way| line.starts_with(way)));
    assert!(three && needed.len() <= 3, "{needed:#?}");
}

#[test]
fn a_tape_of_a_world_that_passes_does_not_shrink() {
    assert!(shrink(&lines(false), &[], Duration::from_secs(1)).is_none());
}

#[test]
fn what_is_no_tape_is_refused() {
    let trial = Trial::new("lines", 7000, Lines::default, Lines::start).client(client);
    let error = trial.replay("world sise 0 1").unwrap_err();
    assert_eq!(error.to_string(), "line 1: there is no question \"sise\"");
    // Numbers beyond everything are taken for what they can mean.
    let huge = "world size 0 18446744073709551615\nworld latency-us 0 18446744073709551615\n\
        world faults 0 99999999\nfault kind 3 clock-step\nfault degree 3 18446744073709551615\n\
        world clock-start-us 0 18446744073709551615\nworld drift-ppm 0 18446744073709551615\n\
        client start-us 0 18446744073709551615\nfault life-us 3 18446744073709551615\n\
        world calm-after-us 0 18446744073709551615\nworld postpone-per-mille 0 99999999999\n";
    let outcome = trial.replay(huge).unwrap();
    assert!(!matches!(outcome.verdict.kind(), Kind::Crash), "{}", outcome.verdict);
}
