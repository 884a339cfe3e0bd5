//! An end-to-end check of a gateway: everything in its specification, over real connections.
//!
//! The check has only the gateway's three addresses, and a collector that listens on the host. So
//! the gateway can be firmware on an emulated board or a program on the host:
//!
//! ```text
//!   check ──┬── Client ──────── console, status ──┐
//!           ├── Asker ───────── discovery ────────┤
//!           └── Collector ◀──── uplink ───────────┴── gateway
//! ```
//!
//! [`program::with`] runs the check for a program on the host; `tests/tests/qemu/gateway.rs` runs it for firmware.
//! The gateway must be newly started, with an empty store: the first check fills the store. Each error contains what
//! was sent, expected and received.
//!
//! | part | takes |
//! |---|---|
//! | [`Gateway::check`] | a minute |
//! | [`Gateway::check_timeouts`] | two minutes, most of it waiting |
//! | [`Gateway::check_end`] | a second |

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result};

pub mod client;
pub mod collector;
pub mod console;
pub mod crowd;
pub mod discovery;
pub mod http;
pub mod program;
pub mod status;
mod timeouts;
mod uplink;

use collector::Collector;

/// A check and its name.
type Check = (&'static str, fn(&Gateway<'_>) -> Result<()>);

/// A running gateway.
pub struct Gateway<'a> {
    /// The address of its console.
    pub console: SocketAddr,
    /// The address of its status server.
    pub status: SocketAddr,
    /// The UDP address of its discovery.
    pub discovery: SocketAddr,
    /// The ports of console and status server that its discovery must return.
    pub ports: [u16; 2],
    /// Presses its button.
    pub press: &'a (dyn Fn() -> Result<()> + Sync),
}

impl Gateway<'_> {
    /// Runs all short checks. The checks end and restart the collector.
    ///
    /// # Errors
    /// The error of the first check that fails.
    pub fn check(&self, collector: &mut Collector) -> Result<()> {
        step("uplink: is up", || uplink::is_up(self, collector))?;
        step("uplink: button", || uplink::button(self, collector))?;
        let checks = console::CHECKS.into_iter().chain(status::CHECKS).chain(discovery::CHECKS);
        for (name, check) in checks {
            step(name, || check(self))?;
        }
        step("uplink: heart-beats", || uplink::heart_beats(self, collector))?;
        step("uplink: reports", || uplink::reports(self, collector))?;
        step("rude clients", || crowd::rude_clients(self))?;
        step("uplink: interruptions", || uplink::interruptions(self, collector))?;
        step("clients that come and go", || crowd::come_and_go(self, collector))?;
        collector.record().check()
    }

    /// Fills the store of a newly started gateway, like the first check of [`Gateway::check`].
    ///
    /// # Errors
    /// If the gateway's store is not empty, or the gateway answers wrongly.
    pub fn fill_store(&self) -> Result<()> {
        let (name, fill) = console::CHECKS[0];
        step(name, || fill(self))
    }

    /// Checks the timeouts, which take up to two minutes.
    ///
    /// # Errors
    /// The errors of all checks that failed.
    pub fn check_timeouts(&self, collector: &mut Collector) -> Result<()> {
        self.fill_store()?;
        step("uplink: is up", || uplink::is_up(self, collector))?;
        step("timeouts", || timeouts::check(self, collector))?;
        collector.record().check()
    }

    /// Checks that clients are notified of the end. The caller checks that the gateway then ends.
    ///
    /// # Errors
    /// If a client is not notified, or `interrupt` fails.
    pub fn check_end(&self, interrupt: impl FnOnce() -> Result<()>) -> Result<()> {
        step("end", || {
            let mut idle = console::open(self.console)?;
            let mut watching = console::open(self.console)?;
            watching.send("watch\n")?;
            console::values(&mut watching)?;
            interrupt()?;
            for client in [&mut idle, &mut watching] {
                console::skip_values(client)?;
                client.expect("bye: the gateway ends\r\n")?;
                client.expect_end()?;
            }
            console::comes_late(self.console)
        })
    }
}

/// Runs one check and prints how long it took. Adds its name to an error.
fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    check().with_context(|| name.to_owned())?;
    println!("{name}: {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests;
