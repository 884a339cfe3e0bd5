//! Checks a gateway that is a program on the host.
//!
//! The program first prints `console on ADDR:PORT`, `status on ADDR:PORT` and `discovery on ADDR:PORT`, in any order.
//! The signal SIGUSR1 replaces the button, and SIGINT ends the program.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use xtask::process::ControlledProcess;

use super::Gateway;
use super::collector::Collector;

/// The time limit of the program.
const LIFE: Duration = Duration::from_secs(3_600);

/// The time limit for the program's end.
const END: Duration = Duration::from_secs(60);

/// Starts the gateway with the command that `command` returns for the collector's address. Runs `check` on the gateway,
/// and ends the gateway.
///
/// # Errors
/// Returns the error of `check`, or an error if the program does not start or does not end cleanly.
pub fn with(
    command: impl FnOnce(SocketAddr) -> Command,
    check: impl FnOnce(&Gateway<'_>, &mut Collector) -> Result<()>,
) -> Result<()> {
    let mut collector = Collector::start()?;
    let mut program = ControlledProcess::start(&mut command(collector.address()), LIFE)?;
    let lines = [program.line()?, program.line()?, program.line()?];
    let address = |what: &str| -> Result<SocketAddr> {
        let found = lines.iter().find_map(|line| line.strip_prefix(what)?.strip_prefix(" on "));
        let found = found.with_context(|| format!("no address of {what} in {lines:?}"))?;
        found.parse().with_context(|| format!("{found:?} is no address"))
    };
    let pid = i32::try_from(program.process().pid()).ok().and_then(Pid::from_raw);
    let pid = pid.context("the program has no number")?;
    let raise = |signal| kill_process(pid, signal).context("the program has ended");
    let press = || raise(Signal::USR1);
    let (console, status) = (address("console")?, address("status")?);
    let ports = [console.port(), status.port()];
    let gateway =
        Gateway { console, status, discovery: address("discovery")?, ports, press: &press };
    check(&gateway, &mut collector)?;
    gateway.check_end(|| raise(Signal::INT))?;
    program.end_within(END).map(drop)
}
