//! wrk: sends as many requests as it can.

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Program,
    environment::{Environment, figure, run_program},
};

pub(super) const WRK: Program = Program { name: "wrk", needs: &[("wrk", "wrk")], run };

fn run(environment: &Environment) -> Result<String> {
    let device = environment.device()?;
    let mut wrk = Command::new("wrk");
    wrk.args(["-t", "1", "-c", "8", "-d", "5s"]).arg(device.url("/settings"));
    let output = run_program(&mut wrk, Duration::from_secs(60))?;
    ensure!(
        !output.contains("Socket errors") && !output.contains("Non-2xx"),
        "the output is:\n{output}"
    );
    let rate = figure(&output, "Requests/sec:")?;
    ensure!(rate > 0.0, "no request was answered:\n{output}");
    device.end()?;
    Ok(format!("5 s with 8 connections, no error, {rate:.0} requests a second"))
}
