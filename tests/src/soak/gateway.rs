//! The example `gateway` with misbehaving clients. The clients use the gateway's console and status server, while the
//! gateway reports to its collector.

use std::process::Command;

use anyhow::{Result, ensure};

use super::Soak;
use super::crowd::{self, Service};
use crate::gateway::{crowd as gateway_crowd, program};

/// The number of samples per second.
const SAMPLES: u64 = 10;

/// Runs the case.
pub fn run(soak: &Soak) -> Result<()> {
    let command = |collector: std::net::SocketAddr| {
        let mut command = Command::new(soak.program("gateway"));
        command.args(["--console", "127.0.0.1:0", "--status", "127.0.0.1:0"]);
        command.args(["--discovery", "127.0.0.1:0"]);
        command.args(["--collector", &collector.to_string()]);
        command
    };
    program::with(command, |gateway, collector| {
        // The check at the end of the program needs the values in the store.
        gateway.fill_store()?;
        gateway_crowd::is_normal(gateway)?;
        let services = [gateway.console, gateway.status]
            .map(|address| Service { address, request: gateway_crowd::requests() });
        crowd::send(&services, soak.crowd_duration(), soak.seed())?;
        gateway_crowd::is_normal(gateway)?;
        let record = collector.record();
        record.check()?;
        let samples = record.samples.len() as u64;
        println!("{samples} samples came to the collector meanwhile");
        // Only half of the samples are required, because the host may be busy.
        let least = SAMPLES * soak.crowd_duration().as_secs() / 2;
        ensure!(samples >= least, "at least {least} should have come: {record}");
        Ok(())
    })
}
