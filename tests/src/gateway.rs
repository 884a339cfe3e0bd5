//! An end-to-end check of a gateway: everything that its specification says, over real connections.
//!
//! It knows the gateway by three addresses and its collector, which is a listener of this machine, so it
//! does not matter whether the gateway is firmware on an emulated board or a program on this machine:
//!
//! ```text
//!   check ──┬── Client ──────── console, status ──┐
//!           ├── Asker ───────── discovery ────────┤
//!           └── Collector ◀──── uplink ───────────┴── gateway
//! ```
//!
//! [`program::with`] does all of it for a program on this machine; `tests/tests/qemu/gateway.rs` does it for
//! firmware. The gateway has to be fresh: the first check fills its store. Each error says what was sent,
//! expected and received.
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

/// A check, and what it is called.
type Check = (&'static str, fn(&Gateway<'_>) -> Result<()>);

/// A gateway that runs.
pub struct Gateway<'a> {
    /// The address of its console.
    pub console: SocketAddr,
    /// The address of its status server.
    pub status: SocketAddr,
    /// The address of its discovery, for datagrams.
    pub discovery: SocketAddr,
    /// The ports of console and status server that its discovery has to name.
    pub ports: [u16; 2],
    /// Presses its button.
    pub press: &'a (dyn Fn() -> Result<()> + Sync),
}

impl Gateway<'_> {
    /// Checks all that does not take long. The collector is ended and started again meanwhile.
    ///
    /// # Errors
    /// At the first check that fails.
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

    /// Fills the store of a fresh gateway, as [`Gateway::check`] does first.
    ///
    /// # Errors
    /// When it is not fresh, or answers wrongly.
    pub fn fill_store(&self) -> Result<()> {
        let (name, fill) = console::CHECKS[0];
        step(name, || fill(self))
    }

    /// Checks the timeouts, which take up to two minutes.
    ///
    /// # Errors
    /// Those of all checks that failed.
    pub fn check_timeouts(&self, collector: &mut Collector) -> Result<()> {
        self.fill_store()?;
        step("uplink: is up", || uplink::is_up(self, collector))?;
        step("timeouts", || timeouts::check(self, collector))?;
        collector.record().check()
    }

    /// Checks that clients hear of the end. The caller checks that the gateway then ends.
    ///
    /// # Errors
    /// When they do not, or `interrupt` fails.
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

/// Takes one step, says how long it took, and names it in an error.
fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    check().with_context(|| name.to_owned())?;
    println!("{name}: {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests;
