//! h2load, with HTTP/1.1 and pipelined requests.

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Program,
    environment::{Environment, run_program},
};

pub(super) const H2LOAD: Program =
    Program { name: "h2load", needs: &[("h2load", "nghttp2-client")], run };

fn run(environment: &Environment) -> Result<String> {
    let device = environment.device()?;
    let mut h2load = Command::new("h2load");
    // There are 900 requests on each connection, because the device closes a connection after a thousand requests.
    h2load.args(["--h1", "-c", "8", "-m", "4", "-n", "7200"]).arg(device.url("/settings"));
    let output = run_program(&mut h2load, Duration::from_secs(120))?;
    let all = "7200 total, 7200 started, 7200 done, 7200 succeeded, 0 failed, 0 errored";
    ensure!(output.contains(all), "the output is:\n{output}");
    device.end()?;
    Ok("7200 requests on 8 connections, four at a time, all succeeded".to_owned())
}
