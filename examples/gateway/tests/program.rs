//! Tests the program as a process on a host: all documented behaviour, misbehaving clients, and a collector that
//! restarts.

use std::process::Command;

use anyhow::Result;
use picoevent_tests::gateway::program;

const GATEWAY: &str = env!("CARGO_BIN_EXE_gateway");

fn command(collector: impl ToString) -> Command {
    let mut command = Command::new(GATEWAY);
    command.args(["--console", "127.0.0.1:0", "--status", "127.0.0.1:0"]);
    command.args(["--discovery", "127.0.0.1:0"]);
    command.args(["--collector", &collector.to_string()]);
    command
}

#[test]
fn the_gateway_does_what_its_documentation_describes() -> Result<()> {
    program::with(command, |gateway, collector| gateway.check(collector))
}

/// This test takes two minutes and mostly waits.
#[test]
#[ignore = "slow: cargo test --package gateway -- --ignored"]
fn timeouts_expire_in_time() -> Result<()> {
    program::with(command, |gateway, collector| gateway.check_timeouts(collector))
}

#[test]
fn the_error_for_a_wrong_argument_contains_the_argument() {
    for (arguments, expected) in [
        (&["--console", "2323"][..], "--console: \"2323\" is not ADDR:PORT"),
        (&["--status"][..], "'--status'"),
        (&["--colector", "127.0.0.1:1"][..], "'--colector'"),
    ] {
        let output = Command::new(GATEWAY).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(expected), "{error}");
    }
}
