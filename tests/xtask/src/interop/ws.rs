//! ws, the WebSocket client from npm.

use std::{process::Command, time::Duration};

use anyhow::Result;

use super::{
    Program,
    stage::{Stage, script, tell},
};

pub(super) const WS: Program =
    Program { name: "ws", needs: &[("node", "nodejs"), ("npm", "npm")], run };

fn run(stage: &Stage) -> Result<String> {
    let folder = stage.npm(&["ws"])?;
    let device = stage.device()?;
    let mut node = Command::new("node");
    node.arg(script("messages.mjs")).arg(&folder).arg(device.address.to_string());
    let said = tell(&mut node, Duration::from_secs(60))?;
    device.end()?;
    Ok(said.trim().to_owned())
}
