//! nmap: scans a server, with all HTTP scripts that are safe and contact no other host.

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Program,
    environment::{Environment, run_program},
};

pub(super) const NMAP: Program = Program { name: "nmap", needs: &[("nmap", "nmap")], run };

fn run(environment: &Environment) -> Result<String> {
    let device = environment.device()?;
    let mut nmap = Command::new("nmap");
    nmap.args(["-Pn", "-n", "-sT", "-T4", "--script-timeout", "30s"]);
    nmap.args(["--script", "+http-* and safe and not external and not broadcast"]);
    nmap.args(["-p", &device.address.port().to_string(), "127.0.0.1"]);
    let output = run_program(&mut nmap, Duration::from_secs(240))?;
    ensure!(output.contains("/tcp open"), "it finds no open port:\n{output}");
    let scripts = output.lines().filter(|line| line.starts_with("| http-")).count();
    let short = output.lines().filter(|line| line.starts_with("|_http-")).count();
    ensure!(scripts + short > 0, "no script has found anything:\n{output}");
    device.get("/settings", Duration::from_secs(1))?;
    device.end()?;
    Ok(format!(
        "{} of its safe scripts have found something, and the device keeps running",
        scripts + short
    ))
}
