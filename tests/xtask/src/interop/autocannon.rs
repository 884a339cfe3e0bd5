//! autocannon, from npm: pipelined requests.

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Program,
    environment::{Environment, figure, run_program},
};

pub(super) const AUTOCANNON: Program =
    Program { name: "autocannon", needs: &[("node", "nodejs"), ("npm", "npm")], run };

fn run(environment: &Environment) -> Result<String> {
    let folder = environment.npm(&["autocannon"])?;
    let device = environment.device()?;
    let mut node = Command::new("node");
    node.arg(folder.join("node_modules/autocannon/autocannon.js"));
    node.args(["--json", "--no-progress", "-c", "8", "-p", "4", "-d", "3"]);
    let output = run_program(node.arg(device.url("/settings")), Duration::from_secs(60))?;
    for label in ["\"errors\":", "\"timeouts\":", "\"non2xx\":"] {
        ensure!(figure(&output, label)? == 0.0, "{label} is not zero:\n{output}");
    }
    let answered = figure(&output, "\"2xx\":")?;
    ensure!(answered > 0.0, "none was answered:\n{output}");
    device.end()?;
    Ok(format!("{answered} requests on 8 connections, four ahead of the answers, no error"))
}
