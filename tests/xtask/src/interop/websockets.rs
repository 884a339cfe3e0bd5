//! websockets, the WebSocket client from PyPI.

use std::{process::Command, time::Duration};

use anyhow::Result;

use super::{
    Program,
    stage::{Stage, script, tell},
};

pub(super) const WEBSOCKETS: Program =
    Program { name: "websockets", needs: &[("python3", "python3-pip")], run };

fn run(stage: &Stage) -> Result<String> {
    let folder = stage.pip("websockets")?;
    let device = stage.device()?;
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", &folder).arg(script("messages.py"));
    let said = tell(python.arg(device.address.to_string()), Duration::from_secs(60))?;
    device.end()?;
    Ok(said.trim().to_owned())
}
