//! ab, Apache's load generator, with HTTP/1.0 keep-alive.

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Program,
    environment::{Environment, figure, run_program},
};

pub(super) const AB: Program = Program { name: "ab", needs: &[("ab", "apache2-utils")], run };

const REQUESTS: &str = "20000";

fn run(environment: &Environment) -> Result<String> {
    let device = environment.device()?;
    let mut ab = Command::new("ab");
    ab.args(["-q", "-k", "-c", "8", "-n", REQUESTS]).arg(device.url("/settings"));
    let output = run_program(&mut ab, Duration::from_secs(120))?;
    let [complete, failed, rate] =
        ["Complete requests:", "Failed requests:", "Requests per second:"]
            .map(|label| figure(&output, label));
    ensure!(complete? == 20_000.0 && failed? == 0.0, "requests have failed:\n{output}");
    ensure!(!output.contains("Non-2xx"), "there were answers with another status:\n{output}");
    device.end()?;
    Ok(format!("{REQUESTS} requests on 8 connections, none failed, {:.0} a second", rate?))
}
