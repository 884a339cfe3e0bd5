//! chromium: the device's page in a headless browser.

use std::{process::Command, time::Duration};

use anyhow::Result;

use super::{
    Program,
    stage::{Stage, script, tell},
};
use crate::workspace;

pub(super) const CHROMIUM: Program = Program {
    name: "chromium",
    needs: &[("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")],
    run,
};

/// The picture of the page in the documents.
const PICTURE: &str = "docs/device.png";

fn run(stage: &Stage) -> Result<String> {
    let folder = stage.npm(&["playwright-core"])?;
    let profile = stage.folder("chromium")?;
    let device = stage.device()?;
    let mut node = Command::new("node");
    node.arg(script("page.mjs")).arg(&folder).arg(&profile).arg(device.url("/"));
    node.arg(workspace::root().join(PICTURE));
    let said = tell(&mut node, Duration::from_secs(120))?;
    device.end()?;
    Ok(said.trim().to_owned())
}
