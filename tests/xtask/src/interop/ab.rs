//! ab, Apache's load generator, with HTTP/1.0 keep-alive.

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Program,
    stage::{Stage, figure, tell},
};

pub(super) const AB: Program = Program { name: "ab", needs: &[("ab", "apache2-utils")], run };

const REQUESTS: &str = "20000";

fn run(stage: &Stage) -> Result<String> {
    let device = stage.device()?;
    let mut ab = Command::new("ab");
    ab.args(["-q", "-k", "-c", "8", "-n", REQUESTS]).arg(device.url("/settings"));
    let said = tell(&mut ab, Duration::from_secs(120))?;
    let [complete, failed, rate] =
        ["Complete requests:", "Failed requests:", "Requests per second:"]
            .map(|label| figure(&said, label));
    ensure!(complete? == 20_000.0 && failed? == 0.0, "requests have failed:\n{said}");
    ensure!(!said.contains("Non-2xx"), "other answers have come:\n{said}");
    device.end()?;
    Ok(format!("{REQUESTS} requests on 8 connections, none failed, {:.0} a second", rate?))
}
