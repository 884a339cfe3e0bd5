//! ws, the WebSocket client from npm.

use std::{process::Command, time::Duration};

use anyhow::Result;

use super::{
    Program,
    environment::{Environment, run_program, script},
};

pub(super) const WS: Program =
    Program { name: "ws", needs: &[("node", "nodejs"), ("npm", "npm")], run };

fn run(environment: &Environment) -> Result<String> {
    let folder = environment.npm(&["ws"])?;
    let device = environment.device()?;
    let mut node = Command::new("node");
    node.arg(script("messages.mjs")).arg(&folder).arg(device.address.to_string());
    let output = run_program(&mut node, Duration::from_secs(60))?;
    device.end()?;
    Ok(output.trim().to_owned())
}
