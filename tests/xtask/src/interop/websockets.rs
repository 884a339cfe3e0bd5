//! websockets, the WebSocket client from PyPI.

use std::{process::Command, time::Duration};

use anyhow::Result;

use super::{
    Program,
    environment::{Environment, run_program, script},
};

pub(super) const WEBSOCKETS: Program =
    Program { name: "websockets", needs: &[("python3", "python3-pip")], run };

fn run(environment: &Environment) -> Result<String> {
    let folder = environment.pip("websockets")?;
    let device = environment.device()?;
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", &folder).arg(script("messages.py"));
    let output = run_program(python.arg(device.address.to_string()), Duration::from_secs(60))?;
    device.end()?;
    Ok(output.trim().to_owned())
}
