//! Tests as users write them for their own applications. Each test has about ten lines.

use picoevent::Cx;
use picoevent_sim::world::{FaultKind, TestCase};

use crate::lines::{Lines, SIZES, client, lines};

#[test]
fn any_application_can_be_simulated() {
    let case = TestCase::new("lines", 7000, Lines::default, Lines::start)
        .sizes(&SIZES)
        .client(client)
        .invariant(|app: &Lines, cx: &Cx<'_, Lines>| match cx.counts().conns {
            there if app.open <= there => Ok(()),
            there => Err(format!("{} connections are open, and {there} exist", app.open)),
        });
    let tally = case.check(0..300);
    assert!(tally.served >= 300 && tally.fault_counts[FaultKind::Loss as usize] > 0, "{tally:?}");
}

#[test]
#[should_panic(expected = "invariant: client")]
fn a_planted_bug_is_found() {
    lines(true).check(0..300);
}

#[test]
fn a_scenario_sets_clients_faults_and_latency() {
    let scenario = r#"
        about = "Two clients, one of them slow, on a cable that loses every fifth frame"
        latency = "3 ms"
        [[client]]
        [[client]]
        behaviour = "slow-writer"
        [[fault]]
        kind = "loss"
        severity = "20 %"
        from = "1 ms"
        lasts = "4 s"
    "#;
    let tally = lines(false).check_scenario(scenario, 0..100);
    assert_eq!(tally.served, 200, "both clients are served in each simulation");
    assert!(tally.fault_counts[FaultKind::Loss as usize] > 50, "{tally:?}");
}

#[test]
#[should_panic(expected = "the scenario: line 2, kind: there is no fault \"lust\"")]
fn an_invalid_scenario_is_refused() {
    lines(false).check_scenario("[[fault]]\nkind = 'lust'\nfrom = '1 s'", 0..1);
}

#[test]
#[should_panic(
    expected = "the scenario: line 1, memory: there is no size 3; the sizes of lines are 0 to 2"
)]
fn a_scenario_with_a_size_that_does_not_exist_is_refused() {
    lines(false).check_scenario("memory = 3", 0..1);
}

#[test]
#[should_panic(
    expected = "the scenario: line 2, server: there is no server 0; lines has no servers"
)]
fn a_scenario_with_a_server_that_does_not_exist_is_refused() {
    let scenario = "[[server-fault]]\nkind = 'hangs'\nfrom = '1 s'\nlasts = '1 s'";
    lines(false).check_scenario(scenario, 0..1);
}
