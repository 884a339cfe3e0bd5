//! The far side of an emulated board's cable. It is a separate process, which runs the program `picoevent-cable`.
//!
//! This process uses the simulator. `xtask` itself does not depend on the simulator, so that `cargo xtask setup`
//! compiles little on a fresh clone. The process ends when its standard input is closed. This happens at the latest
//! when `xtask` ends.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::absolute,
    process::{Child, Stdio},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{
    command::{self, cannot_start, check},
    command_line::Cable,
    qemu::netdev_over,
    workspace,
};

/// The program and its package.
const PROGRAM: [&str; 4] = ["--package", "picoevent-tests", "--bin", "picoevent-cable"];

/// A running far side.
pub struct FarSide {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl FarSide {
    /// Compiles and starts the process. Waits until the process listens on `port` of this machine (0: any free port).
    ///
    /// # Errors
    /// If the process cannot be compiled or does not listen. The reason has already been printed.
    pub fn start(cable: &Cable, port: u16) -> Result<Self> {
        let mut build = command::cargo(&workspace::root());
        command::run(build.args(["build", "--quiet", "--release"]).args(PROGRAM))?;

        let folder = tempfile::Builder::new().prefix("picoevent-wire-").tempdir();
        let folder = folder.context("cannot make a temporary folder")?;
        let mut far_side = command::cargo(&workspace::root());
        far_side.args(["run", "--quiet", "--release"]).args(PROGRAM).arg("--");
        far_side.args([folder.path().join("peer"), folder.path().join("board")]);
        far_side.arg(port.to_string());
        for (option, path) in [("--faults", &cable.faults), ("--pcap", &cable.pcap)] {
            if let Some(path) = path {
                far_side.arg(option).arg(absolute(path)?);
            }
        }
        if let Some(seed) = &cable.seed {
            far_side.args(["--seed", seed]);
        }
        // The process gets a separate process group. A terminal sends Ctrl-C to the whole foreground group, so Ctrl-C
        // does not end this process.
        far_side.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut process = far_side.spawn().with_context(|| cannot_start(&far_side))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        match line.trim().parse() {
            Ok(port) => Ok(Self { process, folder, port }),
            Err(_) => {
                check(&far_side, process.wait()?)?;
                bail!("the far side of the cable printed {line:?} instead of its port")
            }
        }
    }

    /// Returns QEMU's option for the board's side of the cable, with the id `n0`.
    pub fn netdev(&self) -> String {
        let folder = self.folder.path();
        netdev_over(&folder.join("board"), &folder.join("peer"))
    }

    /// Returns the port of this machine that is forwarded to the board.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the process, and waits until the process has written the capture.
    ///
    /// # Errors
    /// If the process failed. The process has printed the reason.
    pub fn end(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the far side of the cable failed ({status})");
        }
        Ok(())
    }
}
