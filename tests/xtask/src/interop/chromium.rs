//! chromium: the device's page in a headless browser.

use std::{process::Command, time::Duration};

use anyhow::Result;

use super::{
    Program,
    environment::{Environment, run_program, script},
};
use crate::workspace;

pub(super) const CHROMIUM: Program = Program {
    name: "chromium",
    needs: &[("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")],
    run,
};

/// The picture of the page in the documents.
const PICTURE: &str = "docs/device.png";

fn run(environment: &Environment) -> Result<String> {
    let folder = environment.npm(&["playwright-core"])?;
    let profile = environment.folder("chromium")?;
    let device = environment.device()?;
    let mut node = Command::new("node");
    node.arg(script("page.mjs")).arg(&folder).arg(&profile).arg(device.url("/"));
    node.arg(workspace::root().join(PICTURE));
    let output = run_program(&mut node, Duration::from_secs(120))?;
    device.end()?;
    Ok(output.trim().to_owned())
}
