//! wrk: sends as many requests as it can.

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Program,
    stage::{Stage, figure, tell},
};

pub(super) const WRK: Program = Program { name: "wrk", needs: &[("wrk", "wrk")], run };

fn run(stage: &Stage) -> Result<String> {
    let device = stage.device()?;
    let mut wrk = Command::new("wrk");
    wrk.args(["-t", "1", "-c", "8", "-d", "5s"]).arg(device.url("/settings"));
    let said = tell(&mut wrk, Duration::from_secs(60))?;
    ensure!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "it says:\n{said}");
    let rate = figure(&said, "Requests/sec:")?;
    ensure!(rate > 0.0, "no request was answered:\n{said}");
    device.end()?;
    Ok(format!("5 s with 8 connections, no error, {rate:.0} requests a second"))
}
