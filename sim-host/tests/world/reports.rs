//! The report of a failed simulation in a test. A report contains only commands that work in any project.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, Stdio};

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
                reports::a_failing_check_shows_how_to_run_its_seed_again_from_the_test -- --exact";
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
                  reports::a_failing_choice_log_names_its_test -- --exact\n";
    assert!(report.contains(wanted), "{report}");
    let bare = Report::new(&lines(true), Some(3), &outcome).to_string();
    assert!(!bare.contains("cargo"), "a report knows no command of its own: {bare}");
}

/// Runs a test of this program with environment variables. Returns the capture and the timeline that it writes.
fn views_of(test: &str, variables: &[(&str, &str)]) -> [Vec<u8>; 2] {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let files = ["pcapng", "json"]
        .map(|ending| folder.join(format!("{}.{ending}", test.replace("::", "-"))));
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", test]).envs(variables.iter().copied());
    command.env("SIM_PCAP", &files[0]).env("SIM_TRACE", &files[1]).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    files.map(|file| {
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(file).unwrap();
        bytes
    })
}

#[test]
fn the_environment_requests_a_capture_and_a_timeline() {
    let failing: &[(&str, &str)] = &[];
    for (test, variables) in [
        ("own_application::a_planted_bug_is_found", failing),
        ("capacities::a_backlog_bounds_how_many_clients_may_expect_a_socket", &[("SIM_SEED", "7")]),
        ("servers::output_before_a_reconnect_does_not_count_as_progress", &[("SIM_SEED", "7")]),
    ] {
        let [capture, timeline] = views_of(test, variables);
        assert!(capture.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]), "{test}");
        assert!(capture.len() > 1_000, "{test}: the capture has {} bytes", capture.len());
        assert!(timeline.starts_with(b"{") && timeline.len() > 1_000, "{test}");
    }
}
